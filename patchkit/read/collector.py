"""Python's cycle collector, kept out of the way of work that makes a million objects and no garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python's cycle collector out of the way: reading makes a million objects and no garbage (-25 % time).

    Planning makes as many (-4 %).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()  # else the first object made afterwards has all of them walked through
            gc.enable()
