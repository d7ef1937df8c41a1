"""What an update that converts state hands over to the making of its bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from patchkit.model.decision import Way
from patchkit.model.program import Program

PLANS: Mapping[Way, str] = {Way.UP: "pk_plan", Way.DOWN: "pk_down_plan"}  # what the generated C calls its plan


class Side(StrEnum):
    """Whose variable or function is meant."""

    OLD = "old"
    NEW = "new"
    INITIAL = "initial"  # what the old one held at the start of the program
    BROUGHT = "brought"  # what the new one holds when an update brings it


def sides_of(way: Way) -> tuple[Side, Side]:
    """Return the version that an update comes from in this direction, and the one that it leads to."""
    return (Side.OLD, Side.NEW) if way is Way.UP else (Side.NEW, Side.OLD)


def programs_of(old: Program, new: Program) -> Mapping[Side, Program]:
    """Return the program that each side is about; `old` and `new` are the versions of the update, whatever the way."""
    return {Side.OLD: old, Side.INITIAL: old, Side.NEW: new, Side.BROUGHT: new}


@dataclass(frozen=True, slots=True)
class Alias:
    """A variable or function that the update's C knows under a name of its own.

    `key` is its key in the program of that side; `unit` says which instance of what is static in a header is meant.
    """

    side: Side
    key: str
    unit: str = ""
    function: bool = False


@dataclass(frozen=True, slots=True)
class Migration:
    """The C of an update. `sources` are compiled with `include` as header directories; one of them defines `pk_plan`.

    `moved` are the keys of old variables whose new storage is filled by the update, with a reason each, `severed` those
    that do not go on as the variables which they are matched with; `layouts` the
    members of old records whose places changed, by the record's key: old code that reaches one must not go on.

    `down` is the migration back, in which the new version is the old one; without it `irreversible` says why.
    """

    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    aliases: Mapping[str, Alias]
    moved: Mapping[str, str]
    severed: frozenset[str]
    layouts: Mapping[str, frozenset[str]]
    down: "Migration | None" = None
    irreversible: str = ""
