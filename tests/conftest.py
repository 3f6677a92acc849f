"""For every test: Ctrl-C works, also in what a test starts, and no example is failed for its time."""

import signal

from hypothesis import settings

# A machine that others share is slow at times: a deadline for each example fails by chance.
settings.register_profile("untimed", parent=settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_configure(config):
    # A shell ignores it for what it runs in the background, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
