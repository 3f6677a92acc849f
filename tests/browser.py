"""A Chromium without a window, driven over its DevTools protocol, by a pipe: no driver is needed.

Tests that use it skip, and say so, where there is none on the PATH, and none that MOTIONARY_UI_BROWSER names.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0

HAND_OVER = """
import fcntl, os, sys
given = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for wanted, number in zip((3, 4), given):
    os.dup2(number, wanted)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""What starts the browser, which reads and writes numbers 3 and 4."""


def browser_command() -> str:
    """The path of a Chromium; skips the test where there is none."""
    for name in (os.environ.get("MOTIONARY_UI_BROWSER", ""), *NAMES):
        if found := shutil.which(name):
            return found
    pytest.skip(f"needs a browser: none of {', '.join(NAMES)} is on the PATH (apt-get install chromium)")


class Page:
    """A page that is open. ``ask`` sends a command of the protocol, ``run`` evaluates JavaScript."""

    def __init__(self, to, answers) -> None:
        self._to, self._answers, self._kept, self._number, self._session = to, answers, b"", 0, None

    def ask(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            whole, mark, rest = self._kept.partition(b"\0")
            if mark:
                self._kept = rest
                answer = json.loads(whole)
                if answer.get("id") == self._number:
                    assert "error" not in answer, answer
                    return answer["result"]
            elif select.select([self._answers], [], [], 1.0)[0]:
                more = os.read(self._answers, 1 << 20)
                assert more, "the browser has ended"
                self._kept += more
        raise AssertionError(f"the browser does not answer {method}")

    def run(self, script):
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def press(self, key, code="", modifiers=0):
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code, modifiers=modifiers)

    def wait_for(self, script):
        until = time.monotonic() + PATIENCE
        while not self.run(script):
            assert time.monotonic() < until, script
            time.sleep(0.05)


@contextmanager
def opened(file: Path, downloads: Path):
    """``file`` in a browser that keeps what it downloads in ``downloads``, its own profile thrown away."""
    command = browser_command()
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    profile = tempfile.mkdtemp(prefix="motionary-browser-")
    flags = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-dev-shm-usage",
    )  # as in a container
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", HAND_OVER, str(in_read), str(out_write)),
            *(command, *flags, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"),
        ],
        pass_fds=(in_read, out_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(in_read)
    os.close(out_write)
    try:
        page = Page(in_write, out_read)
        made = page.ask("Target.createTarget", url="about:blank")
        page._session = page.ask("Target.attachToTarget", targetId=made["targetId"], flatten=True)[
            "sessionId"
        ]
        page.ask(
            "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads), eventsEnabled=False
        )
        page.ask("Page.enable")
        page.ask("Page.navigate", url=file.absolute().as_uri())
        page.wait_for("location.protocol === 'file:' && document.readyState === 'complete'")
        yield page
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(in_write)
        os.close(out_read)
        shutil.rmtree(profile, ignore_errors=True)
