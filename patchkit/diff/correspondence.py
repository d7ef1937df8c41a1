"""Tables of what corresponds in two versions, and the matching of names that mean one thing each."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from patchkit.model.change import Grade
from patchkit.model.program import Coord


class Placed(Protocol):
    """Anything that stands in a source file."""

    @property
    def coord(self) -> Coord: ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True, slots=True)
class Match:
    """Two keys that are taken for one thing although they differ, and why.

    `proposed` says that the match rests on evidence and has to be confirmed; otherwise it follows from the names.
    """

    old: str
    new: str
    grade: Grade
    evidence: tuple[str, ...] = ()
    proposed: bool = False


@dataclass(slots=True)
class Table:
    """What corresponds among things of one sort: `forward` leads from old keys to new ones, `backward` the other way.

    `notable` holds the matches of unequal keys. `refused` names, for a key without match, those that are all as likely.
    """

    forward: dict[str, str]
    backward: dict[str, str] = field(init=False)
    notable: dict[str, Match] = field(default_factory=dict)
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.backward = {new: old for old, new in self.forward.items()}

    def join(self, match: Match) -> None:
        """Add `match` to the table."""
        self.forward[match.old] = match.new
        self.backward[match.new] = match.old
        self.notable[match.old] = match

    def removed(self, old: Mapping[str, P]) -> list[str]:
        """Return the keys of `old` that correspond to nothing, sorted."""
        return sorted(key for key in old if key not in self.forward)

    def added(self, new: Mapping[str, P]) -> list[str]:
        """Return the keys of `new` that correspond to nothing, sorted."""
        return sorted(key for key in new if key not in self.backward)


def base_name(key: str) -> str:
    """Return `key` without the `@file` that tells things of one name apart."""
    return key.split("@", 1)[0] if "@" in key else key


def match_keys(old: Mapping[str, P], new: Mapping[str, P]) -> Table:
    """Match equal keys; a name that means several things on either side is matched by name and file first."""
    ambiguous = {base_name(key) for key in (*old, *new) if "@" in key}
    both = frozenset(new).intersection(old)
    if not ambiguous:
        return Table({key: key for key in old if key in both})
    groups: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, things in enumerate((old, new)):
        for key in things:
            name = base_name(key)
            if name in ambiguous:
                groups[name][side].append(key)
    grouped = {key for olds, _ in groups.values() for key in olds}
    table = Table({key: key for key in old if key in both and key not in grouped})
    for olds, news in (groups[name] for name in sorted(groups)):
        _match_group(table, old, new, sorted(olds), sorted(news))
    return table


def _match_group(table: Table, old: Mapping[str, P], new: Mapping[str, P], olds: list[str], news: list[str]) -> None:
    def join(one: str, other: str, reason: str) -> None:
        olds.remove(one)
        news.remove(other)
        if one == other:
            table.forward[one] = table.backward[one] = one
        else:
            table.join(Match(one, other, Grade.CERTAIN, (reason,)))

    for one in list(olds):
        file = old[one].coord.file
        there = [other for other in news if new[other].coord.file == file]
        if len(there) == 1 and sum(old[key].coord.file == file for key in olds) == 1:
            join(one, there[0], f"both are {base_name(one)} of {file}")
    for one in list(olds):
        if one in news:
            join(one, one, "")
    if len(olds) == len(news) == 1:
        join(olds[0], news[0], f"the only {base_name(olds[0])} that is left on each side")
