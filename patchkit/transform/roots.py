"""The variables of the running version from which live objects are found, and those that get new storage."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchkit.diff.pair import Pair
from patchkit.diff.types import Types, is_foreign
from patchkit.model.ctype import Array, CType
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Linkage, Program, Variable
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


def severed_variables(pair: Pair, decisions: Decisions) -> frozenset[str]:
    """Return the keys of old variables that do not go on as what names and evidence match them with."""
    forward = pair.variables.forward
    said = ((each.subject, each.value) for each in decisions.of(Topic.VARIABLE))
    return frozenset(key for key, value in said if key in forward and forward[key] != value)


@dataclass(frozen=True, slots=True)
class Successor:
    """An old variable and what continues it: a new variable, or a member of one `offset` bytes behind its start.

    On the way back the old one may be such a member, named `part` and `start` bytes behind the start of its variable.
    """

    old: Variable
    new: Variable
    type: CType
    offset: int = 0
    inside: bool = False
    part: str = ""
    start: int = 0
    part_type: CType | None = None
    constant: bool = False  # what is const has the new version's content; pointers are led there


def moved_variables(pair: Pair, changed: Changed, decisions: Decisions) -> dict[str, str]:
    """Return the keys of old variables that get new storage in the new version, with the reason for a report."""
    found = {}
    for each in successors(pair, changed, decisions):
        old = each.old
        if each.part:
            found[each.part] = f"{each.part} is {each.new.name} now, and its value moves"
        elif each.constant:
            found[old.key] = f"the type of the constant {old.name} changed"
        elif table_of(decisions, old.key) is not None:
            found[old.key] = f"the table {old.name} has new content"
        elif old.key in severed_variables(pair, decisions):
            found[old.key] = f"{old.name} is {each.new.name} now, and its value moves"
        elif each.inside:
            found[old.key] = f"{old.name} is a part of {each.new.name} now, and its value moves"
        elif changed.carried(old.key):
            found[old.key] = f"the constants that {old.name} holds have other numbers"
        elif changed.holds(old.type) or not pair.same(old.type, each.type):
            found[old.key] = f"the type of {old.name} changed, and its value moves"
    return found


def successors(pair: Pair, changed: Changed, decisions: Decisions) -> Iterator[Successor]:
    """Yield each variable of the program's own that may be written, and constants of changed types, with what continues
    it.
    """
    for key, variable in pair.old.variables.items():
        said = decisions.value(Topic.VARIABLE, key)
        other = said if said is not None else pair.variables.forward.get(key, "")
        constant = pair.old_types.is_constant(variable.type)
        if is_walked(variable) and (not constant or changed.holds(variable.type)):
            found = _successor(pair, variable, other)
            if found is not None and not found.new.thread_local:
                yield replace(found, constant=True) if constant else found
    yield from _parts(pair, decisions)


def _parts(pair: Pair, decisions: Decisions) -> Iterator[Successor]:
    """Yield the members of old variables that were decided to go on as variables."""
    for each in decisions.of(Topic.VARIABLE):
        new = pair.new.variables.get(each.value)
        if each.subject in pair.old.variables or new is None or new.thread_local:
            continue
        found = _inside(pair.old, pair.old_types, each.subject)
        if found is not None and is_walked(found[0]):
            holder, ctype, offset = found
            yield Successor(holder, new, new.type, part=each.subject, start=offset, part_type=ctype)


def _successor(pair: Pair, variable: Variable, key: str) -> Successor | None:
    """Find `variable` or `variable.member.member` of the new version."""
    whole = pair.new.variables.get(key)
    if whole is not None:
        return Successor(variable, whole, whole.type)
    found = _inside(pair.new, pair.new_types, key)
    return None if found is None else Successor(variable, *found, inside=True)


def type_of(program: Program, types: Types, key: str) -> CType | None:
    """Return the type of the variable `key`, or of the member of one that it names; None where there is no such."""
    whole = program.variables.get(key)
    found = None if whole is not None else _inside(program, types, key)
    return whole.type if whole is not None else found[1] if found is not None else None


def _inside(program: Program, types: Types, key: str) -> tuple[Variable, CType, int] | None:
    """Find `variable.member.member`: the variable, the member's type, and how many bytes it is behind its start."""
    parts = key.split(".")
    for count in range(len(parts) - 1, 0, -1):
        holder = program.variables.get(".".join(parts[:count]))
        if holder is None:
            continue
        ctype, offset = holder.type, 0
        for name in parts[count:]:
            record = types.record(ctype)
            member = next((each for each in record.members if each.name == name), None) if record is not None else None
            if member is None or member.width is not None:
                return None
            ctype, offset = member.type, offset + member.offset // 8
        return holder, ctype, offset
    return None


def is_walked(variable: Variable) -> bool:
    """Whether a migration looks at an old variable: it is the program's own, and one for all threads."""
    return _is_own(variable) and not variable.thread_local


def _is_own(variable: Variable) -> bool:
    return not (is_foreign(variable.coord) and variable.linkage is Linkage.EXTERNAL)


def extent(pair: Pair, ctype: CType, *, old: bool) -> tuple[CType, int]:
    """Return the element type of a variable, and how many elements it has; 1 for what is no array."""
    types = pair.old_types if old else pair.new_types
    bare, count = types.bare(ctype), 1
    while isinstance(bare, Array):
        count *= bare.length or 0
        bare = types.bare(bare.element)
    return bare, count


def dimensions(types: Types, ctype: CType) -> tuple[int, ...]:
    """Return the lengths of an array of arrays, the outermost first; none for what is no array."""
    bare = types.bare(ctype)
    return (bare.length or 0, *dimensions(types, bare.element)) if isinstance(bare, Array) else ()


def thread_variables(pair: Pair) -> Iterator[Variable]:
    """Yield the old variables that each thread has of its own: they stay where they are, and may lead to what moves."""
    for variable in pair.old.variables.values():
        if variable.thread_local and _is_own(variable) and not pair.old_types.is_constant(variable.type):
            yield variable
