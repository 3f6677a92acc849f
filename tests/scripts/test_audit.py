"""The audit's verdict: clean, explained, or not; and no silence is taken for an all-clear."""

import pytest

from scripts import audit

CLEAN = {"name": "good", "version": "1", "vulns": []}
SKIPPED = {"name": "ours", "skip_reason": "not found"}
FAULTY = {
    "name": "bad",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.1", "3.0"]}],
}


@pytest.fixture
def answers(monkeypatch):
    """What each service answers; asked(): which were asked about what."""
    given, asked = {}, []

    def ask(service, packages):
        asked.append((service, dict(packages)))
        return given[service]

    monkeypatch.setattr(audit, "ask", ask)
    monkeypatch.setattr(audit, "installed_packages", lambda environment: {"good": "1", "bad": "2"})
    given["asked"] = asked
    return given


def test_clean_is_told_with_the_count(answers, capsys):
    answers["pypi"] = {"dependencies": [CLEAN, CLEAN]}
    assert audit.main(["env"]) == 0
    assert capsys.readouterr().out == "env: 2 packages audited by pypi: 0 advisories\n"
    assert answers["asked"] == [("pypi", {"good": "1", "bad": "2"})]


def test_an_advisory_fails_and_tells_what_mends_it(answers, capsys):
    answers["pypi"] = {"dependencies": [CLEAN, FAULTY]}
    assert audit.main(["env"]) == 1
    assert "bad 2: PYSEC-1 (mended in 2.1, 3.0)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1"])
def test_an_advisory_that_is_accepted_passes_with_its_reason(answers, capsys, monkeypatch, name):
    monkeypatch.setattr(audit, "ACCEPTED", {name: "we do not call it"})
    answers["pypi"] = {"dependencies": [FAULTY]}
    assert audit.main(["env"]) == 0
    out = capsys.readouterr().out
    assert "0 advisories" in out
    assert "accepted: bad 2: PYSEC-1 (mended in 2.1, 3.0): we do not call it" in out


def test_a_package_that_was_not_audited_fails_by_name(answers, capsys):
    answers["pypi"] = {"dependencies": [CLEAN, SKIPPED]}
    assert audit.main(["env"]) == 1
    assert "not audited: ours" in capsys.readouterr().out


def test_a_mirror_without_advisories_is_no_all_clear(answers, capsys):
    answers["pypi"], answers["osv"] = {"dependencies": [SKIPPED, SKIPPED]}, "cannot connect"
    assert audit.main(["env"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert "nothing was audited" in line
    assert "cannot connect" in line


def test_the_second_service_is_asked_where_the_first_knows_nothing(answers, capsys):
    answers["pypi"], answers["osv"] = {"dependencies": [SKIPPED]}, {"dependencies": [CLEAN]}
    assert audit.main(["env"]) == 0
    assert "audited by osv" in capsys.readouterr().out


def test_no_environment_is_told_in_one_line(tmp_path, capsys):
    assert audit.main([str(tmp_path)]) == 1
    assert "is no virtual environment; make test makes those" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("prints", "answer"),
    [
        ("print(json.dumps({'dependencies': [line.strip() for line in open(sys.argv[4])]}))", None),
        ("sys.exit('first\\nlast words')", "last words"),
        ("sys.exit(3)", "exit code 3"),
        ("sys.exit('a' * 999)", "a" * audit.MOST_WORDS + "…"),
    ],
)
def test_pip_audit_is_asked_about_plain_versions_and_may_fail(tmp_path, monkeypatch, prints, answer):
    (tmp_path / "pip_audit.py").write_text(f"import json, sys\n{prints}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = audit.ask("pypi", {"torch": "2.0+cpu", "rich": "15"})
    assert told == ({"dependencies": ["torch==2.0", "rich==15"]} if answer is None else answer)
