"""Every kind of change that the comparison tells apart, with what it asks of the update.

A kind alone decides nothing: where live instances are, and what points at them, moves the verdict up or down within the
range that `verdict` states.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from patchkit.model.change import Subject


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change: `code` is what reports print, `verdict` says in words what it asks and when."""

    code: str
    subject: Subject
    title: str
    verdict: str


_TYPES = (
    ("T00", "difference that no kind describes", "confirm"),
    ("T01", "member added", "auto if every constructor gives it the same constant, else confirm"),
    ("T02", "member removed", "auto for a scalar; confirm for a pointer, descriptor or lock"),
    ("T03", "members reordered, realigned or packed", "auto"),
    ("T04", "member renamed", "confirm; auto only if every use maps one to one"),
    ("T05", "integer widened, same sign", "auto"),
    ("T06", "integer narrowed, sign changed, or int, enum, bool and float exchanged", "auto+check"),
    ("T07", "width changed by a build flag (time_t, off_t)", "auto+check"),
    ("T08", "pointer to another type", "auto if the new target succeeds the old one, else code"),
    ("T09", "embedded struct became a pointer, or the reverse", "confirm to box, code to unbox"),
    ("T10", "array grew", "auto; the new tail is filled as an added member is"),
    ("T11", "array shrank", "auto+check if the used length is known, else confirm"),
    ("T12", "array became a pointer or a flexible member, or the reverse", "code"),
    ("T13", "members moved into or out of a nested struct", "auto if names and types map uniquely, else confirm"),
    ("T14", "member moved to another struct", "confirm"),
    ("T15", "struct split or merged, container replaced", "code"),
    ("T16", "union gained a member that changes neither its size nor its pointers", "auto"),
    ("T17", "union changed otherwise", "confirm if a discriminant is found, else blocked"),
    ("T18", "bit-field widened, moved or narrowed", "auto; narrowed auto+check"),
    ("T19", "enumeration constant appended", "none"),
    ("T20", "enumeration renumbered", "auto+check if typed as the enumeration; confirm if an int holds it"),
    ("T21", "enumeration constant removed", "auto+check: blocked only if a live value holds it"),
    ("T22", "typedef renamed, added or removed for the same type", "none"),
    ("T23", "type of a function pointer", "auto if every stored target has a successor of the new type, else code"),
    ("T24", "untyped or disguised pointer", "none if nothing behind it changes; confirm if inferred; else blocked"),
    ("T25", "qualifier changed", "auto; _Atomic auto+check"),
    ("T26", "type whose address is its identity", "confirm"),
    ("T27", "object of the system or a library inside", "none in place; blocked if it would have to move while in use"),
    ("T28", "type removed while instances live", "code"),
    ("T29", "type shared with a file, a mapping or another process", "blocked unless all parties update"),
    ("T30", "type added", "none"),
    ("embeds", "type that embeds a changed one", "that of the embedded type"),
)

_VARIABLES = (
    ("G01", "variable added with a static initialiser", "auto"),
    ("G02", "variable added that only start-up code sets", "confirm"),
    ("G03", "variable removed", "auto for a scalar; confirm for an owner of resources"),
    ("G04", "type of a variable changed", "that of the change of its type"),
    ("G05", "constant table grew, shrank or has other contents", "auto; auto+check or confirm if live indices exist"),
    ("G05b", "mostly constant table that start-up code writes in part", "confirm"),
    ("G06", "initialiser of a live variable changed", "auto: the live value stays"),
    ("G06b", "initialiser of a variable that is never written changed", "auto: the new value is taken"),
    ("G06c", "default of a configuration option changed", "confirm"),
    ("G07", "address of a literal or a constant held in state", "auto"),
    ("G08", "variable renamed, moved, made static or extern", "auto if name and type match once, else confirm"),
    ("G09", "static local variable added, removed or changed", "that of the like change of a global"),
    ("G10", "thread-local variable changed", "that of a global, per thread; code between global and thread-local"),
    ("G11", "weak, common, section or constructor attribute changed", "confirm"),
)

_FUNCTIONS = (
    ("F01", "function body changed", "auto"),
    ("F02", "function added", "none"),
    ("F03", "function removed", "auto if no stack and no pointer holds it, else code"),
    ("F04", "signature changed", "auto: all functions switch together"),
    ("F05", "function moved, or static, extern, inline and macro exchanged", "auto: all functions switch together"),
    ("F06", "function that is running at the update point changed", "code"),
    ("F07", "changed functions called in sequence", "auto if no update point lies between, else confirm"),
    ("F08", "start-up function changed", "confirm"),
)

_VALUES = (
    ("V00", Subject.MACRO, "constant that nothing stored depends on", "auto"),
    ("V01", Subject.MACRO, "constant that sizes an array or struct changed", "that of the array or struct"),
    ("V02", Subject.MACRO, "flag bit or magic number renumbered", "confirm, then auto+check"),
    ("V03", Subject.MACRO, "unit, scale, sentinel or meaning of NULL changed", "confirm or code"),
    ("S01", Subject.FUNCTION, "hash, comparison or order changed", "confirm"),
    ("S02", Subject.FUNCTION, "lock order, reference counting or ownership changed", "code"),
    ("S03", Subject.FUNCTION, "state removed from a state machine, or a new one required before it", "confirm"),
    ("B01", Subject.BUILD, "compiler flags changed", "auto+check; blocked if the build is not the running one"),
    ("B02", Subject.BUILD, "library under the program changed", "blocked unless its binary interface is equal"),
)


def _table() -> dict[str, Kind]:
    groups = ((Subject.TYPE, _TYPES), (Subject.VARIABLE, _VARIABLES), (Subject.FUNCTION, _FUNCTIONS))
    kinds = [Kind(code, subject, title, verdict) for subject, rows in groups for code, title, verdict in rows]
    kinds += [Kind(*row) for row in _VALUES]
    return {kind.code: kind for kind in kinds}


KINDS: Mapping[str, Kind] = MappingProxyType(_table())


def kind_title(code: str) -> str:
    """Return the title of the kind `code`, empty where there is none of that code."""
    kind = KINDS.get(code)
    return kind.title if kind else ""
