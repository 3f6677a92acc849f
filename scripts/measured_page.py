"""What a script measured, in the page that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["put_between"]


def put_between(path: Path, mark: str, lines: Sequence[str]) -> None:
    """Put ``lines`` between <!-- mark --> and <!-- end mark --> of a file.

    SystemExit where it has not each of them once, the second behind the first.
    """
    begin, end = f"<!-- {mark} -->\n", f"<!-- end {mark} -->"
    page = path.read_text("utf-8")
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found or page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"{path}: has not one {begin.strip()} with one {end} behind it")
    path.write_text(f"{before}{begin}{chr(10).join(lines)}\n{end}{after}", "utf-8")
