"""Break a reader: coverage-guided fuzzing of every file format that strangers make.

    python scripts/fuzz.py bvh --runs 1000000 --out build/fuzz     # needs: pip install atheris
    python scripts/fuzz.py --list
    python scripts/fuzz.py --all                                   # each until it has had --runs; hours
    python scripts/fuzz.py --table --markdown docs/reliability.md  # what all runs so far have tried

The readers and what they may do are in tests/fuzz/targets.py. libFuzzer, by way of atheris, makes the bytes
from the seeds there and from the corpus that it keeps in OUT/FORMAT, and is led by which lines of Motionary
they reach. What breaks a reader is written to OUT/FORMAT-findings, one file for each place and kind, and the
fuzzing goes on. At the end, one line says how much was tried. Exit code 1 where anything was found.

A file that broke a reader goes, once that is mended, to tests/fuzz/corpus/FORMAT-WHAT.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.measured_page import put_between  # noqa: E402

LONGEST = 4096
"""Bytes of a text that is tried: longer ones only take longer."""


def tried(out: Path) -> dict[str, list[float]]:
    """Executions, seconds and kinds of findings of all runs into a folder, by format; a run that was ended
    counts to its last minute."""
    found: dict[str, list[float]] = {}
    for path in sorted(out.glob("*.json")):
        run = json.loads(path.read_text())
        sums = found.setdefault(run["format"], [0, 0.0, 0])
        for place, name in enumerate(("executions", "seconds", "findings")):
            sums[place] += run[name]
    return found


def table(out: Path) -> list[str]:
    """What all runs into a folder have tried, as Markdown."""
    rows = [
        f"| {name} | {executions:,.0f} | {seconds / 60:.0f} | {found:.0f} |"
        for name, (executions, seconds, found) in sorted(tried(out).items())
    ]
    return ["| reader | executions | minutes | kinds of findings |", "|---|---|---|---|", *rows]


def fuzz_all(names: Iterable[str], runs: int, out: Path) -> int:
    """Each format in a process of its own until it has been tried so often, those begun with; 1 where one
    finds something."""
    found = 0
    for name in names:
        lacking = runs - int(tried(out).get(name, [0])[0])
        if lacking > 0:
            command = [sys.executable, __file__, name, "--runs", str(lacking), "--out", str(out)]
            found |= subprocess.run(command).returncode
    return int(bool(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("format", nargs="?", help="what to fuzz; --list names them")
    parser.add_argument("--list", action="store_true", help="name the formats")
    parser.add_argument("--table", action="store_true", help="all that was tried, as a Markdown table")
    parser.add_argument("--markdown", type=Path, help="write that table between the marks of this file")
    parser.add_argument("--all", action="store_true", help="every format, until each has had --runs in all")
    parser.add_argument("--runs", type=int, default=1_000_000, help="how many files to try")
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="stop after so long; 0: when all are tried"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", help="corpora and findings")
    arguments = parser.parse_args()
    if arguments.table:
        lines = table(arguments.out)
        print("\n".join(lines))
        if arguments.markdown:
            put_between(arguments.markdown, "fuzzed", lines)
        return
    sys.path[:0] = [str(ROOT), str(ROOT / "backend"), str(ROOT / "training")]
    try:
        import atheris
    except ImportError:
        sys.exit("fuzzing needs atheris: pip install atheris (Linux and macOS)")
    with atheris.instrument_imports(include=["motionary", "motionary_training", "tomllib", "csv"]):
        from tests.fuzz.targets import TARGETS, findings, limit_memory
    if arguments.all:
        sys.exit(fuzz_all(TARGETS, arguments.runs, arguments.out))
    if arguments.list or arguments.format not in TARGETS:
        sys.exit("\n".join(TARGETS))
    target = TARGETS[arguments.format]
    corpus, found = (arguments.out / f"{arguments.format}{end}" for end in ("", "-findings"))
    corpus.mkdir(parents=True, exist_ok=True)
    shared = Path("/dev/shm")  # noqa: S108 - a disk would be most of the time
    folder = Path(tempfile.mkdtemp(prefix="motionary-fuzz-", dir=shared if shared.is_dir() else None))
    seeds = target.seeds()
    for seed in (
        *seeds,
        *(p.read_bytes() for p in (ROOT / "tests/fuzz/corpus").glob(f"{arguments.format}-*")),
    ):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    began = told = time.monotonic()
    runs, kinds = 0, set[str]()

    def report(last: bool = False) -> None:
        seconds = time.monotonic() - began
        counted = {"format": arguments.format, "executions": runs, "seconds": seconds, "findings": len(kinds)}
        (arguments.out / f"{arguments.format}-{os.getpid()}.json").write_text(json.dumps(counted))
        print(
            f"{arguments.format}: {runs} executions in {seconds:.0f} s, {len(kinds)} kinds of findings, "
            f"{sum(1 for _ in corpus.iterdir())} files in the corpus{'' if last else ' so far'}",
            flush=True,
        )

    def try_one(data: bytes) -> None:
        nonlocal runs, told
        runs += 1
        for what in findings(target, data, folder):
            kind = re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "_", what.replace(str(folder), ""))
            place = what.rpartition(" in ")[2] if " in " in what else ""
            kind = f"{kind[:60]} {place}"
            if kind not in kinds:
                kinds.add(kind)
                found.mkdir(parents=True, exist_ok=True)
                name = hashlib.sha256(kind.encode()).hexdigest()[:12]
                (found / name).write_bytes(data)
                print(f"{arguments.format}: {found / name}: {what}", flush=True)
        if time.monotonic() - told > 60:
            report()
            told = time.monotonic()
        if runs >= arguments.runs or (arguments.seconds and time.monotonic() - began > arguments.seconds):
            report(last=True)
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(1 if kinds else 0)

    longest = max(LONGEST if target.text else 0, *(len(seed) + 64 for seed in seeds))
    for seed in seeds:  # what is loaded late is loaded before the memory is limited
        findings(target, seed, folder)
    limit_memory()
    options = [
        f"-max_len={longest}",
        "-timeout=600",
        "-rss_limit_mb=0",
        "-verbosity=0",
        f"-artifact_prefix={found}-",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *options], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
