"""Ask the advisory services about every package that set-up installed: clean, explained, or not.

    python scripts/audit.py .venv .venv-blender5     # make audit does this, with pip-audit beside it

pip-audit does the asking: PyPI's service first, OSV's where that answers nothing. It takes a package that the
service does not know for no fault, so that on a machine with a mirror of PyPI, which has files and no
advisories, everything would look clean. Here what was not audited is a fault as well. ACCEPTED has the
advisories that we live with, each with its reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.installed_packages import installed_packages  # noqa: E402

SERVICES = ("pypi", "osv")
MOST_WORDS = 100
"""Letters of what a service that fails is quoted with."""
ACCEPTED: Mapping[str, str] = {}
"""Advisory (as PYSEC-… or GHSA-…) and why we live with it."""


@dataclass(frozen=True)
class Audit:
    """What a service knows. audited: how many packages. unknown: those that it does not know. advisories:
    lines that name package, version, advisory and the version that mends it; accepted: those among ACCEPTED,
    with the reason."""

    service: str
    audited: int
    unknown: tuple[str, ...]
    advisories: tuple[str, ...]
    accepted: tuple[str, ...]


def ask(service: str, packages: Mapping[str, str]) -> dict[str, Any] | str:
    """pip-audit's answer about packages; where it gives none, its last words."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        # +cpu and the like are an index's builds of a version, which advisories do not tell apart.
        lines = [f"{name}=={version.partition('+')[0]}\n" for name, version in packages.items()]
        path.write_text("".join(lines), "utf-8")
        options = (
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
            "--aliases",
            "on",
            "--progress-spinner",
            "off",
        )
        command = [sys.executable, "-m", "pip_audit", "-s", service, "-r", str(path), *options]
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        words = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}…"
    return answer


def understood(service: str, answer: Mapping[str, Any]) -> Audit:
    """What pip-audit's answer says."""
    audited, unknown = 0, []
    advisories: list[str] = []
    accepted: list[str] = []
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            unknown.append(package["name"])
            continue
        audited += 1
        for found in package["vulns"]:
            names = {found["id"], *found.get("aliases", ())}
            mended = ", ".join(found.get("fix_versions", ())) or "no version yet"
            line = f"{package['name']} {package['version']}: {found['id']} (mended in {mended})"
            why = next((ACCEPTED[name] for name in sorted(names) if name in ACCEPTED), None)
            (advisories if why is None else accepted).append(line if why is None else f"{line}: {why}")
    return Audit(service, audited, tuple(unknown), tuple(advisories), tuple(accepted))


def audit(packages: Mapping[str, str]) -> Audit | str:
    """The first service's answer that knows a package at all; a sentence where none does."""
    silent = []
    for service in SERVICES:
        answer = ask(service, packages)
        if isinstance(answer, str):
            silent.append(f"{service}: {answer}")
            continue
        told = understood(service, answer)
        if told.audited:
            return told
        silent.append(
            f"{service}: knows none of {len(packages)} packages, as a mirror without advisories does"
        )
    return (
        f"no advisory service can be asked from here ({'; '.join(silent)}); nothing was audited: "
        "run make audit where PyPI itself is reached"
    )


def lines_of(environment: Path, told: Audit) -> list[str]:
    """What a reader is told."""
    count = len(told.advisories)
    lines = [f"{environment}: {told.audited} packages audited by {told.service}: {count} advisories"]
    lines += [f"  {line}" for line in told.advisories]
    lines += [f"  accepted: {line}" for line in told.accepted]
    return lines + ([f"  not audited: {', '.join(told.unknown)}"] if told.unknown else [])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("environments", type=Path, nargs="+", help="folders that venv made")
    fine = True
    for environment in parser.parse_args(arguments).environments:
        try:
            told = audit(installed_packages(environment))
        except ValueError as error:
            told = str(error)
        if isinstance(told, str):
            print(f"audit.py: {environment}: {told}", file=sys.stderr)
            return 1
        print("\n".join(lines_of(environment, told)))
        fine = fine and not told.advisories and not told.unknown
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
