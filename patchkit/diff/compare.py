"""Compares two programs: everything that differs, what it asks of the update, and what cannot be seen."""

from collections.abc import Sequence

from patchkit.diff.build import compare_builds
from patchkit.diff.enums import compare_enums
from patchkit.diff.fold import fold_many
from patchkit.diff.functions import changed_bodies, compare_functions
from patchkit.diff.homes import find_homes
from patchkit.diff.macros import compare_macros
from patchkit.diff.matching import pair_programs
from patchkit.diff.pair import Pair
from patchkit.diff.reach import Reachability
from patchkit.diff.semantics import compare_meanings
from patchkit.diff.type_changes import compare_record_types
from patchkit.diff.typedefs import compare_typedefs
from patchkit.diff.variables import compare_variables
from patchkit.model.change import Change, Comparison, Side, Subject
from patchkit.model.program import Facet, Program
from patchkit.model.words import counted, listed

_SUBJECTS = list(Subject)
_UNSEEN = {
    Facet.BODIES: "function bodies were not compared: one side was read from something that does not hold them",
    Facet.MACROS: "constant macros were not compared: one side was read from something that does not hold them",
    Facet.INITIALISERS: "initial values were not compared: one side was read from something that does not hold them",
    Facet.REFERENCES: "who uses what was not read on one side, so callers, writers and stored pointers may be missing",
    Facet.UNUSED_TYPES: "types that nothing uses are missing on one side and were not compared",
}


def diff_programs(old: Program, new: Program) -> Comparison:
    """Return everything that differs between `old` and `new`, worst first; it depends on nothing but the two values."""
    pair = pair_programs(old, new)
    reach = Reachability(pair.old, pair.old_types, pair.old_usage)
    types = compare_record_types(pair, reach)
    enums = compare_enums(pair, reach)
    variables = compare_variables(pair, find_homes(pair, types.changes))
    functions = compare_functions(pair)
    shown = types.typedefs | variables.typedefs | _in_signatures(pair, functions)
    changes = [*types.changes, *enums, *compare_typedefs(pair, shown), *variables.changes, *functions]
    changes += compare_macros(pair, changes)
    changes += compare_meanings(pair, changed_bodies(pair), changes)
    changes += compare_builds(pair)
    changes = [change for change in changes if not _only_unseen(pair, change)]
    return Comparison(
        old=_side(old),
        new=_side(new),
        changes=tuple(sorted(fold_many(changes), key=_order)),
        layouts=dict(sorted(types.layouts.items())),
        notes=_notes(pair, reach, changes),
    )


def _order(change: Change) -> tuple[int, int, int, str, str]:
    return -change.verdict, -change.requires, _SUBJECTS.index(change.subject), change.name, change.id


def _side(program: Program) -> Side:
    return Side(
        label=program.label,
        origin=program.origin,
        units=len(program.units),
        records=len(program.records),
        enums=len(program.enums),
        variables=len(program.variables),
        functions=len(program.functions),
        macros=len(program.macros),
        gaps=program.gaps,
        unseen=program.unseen,
    )


def _in_signatures(pair: Pair, functions: Sequence[Change]) -> set[str]:
    changed = [pair.old.functions[c.old_key] for c in functions if any(edit.kind == "F04" for edit in c.edits)]
    return {typedef.key for function in changed for typedef in pair.old_types.typedefs_in(function.type)}


def _only_unseen(pair: Pair, change: Change) -> bool:
    """Whether a type is missing on a side whose reader does not see types that nothing uses."""
    if pair.sees(Facet.UNUSED_TYPES) or change.subject is not Subject.TYPE or change.kind not in ("T28", "T30"):
        return False
    missing_from = pair.new if change.kind == "T28" else pair.old
    return Facet.UNUSED_TYPES in missing_from.unseen and not change.reach


def _notes(pair: Pair, reach: Reachability, changes: Sequence[Change]) -> tuple[str, ...]:
    notes = [text for facet, text in _UNSEEN.items() if not pair.sees(facet)]
    hidden = sorted(
        change.name for change in changes if "nowhere reachable by types" in change.text or _behind_void(change)
    )
    if hidden:
        notes.append(
            f"nowhere reachable by types, so live objects were not looked for: {listed(tuple(hidden), at_most=6)}"
        )
    if any(edit.kind == "F06" for change in changes for edit in change.edits):
        notes.append(
            "a function that never returns goes on in its old body until it is entered again (PKC401 never-returns)"
        )
    if reach.untyped:
        notes.append(
            f"what hides behind void pointers is not followed ({counted(reach.untyped, 'member')} of that type)"
        )
    notes.append(
        "a new meaning of old bytes (unit, lock order, ownership, state) is only seen where names or constants tell"
    )
    return tuple(notes)


def _behind_void(change: Change) -> bool:
    return any(edit.kind == "T24" and not edit.name for edit in change.edits)
