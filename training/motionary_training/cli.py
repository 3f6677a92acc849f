"""The command ``motionary-train``: check data, train, evaluate, cross-validate, export."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from motionary.errors import MotionaryError
from motionary_training.config import Config, load_config, shipped_configs

if TYPE_CHECKING:  # torch takes seconds, and most of what is asked here needs none of it
    from motionary_training.crossval import Plan
    from motionary_training.evaluate import Estimate

__all__ = ["app", "main"]

app = typer.Typer(
    help="Train, evaluate and export Motionary's encoders.", no_args_is_help=True, add_completion=False
)
console, errors = Console(), Console(stderr=True)

ConfigArgument = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", help="A TOML file, or the name of a shipped config (paper, best, default)."
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="A data set's folder, in place of the config's; its kind is recognised."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="In place of what the config says: optimiser.batch=64."),
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the numbers to this JSON file too.")]
WorkOption = Annotated[
    Path, typer.Option(help="Folder of results: kept, shared by runs at the same time, gone on from.")
]


data_app = typer.Typer(help="Look at what a config learns from, or get it ready.", no_args_is_help=True)
app.add_typer(data_app, name="data")


@data_app.command()
def check(config: ConfigArgument, folder: DataOption = None, settings: SetOption = None) -> None:
    """Read everything that a config asks for, and say what is there, clip by clip where something is not.

    Fails, naming the files, where a data set is incomplete or damaged.
    """
    from motionary_training.data import frame_rate, load_samples
    from motionary_training.sources import SPLITS

    told = _with_data(_config(config, settings=settings or ()), folder)
    reasons: list[str] = []
    try:
        with _progress("reading clips") as step:
            samples = load_samples(told.data, SPLITS, seed=told.seed, left_out=reasons.append, step=step)
    except MotionaryError as error:
        for file in getattr(error, "__notes__", ()):  # those that its one line has no room for
            errors.print(file, soft_wrap=True, highlight=False, markup=False)
        raise
    table = Table("split", "what", "clips", "captions", "minutes", "shortest s", "median s", "longest s")
    fps = frame_rate(told.data)
    rows = Counter((SPLITS.index(sample.split), sample.what) for sample in samples)
    for split, what in sorted(rows):
        these = [sample for sample in samples if (sample.split, sample.what) == (SPLITS[split], what)]
        seconds = sorted(len(sample.features) / fps for sample in these)
        middle = (seconds[0], seconds[len(seconds) // 2], seconds[-1])
        captions = sum(len(sample.captions) for sample in these)
        numbers = (f"{sum(seconds) / 60:.1f}", *(f"{value:.1f}" for value in middle))
        table.add_row(SPLITS[split], what, str(len(these)), str(captions), *numbers)
    console.print(table)
    for reason in reasons:
        _say_left_out(reason)


@data_app.command()
def prepare(config: ConfigArgument, folder: DataOption = None, settings: SetOption = None) -> None:
    """Compute features and sentence vectors into the config's cache, so that training starts at once."""
    from motionary_training.data import load_pairs, load_samples
    from motionary_training.sources import SPLITS

    told = _with_data(_config(config, settings=settings or ()), folder)
    with _progress("reading clips") as step:
        samples = load_samples(told.data, SPLITS, seed=told.seed, left_out=_say_left_out, step=step)
    splits = [split for split in SPLITS if any(sample.split == split for sample in samples)]
    with _progress("encoding captions") as step:
        for done, split in enumerate(splits):
            pairs = load_pairs(told, split)
            clips, captions = len(pairs.samples), len(pairs.texts)
            console.print(f"{split}: {clips} clips, {captions} captions", highlight=False)
            step(done + 1, len(splits))


@app.command()
def train(
    config: ConfigArgument,
    data: DataOption = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME-SEED if not given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where the run was stopped.")] = False,
    seed: Annotated[int | None, typer.Option(help="In place of the config's seed.")] = None,
    settings: SetOption = None,
) -> None:
    """Train one model, on one GPU or on many.

    Ctrl-C saves the run; --resume goes on to what an unbroken run ends with, also after a kill or a power
    cut, then from the last whole epoch. On many GPUs: torchrun --nproc-per-node=8 -m motionary_training
    train CONFIG; the batch is shared out among them.
    """
    from motionary_training.data import load_pairs, load_validation
    from motionary_training.distributed import is_first
    from motionary_training.train import Epoch, fit

    told = _with_data(_config(config, seed, settings or ()), data)
    run = out or Path("runs") / f"{told.name}-{told.seed}"
    first = is_first()
    with _progress("reading clips") as step:
        learnt = load_pairs(told, "train", left_out=_say_left_out if first else _say_nothing, step=step)
        val = load_validation(told)
    if first and val is None and told.select == "best":
        errors.print("there are no clips of val: the last epoch is kept, for none can be told the best")
    with _epochs_progress() as step:

        def report(epoch: Epoch) -> None:
            score = "" if epoch.r_sum is None else f"  val STRICT R-sum {epoch.r_sum:.1f}"
            speed = f"{epoch.samples_per_second:.0f} clips/s"
            errors.print(
                f"epoch {epoch.number}  loss {epoch.loss:.4f}{score}  {epoch.seconds:.1f} s  {speed}",
                highlight=False,
            )

        fit(told, learnt, val, run=run, resume=resume, report=report, step=step)
    if first:
        console.print(str(run), highlight=False, soft_wrap=True)


@app.command()
def evaluate(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|BUNDLE... [CONFIG]",
            help="Runs' folders or model bundles; seeds become one row. Then the config that tells the data "
            "set; the first run's own if not given.",
        ),
    ],
    split: Annotated[str, typer.Option(help="val or test; look at test once, when all is chosen.")] = "val",
    protocol: Annotated[
        list[str] | None, typer.Option(help="One of STRICT, RELAXED, REHAMOT-1000, BATCH-32, GRADED; all.")
    ] = None,
    captions: Annotated[
        str, typer.Option(help="all captions of a motion ask and are asked for, or (TMR's) the first.")
    ] = "all",
    out: Annotated[
        Path, typer.Option(help="Folder for evaluation.json, evaluation.md and evaluation.png.")
    ] = Path("evaluation"),
) -> None:
    """Score models beside chance and the baselines; each table is of one protocol and names it."""
    from motionary_training.protocols import PROTOCOLS
    from motionary_training.report import report_split

    if split not in ("val", "test"):
        raise typer.BadParameter(f"{split!r} is neither val nor test", param_hint="--split")
    if captions not in ("all", "first"):
        raise typer.BadParameter(f"{captions!r} is neither all nor first", param_hint="--captions")
    for name in protocol or ():
        if name not in PROTOCOLS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(PROTOCOLS)}", param_hint="--protocol")
    chosen = [name for name in PROTOCOLS if not protocol or name in protocol]
    asked: Literal["all", "first"] = "first" if captions == "first" else "all"
    sources, settings = _models_and_config(names)
    sections = report_split(sources, settings, split, out, protocols=chosen, captions=asked)
    for section in sections:
        for name, table in section.tables.items():
            _print_table(f"{name}: {section.title}", table)
            console.print(section.told[name], highlight=False)
    console.print(f"{out}", highlight=False)


@app.command()
def crossval(
    config: ConfigArgument,
    count: Annotated[
        int, typer.Option("--folds", help="Parts that the train split's recordings are cut into.")
    ] = 5,
    work: WorkOption = Path("build/comparison"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for comparison.json, comparison.md and comparison.png.")
    ] = None,
) -> None:
    """Train once for each fold of the train split, recordings kept whole: for choosing settings."""
    from motionary_training.crossval import Plan

    settings = _config(config)
    _compare(Plan({settings.name: settings}, ("train",), count, 1, work), settings.name, 1, out)


@app.command()
def compare(
    configs: Annotated[
        list[str],
        typer.Argument(metavar="[LABEL=]CONFIG...", help="A row each, by its label or the config's name."),
    ],
    count: Annotated[
        int, typer.Option("--folds", help="Parts that all captioned recordings are cut into.")
    ] = 5,
    seeds: Annotated[int, typer.Option(help="Runs of each config, from its own seed on.")] = 3,
    work: WorkOption = Path("build/comparison"),
    out: Annotated[
        Path, typer.Option(help="Folder for comparison.json, comparison.md and comparison.png.")
    ] = Path("comparison"),
    against: Annotated[
        str | None,
        typer.Option(help="The row that differences are taken to; the first config's if not given."),
    ] = None,
    described: Annotated[
        list[str] | None,
        typer.Option(
            "--with-descriptions", help="A row that is shown again with the recordings' descriptions added."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes that share the work.", min=1)] = 1,
) -> None:
    """Configs and baselines side by side: each captioned CMU clip is held out once, recordings kept whole."""
    from motionary_training.crossval import Plan
    from motionary_training.sources import SPLITS

    rows: dict[str, Config] = {}
    for name in configs:
        label, _, path = name.rpartition("=")
        settings = _config(path)
        row = label or settings.name
        if row in rows:
            raise MotionaryError(f"{name}: there is a row {row!r} already; name it as LABEL={path}")
        rows[row] = settings
    for name in described or ():
        if name not in rows:
            raise MotionaryError(
                f"--with-descriptions {name}: there is no such row; rows are {', '.join(rows)}"
            )
    plan = Plan(rows, SPLITS, count, seeds, work, frozenset(described or ()))
    _compare(plan, against or next(iter(rows)), jobs, out)


@app.command()
def export(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN [RUN]...", help="The run to ship; more seeds of it, for spread."),
    ],
    out: Annotated[Path | None, typer.Option(help="The bundle's folder.")] = None,
    transformers: Annotated[
        Path | None, typer.Option(help="A folder for researchers: config.json and model.safetensors.")
    ] = None,
) -> None:
    """Write a model bundle: weights, config, scores on val, and a model card made from them.

    What is written is read back and held to torch, motions and texts, before it takes its place.
    """
    if not out and not transformers:
        raise typer.BadParameter("name a bundle's folder, or one with --transformers", param_hint="--out")
    from motionary_training.export import export_bundle, export_pretrained

    if transformers:
        export_pretrained(runs[0], transformers)
        console.print(transformers, highlight=False)
    if out:
        size = export_bundle(runs, out)
        console.print(f"{out}  {size / 1e6:.1f} MB", highlight=False)


@app.command()
def embed(
    library: Annotated[Path, typer.Argument(metavar="LIB", help="The library file, NAME.motionary.")],
    model: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="A model bundle's folder, instead of the built-in model."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="auto: a GPU if any.")] = "auto",
    batch: Annotated[
        int | None, typer.Option(min=1, metavar="FRAMES", help="Frames that are embedded at once.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read motions; one a core if not given.")
    ] = None,
    out: JsonOption = None,
) -> None:
    """Embed all that a library holds with a model, on a GPU or the CPU; its source files are not needed.

    The vectors are those of `motionary index`. The model before serves until all is done; stopped, the same
    command goes on. Clips that have this model's vectors already are left as they are.
    """
    import json
    import time

    from motionary.bundle import load_bundle
    from motionary.files import replacing
    from motionary_training.embed import embed_library, torch_device

    began = time.monotonic()
    bundle, where = load_bundle(model), torch_device(device)
    try:
        with _progress("embedding") as step:
            report = embed_library(
                library,
                bundle,
                device=where,
                batch=batch,
                workers=workers,
                progress=lambda at: step(at.done, at.total),
            )
    except KeyboardInterrupt:
        say = f"motionary-train: interrupted; what was embedded is in {library}: the same command goes on"
        errors.print(say, soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(130) from None
    for failure in report.failures:
        errors.print(f"motionary-train: {failure}", soft_wrap=True, highlight=False, markup=False)
    seconds = time.monotonic() - began
    console.print(
        f"{library}: embedded {report.embedded} clips with {bundle.name} ({bundle.id[:8]}) on {where} in "
        f"{seconds:.1f} s, failed {len(report.failures)}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    if out:
        numbers = {"embedded": report.embedded, "failures": report.failures, "seconds": seconds}
        document = {"library": str(library), "model": bundle.id, "device": str(where), **numbers}
        with replacing(out) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if report.failures:
        raise typer.Exit(1)


@app.command()
def study(
    name: Annotated[
        str,
        typer.Argument(
            help="thresholds, false-negatives, encoders, warm-up, cost, digits or hard-negatives; or all."
        ),
    ],
    quick: Annotated[bool, typer.Option("--quick", help="A few cells, to see that it runs.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the study's page, picture and numbers.")] = Path(
        "docs/studies"
    ),
    data: Annotated[Path, typer.Option(help="Folder with the CMU archives.")] = Path("../shared/data"),
    work: Annotated[Path, typer.Option(help="Folder for what is finished; a stopped study goes on.")] = Path(
        "build/studies"
    ),
) -> None:
    """Answer one open question of the paper: a page with what was found first, a table and a picture."""
    from motionary_training.studies import STUDIES
    from motionary_training.studies.document import write_document
    from motionary_training.studies.sources import make_plan

    if name != "all" and name not in STUDIES:
        raise MotionaryError(f"{name}: no such study; name one of {', '.join(STUDIES)}, or all")
    for each in STUDIES if name == "all" else (name,):
        with _progress(each) as step:
            finding = STUDIES[each](make_plan(data, work, quick=quick, step=step))
        command = f"motionary-train study {each}" + (" --quick" if quick else "")
        path = write_document(finding, out, each, command, quick=quick)
        console.print(finding.found, highlight=False, soft_wrap=True)
        console.print(str(path), highlight=False)


def main() -> None:
    """Run the command line: 0 success, 1 a failure said in one line, 2 wrong usage."""
    try:
        app()
    except MotionaryError as error:
        print(f"motionary-train: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("motionary-train: stopped", file=sys.stderr)
        sys.exit(1)


def _config(name: str, seed: int | None = None, settings: Sequence[str] = ()) -> Config:
    """The config of a file; NAME and configs/NAME.toml are shipped ones where no such file is."""
    path, shipped = Path(name), shipped_configs()
    if not path.exists():
        key = name.removeprefix("configs/").removesuffix(".toml")
        if key not in shipped:
            raise MotionaryError(f"{name}: no such config; name a TOML file or one of {', '.join(shipped)}")
        path = shipped[key]
    config = load_config(path, settings)
    return config if seed is None else replace(config, seed=seed)


def _models_and_config(names: Sequence[str]) -> tuple[list[Path], Config]:
    """Runs and bundles, and the config named behind them or the first run's own."""
    from motionary_training.checkpoint import read_config

    *sources, last = (Path(name) for name in names)
    if not (last / "config.json").is_file():
        if not sources:
            raise MotionaryError(f"{last}: no run and no bundle; name one before the config")
        return sources, _config(names[-1])
    first = Path(names[0])
    if not (first / "last.pt").is_file():
        raise MotionaryError(f"{first}: a bundle does not tell its data set; name a config behind it")
    return [*sources, last], read_config(first)


def _with_data(config: Config, folder: Path | None) -> Config:
    """``config`` with the data set in ``folder``, where one is named."""
    from motionary_training.sources import recognised

    return replace(config, data=recognised(folder, config.data)) if folder else config


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere; yields a function of done and total."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _epochs_progress() -> Iterator[Callable[[int, int], None]]:
    """As ``_progress``, of all the pairs of a run, with the speed at which they are learnt from."""
    columns = (TextColumn("training"), BarColumn(), TaskProgressColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("training", total=None)

        def step(done: int, total: int) -> None:
            if bar.tasks[0].total is None:  # what a resumed run begins with was not learnt this second
                bar.reset(task, completed=done, total=total)
            bar.update(task, completed=done)

        yield step


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Pairs a second, of late."""
        return Text(f"{task.speed:.0f} clips/s" if task.speed else "")


def _say_nothing(reason: str) -> None:
    pass


def _say_left_out(reason: str) -> None:
    errors.print(f"left out: {reason}", soft_wrap=True, highlight=False)


def _compare(plan: Plan, against: str, jobs: int, out: Path | None) -> None:
    from motionary_training.compare import compared, finding, write_comparison
    from motionary_training.crossval import cross_validate, load_gallery

    with _progress("reading clips"):
        gallery = load_gallery(plan)
    with _progress("results") as step:

        def report(what: str, done: int, total: int) -> None:
            step(done, total)
            errors.print(f"{done} of {total}  {what}", soft_wrap=True, highlight=False)

        answers = cross_validate(plan, gallery, jobs=jobs, report=report)
    found = compared(plan, gallery, answers, against)
    for name, by_protocol in found.tables.items():
        for protocol, table in by_protocol.items():
            where = "the fold's clips" if name == "fold" else "all clips"
            _print_table(f"{protocol}, gallery: {where}; {plan.folds} folds", table)
    console.print(finding(found), highlight=False)
    if out:
        write_comparison(found, out)
        console.print(f"{out}", highlight=False)


def _print_table(title: str, rows: dict[str, dict[str, Estimate]]) -> None:
    """Means over seeds, a table for each direction; the R-sum's interval alone, the rest is in the files."""
    for way, told in (("t2m", "text to motion"), ("m2t", "motion to text")):
        names = [f"{way} {name}" for name in ("R@1", "R@2", "R@3", "R@5", "R@10", "MedR", "nDCG@10", "P@10")]
        measures = [name for name in names if name in next(iter(rows.values()))]
        summed = way == "m2t" and "R-sum" in next(iter(rows.values()))
        table = Table(told, *(name.removeprefix(way) for name in measures), *["R-sum"] * summed, title=title)
        for system, row in rows.items():
            cells = [f"{row[name].mean:.{3 if 'nDCG' in name else 1}f}" for name in measures]
            if summed:
                around = " ({:.0f} to {:.0f})".format(*row["R-sum"].interval or (0, 0))
                cells.append(f"{row['R-sum']}{around}")
            table.add_row(system, *cells)
        console.print(table)
