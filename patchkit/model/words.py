"""The words that every report, message and screen uses for the closed sets of the model."""

from collections.abc import Mapping
from types import MappingProxyType

from patchkit.model.change import Requires, Verdict

VERDICTS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.NONE: "none",
        Verdict.AUTO: "auto",
        Verdict.AUTO_CHECK: "auto+check",
        Verdict.CONFIRM: "confirm",
        Verdict.CODE: "code",
        Verdict.BLOCKED: "blocked",
    }
)

MEANINGS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.NONE: "nothing in the running process depends on it",
        Verdict.AUTO: "converted without a word from you",
        Verdict.AUTO_CHECK: "converted if a test on the live data passes",
        Verdict.CONFIRM: "waits for your answer to a closed question",
        Verdict.CODE: "needs a conversion that you write",
        Verdict.BLOCKED: "cannot be carried over as things stand",
    }
)

REQUIREMENTS: Mapping[Requires, str] = MappingProxyType(
    {
        Requires.NOTHING: "nothing",
        Requires.QUIESCE: "quiesce",
        Requires.TRANSFORMER: "transformer",
        Requires.REVIEW: "review",
        Requires.RESTART: "restart",
    }
)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return `number` with its noun: `1 question`, `2 questions`, `1,115 bodies`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def listed(items: tuple[str, ...], *, at_most: int, more: str = "more") -> str:
    """Return `a, b and c`, or `a, b and 7 more` where there are more than `at_most`."""
    shown = list(items if len(items) <= at_most else items[:at_most])
    if len(items) > at_most:
        shown.append(f"{len(items) - at_most:,} {more}")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
