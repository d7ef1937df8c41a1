"""The first line of every report: whether the running process can be updated, and what that asks of the programmer."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from patchkit.model.change import Change, Comparison, Requires, Verdict
from patchkit.model.rules import rule_name
from patchkit.model.words import counted, listed

_NAMES_SHOWN = 3


class Status(StrEnum):
    """The answer in one word."""

    UNCHANGED = "unchanged"
    UPDATABLE = "updatable"
    BLOCKED = "blocked"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a comparison asks for. Folded changes count as many times as they stand for, questions once each."""

    nothing: int
    auto: int
    checks: int
    questions: int
    transformers: int
    blocked: int


def headline(comparison: Comparison) -> str:
    """Return the outcome in one line, for example `UPDATABLE: 14 auto, 2 questions, 1 transformer to write`."""
    asked = _asked(tally(c for c in comparison.changes if c.verdict is not Verdict.BLOCKED))
    gaps = len(comparison.old.gaps) + len(comparison.new.gaps)
    match status(comparison):
        case Status.BLOCKED:
            rest = f"; otherwise {asked}" if asked else ""
            unread = f"; INCOMPLETE: {_unread(comparison, gaps)}" if gaps else ""
            return f"BLOCKED by {_named(_blocking(comparison))}{rest}{unread}"
        case Status.INCOMPLETE:
            return f"INCOMPLETE: {_unread(comparison, gaps)}; in what was read {asked or 'nothing differs'}"
        case Status.UNCHANGED:
            unseen = sorted({*comparison.old.unseen, *comparison.new.unseen})
            limit = f" in what can be seen (unseen: {', '.join(unseen)})" if unseen else ""
            return f"NO CHANGE{limit}: {comparison.old.label} and {comparison.new.label} are the same program"
        case Status.UPDATABLE:
            restarts = _restarting(comparison)
            once = f" once {_named(restarts)} is resolved, else a restart" if restarts else ""
            return f"UPDATABLE{once}: {asked}"


def status(comparison: Comparison) -> Status:
    """Return the answer in one word; a blocked update is blocked however little was read of the rest."""
    if comparison.verdict is Verdict.BLOCKED:
        return Status.BLOCKED
    if not comparison.complete:
        return Status.INCOMPLETE
    return Status.UPDATABLE if comparison.changes else Status.UNCHANGED


def tally(changes: Iterable[Change]) -> Tally:
    """Count what `changes` ask for."""
    changes = tuple(changes)
    counts = {verdict: sum(c.count for c in changes if c.verdict is verdict) for verdict in Verdict}
    return Tally(
        nothing=counts[Verdict.NONE],
        auto=counts[Verdict.AUTO],
        checks=counts[Verdict.AUTO_CHECK],
        questions=sum(len(questions(change)) for change in changes),
        transformers=counts[Verdict.CODE],
        blocked=counts[Verdict.BLOCKED],
    )


def questions(change: Change) -> tuple[str, ...]:
    """Return the questions that `change` asks, each once; a change to confirm asks at least one."""
    asked = dict.fromkeys(q for q in (change.question, *(edit.question for edit in change.edits)) if q)
    if not asked and change.verdict is Verdict.CONFIRM:
        return (f"Is this right: {change.title}?",)
    return tuple(asked)


def _asked(counts: Tally) -> str:
    parts = (
        (counts.auto, f"{counts.auto:,} auto"),
        (counts.checks, counted(counts.checks, "check on live data", "checks on live data")),
        (counts.questions, counted(counts.questions, "question")),
        (counts.transformers, f"{counted(counts.transformers, 'transformer')} to write"),
    )
    asked = [text for number, text in parts if number]
    if not asked and counts.nothing:
        return f"{counted(counts.nothing, 'change')} that the process does not notice"
    return ", ".join(asked)


def _blocking(comparison: Comparison) -> tuple[Change, ...]:
    return tuple(change for change in comparison.changes if change.verdict is Verdict.BLOCKED)


def _restarting(comparison: Comparison) -> tuple[Change, ...]:
    return tuple(change for change in comparison.changes if change.requires is Requires.RESTART)


def _named(changes: tuple[Change, ...]) -> str:
    return listed(tuple(f"{c.name or c.title} ({rule_name(c.rule) or c.kind})" for c in changes), at_most=_NAMES_SHOWN)


def _unread(comparison: Comparison, gaps: int) -> str:
    first = (*comparison.old.gaps, *comparison.new.gaps)[0]
    return f"{counted(gaps, 'place')} could not be read, the first {first.coord}"
