"""What a report shows in which order: sections by verdict, in each what is told one by one, then the folded rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from patchkit.model.change import Change, Comparison, Subject, Verdict
from patchkit.report import Options


@dataclass(frozen=True, slots=True)
class Heap:
    """Changes of one kind and rule that are told in one line."""

    kind: str
    rule: str
    changes: tuple[Change, ...]

    @property
    def count(self) -> int:
        """How many things changed, folded ones counted."""
        return sum(change.count for change in self.changes)


@dataclass(frozen=True, slots=True)
class Section:
    """All changes of one verdict: those told one by one, and the heaps."""

    verdict: Verdict
    told: tuple[Change, ...]
    heaps: tuple[Heap, ...]

    @property
    def count(self) -> int:
        """How many things changed, folded ones counted."""
        return sum(change.count for change in self.told) + sum(heap.count for heap in self.heaps)


def shown(comparison: Comparison, options: Options) -> tuple[Change, ...]:
    """Return the changes that `--only` leaves."""
    return tuple(c for c in comparison.changes if not options.only or c.subject in options.only)


def outline(changes: Iterable[Change], is_told: Callable[[Change], bool]) -> tuple[Section, ...]:
    """Return the sections of `changes`, worst first; a change for which `is_told` fails goes to a heap."""
    by_verdict: dict[Verdict, list[Change]] = {}
    for change in changes:
        by_verdict.setdefault(change.verdict, []).append(change)
    sections = []
    for verdict in sorted(by_verdict, reverse=True):
        told = tuple(change for change in by_verdict[verdict] if is_told(change))
        rest = (change for change in by_verdict[verdict] if not is_told(change))
        sections.append(Section(verdict, told, _heaps(rest)))
    return tuple(sections)


def asks(change: Change) -> bool:
    """Whether a person has to know of `change`, or a live structure is converted because of it."""
    return change.verdict >= Verdict.AUTO_CHECK or (change.verdict is Verdict.AUTO and is_conversion(change))


def is_conversion(change: Change) -> bool:
    """Whether live instances of a type that exists in both versions get another shape."""
    return change.subject is Subject.TYPE and bool(change.old_key and change.new_key and change.edits)


def _heaps(changes: Iterable[Change]) -> tuple[Heap, ...]:
    heaps: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        heaps.setdefault((change.kind, change.rule), []).append(change)
    order = list(Subject)
    ranked = sorted(heaps.items(), key=lambda item: (order.index(item[1][0].subject), item[0]))
    return tuple(Heap(kind, rule, tuple(members)) for (kind, rule), members in ranked)
