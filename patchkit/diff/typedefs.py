"""Reports typedefs that mean another type now, where no member, variable or signature shows it already."""

from dataclasses import replace

from patchkit.diff.ctypes_compare import relate
from patchkit.diff.findings import plain
from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.change import Change, Subject, Verdict
from patchkit.model.ctype import spell


def compare_typedefs(pair: Pair, shown: set[str]) -> list[Change]:
    """Return the changed typedefs that are not in `shown`, the keys of those whose change is visible elsewhere."""
    found = []
    for key in sorted(pair.shifting & pair.old.typedefs.keys()):
        other = pair.typedefs.forward.get(key)
        if key in shown or other is None:
            continue
        old, new = pair.old.typedefs[key], pair.new.typedefs[other]
        relation = relate(pair, old.type, new.type)
        if is_foreign(old.coord) or not relation.kind or _by_way_of_another(pair, key):
            continue
        text = "nothing that is stored and no signature has this type; code on the stack takes the new meaning at once"
        title = f"typedef {key}: {spell(old.type)} → {spell(new.type)}"
        change = plain(Subject.TYPE, relation.kind, Verdict.AUTO, key, other, title, text, rule=relation.rule)
        found.append(replace(change, old_coord=old.coord, new_coord=new.coord))
    return found


def _by_way_of_another(pair: Pair, key: str) -> bool:
    """Whether a typedef only changed because one that it stands for did."""
    return any(other.key in pair.shifting for other in pair.old_types.typedefs_in(pair.old.typedefs[key].type))
