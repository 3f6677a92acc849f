"""What the three hinge losses share: every negative's violation of the margin, in both directions."""

import torch
from torch import Tensor

__all__ = ["violations"]


def violations(S: Tensor, keep: Tensor, margin: float) -> Tensor:
    """[margin + S[i, j] - S[i, i]]+ where ``keep``, exactly 0 (and without gradient) elsewhere.

    S: (B, B) similarities, rows are anchors. keep: (B, B) bool. A removed negative becomes -inf before the
    hinge: setting its score to 0, as the reference code does, leaves margin - S[i, i] behind. The diagonal
    is taken out here with an explicit mask, never by comparing a similarity with 1, which bfloat16 breaks.
    """
    eye = torch.eye(len(S), dtype=torch.bool, device=S.device)
    negatives = S.masked_fill(eye | ~keep, -torch.inf)
    return (margin + negatives - S.diagonal()[:, None]).relu()
