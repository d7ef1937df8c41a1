"""Values that may have gone from a variable into a struct, or come out of one (T13)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchkit.diff.pair import Pair
from patchkit.diff.types import Types
from patchkit.model.change import Change
from patchkit.model.ctype import CType, Named
from patchkit.model.rows import variable_types

Places = Mapping[str, Sequence[tuple[str, CType]]]


@dataclass(frozen=True, slots=True)
class Homes:
    """By member name: the records, held by variables, that `gained` or `lost` such a member, with its type."""

    gained: Places
    lost: Places


def find_homes(pair: Pair, changes: Sequence[Change]) -> Homes:
    """Return where values may have gone to or come from, by the changes of types."""
    gained: dict[str, list[tuple[str, CType]]] = defaultdict(list)
    lost: dict[str, list[tuple[str, CType]]] = defaultdict(list)
    before, after = _held(pair.old_types), _held(pair.new_types)
    for change in changes:
        fresh = pair.new.records.get(change.new_key) if change.kind == "T30" and change.new_key in after else None
        stale = pair.old.records.get(change.old_key) if change.kind == "T28" and change.old_key in before else None
        for member in fresh.members if fresh is not None else ():
            gained[member.name].append((change.new_key, member.type))
        for member in stale.members if stale is not None else ():
            lost[member.name].append((change.old_key, member.type))
        for edit in change.edits:
            if edit.kind == "T01" and edit.new is not None and change.new_key in after:
                gained[edit.name].append((change.new_key, edit.new.type))
            if edit.kind == "T02" and edit.old is not None and change.old_key in before:
                lost[edit.name].append((change.old_key, edit.old.type))
    return Homes(gained, lost)


def _held(types: Types) -> set[str]:
    """Return the keys of the records that variables hold by value."""
    elements = (types.element(ctype) for _, ctype in variable_types(types.program.variables))
    return {element.key for element in elements if isinstance(element, Named) and element.key in types.program.records}
