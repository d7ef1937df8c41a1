"""Checks of an update before it goes near a process, from cheap to dear. Each is a level, and can be run alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from patchkit.validate.dynamics import Session, compared, faults, unwritten
from patchkit.validate.findings import Finding, Subject
from patchkit.validate.roundtrip import round_trips
from patchkit.validate.statics import compiles, complete

__all__ = ["LEVELS", "Finding", "Subject", "validate"]

ROUND_TRIP = 6
LEVELS: Mapping[int, str] = {
    1: "compiles without a warning against both layouts",
    2: "nothing is open or stale",
    3: "every byte of every new object is written",
    4: "no conversion fails on objects at the extremes of each member",
    5: "the samples become what is expected",
    ROUND_TRIP: "what goes to the new version comes back as it was",
}
_CHECKS: Mapping[int, Callable[[Session], Iterator[Finding]]] = {
    1: lambda session: compiles(session.subject),
    2: lambda session: complete(session.subject),
    3: unwritten,
    4: faults,
    5: compared,
}


def validate(subjects: Sequence[Subject], levels: Sequence[int]) -> list[Finding]:
    """Return what the checks of `levels` find; `subjects` are an update's way there and, if it has one, its way back.

    Raises ToolError where there is no compiler, and InputError for a sample that is wrong.
    """
    sessions = [Session(subject) for subject in subjects]
    each = [level for level in levels if level in _CHECKS]
    found = [finding for session in sessions for level in each for finding in _CHECKS[level](session)]
    if ROUND_TRIP in levels and len(sessions) > 1:
        found += round_trips(*sessions)
    return found
