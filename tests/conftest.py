"""Ctrl-C works in every test and in what it starts, however the tests themselves were started."""

import signal


def pytest_configure(config):
    # A shell ignores it for what it runs in the background, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
