"""The model card: everything it says is read from the bundle's config, so it cannot go stale."""

from __future__ import annotations

from typing import Any

__all__ = ["model_card"]


def model_card(bundle: dict[str, Any]) -> str:
    """README.md of a bundle, in Markdown."""
    training, motion, text, scores = bundle["training"], bundle["motion"], bundle["text"], bundle["scores"]
    config = training["config"]
    loss, optimiser = config["loss"], config["optimiser"]
    lines = [
        f"# {bundle['name']}",
        "",
        f"Embeds motions and sentences as unit vectors of {bundle['joint_dim']} numbers, a sentence near the "
        "motions that it describes. Made by `motionary-train export`, read by `motionary` without torch.",
        "",
        f"- Motion: HumanML3D features (263 numbers a frame, {motion['fps']} fps), Transformer with [cls], "
        f"{motion['layers']} layers, width {motion['width']}, {motion['heads']} heads, at most "
        f"{motion['max_frames']} frames.",
        f"- Text: {text['encoder']}, frozen, {text['pooling']} pooling; a linear projection is learnt.",
        f"- Loss: {loss['name']} (arXiv 2305.04195), margin {loss['margin']}, "
        f"thresholds {loss['hetero_threshold']} and {loss['homo_threshold']}, "
        f"after {loss['warmup_epochs']} epochs of the sum hinge.",
        f"- Training: {training['clips']} clips, {training['captions']} captions, {training['hours']} hours; "
        f"{training['epochs']} epochs, batch {optimiser['batch']}, AdamW {optimiser['learning_rate']}, "
        f"seed {config['seed']}.",
        *(f"- Licence of {what}: {licence}." for what, licence in training["licences"].items()),
        "",
    ]
    if scores:
        lines += _scores(scores)
    lines += [
        "## Limits",
        "",
        "Trained on a few hundred captioned clips: it knows common actions (walking, running, dancing) "
        "and is unsure about the order of events, left and right, and anything its captions never name. "
        "One person, a human body of 22 joints, no fingers, no face.",
        "",
    ]
    return "\n".join(lines)


def _scores(scores: dict[str, Any]) -> list[str]:
    lines = ["## Scores", "", f"On {scores['split']}. Selection: {scores['selection']}.", ""]
    for name, rows in scores["tables"].items():
        lines += [
            f"### {name}, STRICT (seed {scores['seeds'][0]})",
            "",
            "| system | t2m R@1 | R@5 | R@10 | MedR | m2t R@1 | R@5 | R@10 | MedR | R-sum |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for system, row in rows.items():
            strict = row["STRICT"]
            cells = [
                f"{value:.1f}"
                for way in (strict["text_to_motion"], strict["motion_to_text"])
                for value in (*way["at"].values(), way["median_rank"])
            ]
            lines.append(f"| {system} | {' | '.join(cells)} | {strict['r_sum']:.1f} |")
        if len(scores["seeds"]) > 1:
            over = scores["over_seeds"][name]["model"]
            told = ", ".join(
                f"{what} {over[what]['mean']:.1f} ± {over[what]['deviation']:.1f}"
                for what in ("t2m R@10", "m2t R@10", "R-sum")
            )
            lines += ["", f"Over seeds {', '.join(map(str, scores['seeds']))}: {told} (mean ± sd)."]
        lines.append("")
    told = scores["protocols"]["STRICT"]
    return [*lines, f"STRICT: {told} With so few clips, differences under ten points are noise.", ""]
