"""Waiting for compilers while other work goes on."""

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def begin(work: Callable[[], _T]) -> Callable[[], _T]:
    """Begin `work` in a thread; the function that is returned waits for it and returns, or raises, what it did."""
    results: list[_T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def finish() -> _T:
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    return finish
