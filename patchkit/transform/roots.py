"""The variables of the running version from which live objects are found, and those that get new storage."""

from collections.abc import Iterator
from dataclasses import dataclass

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import Array, CType
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Linkage, Variable
from patchkit.transform.changed import Changed


@dataclass(frozen=True, slots=True)
class Table:
    """What becomes of a table: `new` content, or live content merged into it; rows are the same where `key` is."""

    what: str
    key: str = ""


def table_of(decisions: Decisions, key: str) -> Table | None:
    """Return what was decided about the table `key`, None where it goes on as it is."""
    words = (decisions.value(Topic.TABLE, key) or "live").split()
    return None if words[0] == "live" else Table(words[0], words[1] if len(words) > 1 else "")


def moved_variables(pair: Pair, changed: Changed, decisions: Decisions) -> dict[str, str]:
    """Return the keys of old variables that get new storage in the new version, with the reason for a report."""
    found = {}
    for old, new in successors(pair, decisions):
        if table_of(decisions, old.key) is not None:
            found[old.key] = f"the table {old.name} has new content"
        elif changed.holds(old.type) or not pair.same(old.type, new.type):
            found[old.key] = f"the type of {old.name} changed, and its value moves"
    return found


def successors(pair: Pair, decisions: Decisions) -> Iterator[tuple[Variable, Variable]]:
    """Yield each variable of the program's own that may be written, with the one that continues it."""
    for key, variable in pair.old.variables.items():
        said = decisions.value(Topic.VARIABLE, key)
        other = said if said is not None else pair.variables.forward.get(key, "")
        successor = pair.new.variables.get(other)
        if successor is not None and is_walked(variable, pair) and not successor.thread_local:
            yield variable, successor


def is_walked(variable: Variable, pair: Pair) -> bool:
    """Whether a migration looks at an old variable: it may hold live state, and is one for all threads."""
    foreign = is_foreign(variable.coord) and variable.linkage is Linkage.EXTERNAL
    return not (foreign or variable.thread_local or pair.old_types.is_constant(variable.type))


def extent(pair: Pair, ctype: CType, *, old: bool) -> tuple[CType, int]:
    """Return the element type of a variable, and how many elements it has; 1 for what is no array."""
    types = pair.old_types if old else pair.new_types
    bare, count = types.bare(ctype), 1
    while isinstance(bare, Array):
        count *= bare.length or 0
        bare = types.bare(bare.element)
    return bare, count
