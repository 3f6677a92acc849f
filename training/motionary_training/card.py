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
        f"- Motion: HumanML3D features (263 numbers a frame, {motion['fps']} fps), {_encoder(motion)}, "
        f"{motion['layers']} layers, width {motion['width']}, at most {motion['max_frames']} frames.",
        f"- Text: {text['encoder']}, {'trained along' if text.get('finetuned') else 'frozen'}, "
        f"{text['pooling']} pooling; {_learnt(config)}",
        f"- Loss: {_loss(loss)}, after {loss['warmup_epochs']} epochs of the sum hinge.",
        f"- Training: {training['clips']} clips, {training['captions']} captions, {training['hours']} hours; "
        f"{training['epochs']} epochs, batch {optimiser['batch']}, AdamW {optimiser['learning_rate']}, "
        f"seed {config['seed']}.",
        *(f"- {line}" for line in _more(bundle)),
        *(f"- Licence of {what}: {licence}." for what, licence in training["licences"].items()),
        "",
    ]
    if scores:
        lines += _scores(scores)
    lines += [
        "## Limits",
        "",
        "It knows what its training clips' captions name, common actions best, and is unsure about the order "
        "of events, left and right, and anything that no caption names. One person, a human body of 22 "
        "joints, no fingers, no face.",
        "",
        *_failures(scores.get("furthest_off", [])),
    ]
    return "\n".join(lines)


def _more(bundle: dict[str, Any]) -> list[str]:
    """What older bundles do not tell: where clips came from, and what is done to vectors after training."""
    lines = []
    if sources := bundle["training"].get("sources"):
        lines.append(f"Clips: {', '.join(f'{count} {source}' for source, count in sources.items())}.")
    if bank := bundle.get("querybank"):
        lines.append(
            f"Querybank normalisation (arXiv 2112.12777): the mean of the {bank['nearest']} highest cosines "
            f"with a bank of captions, or of motions, times {bank['weight']:g}, is taken off a score."
        )
    return lines


def _failures(found: list[dict[str, Any]]) -> list[str]:
    """The captions of the val split that find their own clip last."""
    if not found:
        return []
    rows = [
        f'- "{one["asked"]}": its own clip comes {one["rank"]} of {one["of"]}; first comes one of which '
        f'somebody said "{one["first"]}".'
        for one in found
    ]
    return ["Furthest off on that split:", "", *rows, ""]


def _learnt(config: dict[str, Any]) -> str:
    """What stands between the text encoder and the joint space."""
    space = "a small network that learnt from captions alone, and " if config["text"].get("space") else ""
    if not config["optimiser"].get("text_learning_rate_factor", 1.0):
        return (
            f"behind it {space}a linear projection onto the captions' principal axes, which stays as it is."
        )
    return f"behind it {space}a linear projection that learns along."


def _encoder(motion: dict[str, Any]) -> str:
    """The kind of motion encoder, in words; what older bundles do not say is the paper's."""
    kinds = {
        "transformer": "Transformer with [cls]",
        "gru": "GRU",
        "lstm": "LSTM",
        "bigru": "two-way GRU",
        "patches": "Transformer with [cls] over five body parts",
    }
    told = kinds[motion.get("kind", "transformer")]
    if motion.get("columns", "all") != "all":
        told = f"of them root, contacts and {motion['columns']}, {told}"
    if motion.get("summary", False):
        told += " and statistics of the whole clip"
    stride = motion.get("stride", 1)
    return told if stride == 1 else f"{stride} frames a step, {told}"


def _loss(loss: dict[str, Any]) -> str:
    told = f"{loss['name']} (arXiv 2305.04195)" if loss["name"] == "drop_triple" else str(loss["name"])
    if "info_nce" in loss["name"]:
        told += f", temperature {loss['temperature']}{' at first' if loss['learn_temperature'] else ''}"
    else:
        told += f", margin {loss['margin']}"
    if loss["name"] in ("drop_triple", "info_nce") and loss.get("filter", "in_batch") == "in_batch":
        told += f", thresholds {loss['hetero_threshold']} and {loss['homo_threshold']}"
    if loss["name"] in ("drop_triple", "info_nce") and loss.get("filter") == "text":
        told += f", captions alike from {loss['text_threshold']}"
    return told


def _scores(scores: dict[str, Any]) -> list[str]:
    seeds = scores["seeds"]
    over = f" Mean ± standard deviation of seeds {', '.join(map(str, seeds))}." if len(seeds) > 1 else ""
    lines = ["## Scores", "", f"On {scores['split']}. Selection: {scores['selection']}.{over}", ""]
    for section in scores["galleries"]:
        strict, graded = section["protocols"]["STRICT"], section["protocols"]["GRADED"]
        lines += [f"### STRICT: {section['gallery']}", "", strict["told"], ""]
        lines += _table(strict["systems"], (*_ways("R@1", "R@5", "R@10", "MedR"), "R-sum"))
        lines += [f"### GRADED: {section['gallery']}", "", graded["told"], ""]
        lines += _table(graded["systems"], _ways("nDCG@10", "P@10"))
        lines += [f"In brackets: {section['intervals']}.", ""]
    return lines


def _ways(*names: str) -> tuple[str, ...]:
    return tuple(f"{way} {name}" for way in ("t2m", "m2t") for name in names)


def _table(systems: dict[str, Any], measures: tuple[str, ...]) -> list[str]:
    lines = [f"| system | {' | '.join(measures)} |", "|---" * (len(measures) + 1) + "|"]
    for system, row in systems.items():
        cells = [_cell(name, row[name]) if name in row else "" for name in measures]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return [*lines, ""]


def _cell(name: str, value: dict[str, Any]) -> str:
    digits = 3 if "nDCG" in name else 1
    spread = f" ± {value['deviation']:.{digits}f}" if value["count"] > 1 else ""
    # Of the sum alone the interval is told: it says how far all the rest can be trusted.
    around = " ({:.0f} to {:.0f})".format(*value["interval"]) if name == "R-sum" and value["interval"] else ""
    return f"{value['mean']:.{digits}f}{spread}{around}"
