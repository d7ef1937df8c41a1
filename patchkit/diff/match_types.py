"""Matches records and enumerations whose keys differ: by tag, by typedef, by constants, and by shape and use."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from patchkit.diff.correspondence import Match, Table
from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.change import Grade
from patchkit.model.ctype import CType, Named, Tag
from patchkit.model.program import Enum, Record

_ENOUGH_SHARED = 0.5  # of the members, where a use says the same
_NEARLY_ALL_SHARED = 0.8  # of the members, where nothing else does
_MEMBERS_THAT_SAY_SOMETHING = 4
_USES_SHOWN = 3


def match_types(pair: Pair) -> None:
    """Complete the tables of records and enumerations of `pair`."""
    _match_by_tag(pair)
    _match_by_typedef(pair)
    _match_enums_by_constants(pair)
    _match_records_by_evidence(pair)


def unmatched_records(pair: Pair) -> tuple[list[Record], list[Record]]:
    """Return the program's own records of each side that correspond to nothing, unnamed parts of others left out."""
    old = [pair.old.records[key] for key in pair.records.removed(pair.old.records)]
    new = [pair.new.records[key] for key in pair.records.added(pair.new.records)]
    return [r for r in old if _stands_alone(r)], [r for r in new if _stands_alone(r)]


def _stands_alone(record: Record) -> bool:
    return not record.parent and not is_foreign(record.coord)


def _match_by_tag(pair: Pair) -> None:
    """`struct value` that became `union value` is still the same name."""
    removed, added = unmatched_records(pair)
    names = {record.key.split(" ", 1)[-1]: record for record in added}
    for record in removed:
        other = names.get(record.key.split(" ", 1)[-1])
        if other is not None and other.tag is not record.tag:
            pair.records.join(Match(record.key, other.key, Grade.STRONG, (f"{record.key} became {other.key}",)))


def _match_by_typedef(pair: Pair) -> None:
    """An aggregate keeps its identity where a typedef of one name stands for it on both sides."""
    if not any(table.removed(things) for table, things in _tables(pair)):
        return
    for key in sorted(pair.typedefs.forward):
        one = pair.old.typedefs[key].type
        other = pair.new.typedefs[pair.typedefs.forward[key]].type
        if not isinstance(one, Named) or not isinstance(other, Named) or one.tag is Tag.TYPEDEF or one == other:
            continue
        tables = pair.enums if one.tag is Tag.ENUM else pair.records
        if one.key in tables.forward or other.key in tables.backward:
            continue
        if one.tag is other.tag and _defined(pair, one, other):
            tables.join(Match(one.key, other.key, Grade.CERTAIN, (f"both are {key}",)))


def _tables(pair: Pair) -> tuple[tuple[Table, Mapping[str, Record | Enum]], ...]:
    return (pair.records, pair.old.records), (pair.enums, pair.old.enums)


def _defined(pair: Pair, one: Named, other: Named) -> bool:
    if one.tag is Tag.ENUM:
        return one.key in pair.old.enums and other.key in pair.new.enums
    return one.key in pair.old.records and other.key in pair.new.records


def _match_enums_by_constants(pair: Pair) -> None:
    """Constants are unique in a unit, so those that two enumerations share identify them, whatever the tags say."""
    removed = [pair.old.enums[key] for key in pair.enums.removed(pair.old.enums)]
    added = [pair.new.enums[key] for key in pair.enums.added(pair.new.enums)]
    owners: dict[str, list[Enum]] = defaultdict(list)
    for enum in added:
        for name, _ in enum.constants:
            owners[name].append(enum)
    wanted: dict[str, list[tuple[int, str]]] = {}
    for enum in removed:
        shared: dict[str, int] = defaultdict(int)
        for name, _ in enum.constants:
            for other in owners.get(name, ()):
                shared[other.key] += 1
        least = {key: min(len(enum.constants), len(pair.new.enums[key].constants)) for key in shared}
        wanted[enum.key] = sorted(((-n, key) for key, n in shared.items() if n >= least[key] * _ENOUGH_SHARED))
    for key in sorted(wanted, key=lambda key: (wanted[key][:1], key)):
        for count, fitting in wanted[key]:
            if fitting not in pair.enums.backward:
                pair.enums.join(Match(key, fitting, Grade.STRONG, (f"{-count} constants have the same names",)))
                break


def _match_records_by_evidence(pair: Pair) -> None:
    removed, added = unmatched_records(pair)
    if not removed or not added:
        return
    uses = _exchanged_uses(pair, {r.key for r in removed}, {r.key for r in added})
    found: dict[str, list[Match]] = defaultdict(list)
    for old in removed:
        for new in added:
            match = _judge(pair, old, new, uses.get((old.key, new.key), []))
            if match is not None:
                found[old.key].append(match)
    claims: dict[str, int] = defaultdict(int)
    for matches in found.values():
        for match in matches:
            claims[match.new] += 1
    for key, matches in found.items():
        if len(matches) == 1 and claims[matches[0].new] == 1:
            pair.records.join(matches[0])
        else:
            pair.records.refused[key] = tuple(match.new for match in matches)


def _judge(pair: Pair, old: Record, new: Record, uses: list[str]) -> Match | None:
    if old.tag is not new.tag:
        return None
    ours, theirs = [m.name for m in old.members], [m.name for m in new.members]
    shared = len(set(ours) & set(theirs))
    if not shared:
        return None
    likeness = shared / max(len(ours), len(theirs))
    identical = ours == theirs and [(m.offset, m.size) for m in old.members] == [
        (m.offset, m.size) for m in new.members
    ]
    telling = shared >= _MEMBERS_THAT_SAY_SOMETHING and likeness >= _NEARLY_ALL_SHARED
    if not (telling or (identical and shared > 1) or (uses and likeness >= _ENOUGH_SHARED)):
        return None
    evidence = [f"{shared} of {max(len(ours), len(theirs))} members have the same names"]
    if identical:
        evidence = [f"the same {len(ours)} members at the same offsets"]
    evidence += uses[:_USES_SHOWN]
    if len(uses) > _USES_SHOWN:
        evidence.append(f"{len(uses) - _USES_SHOWN} more places like these")
    if old.coord.file == new.coord.file:
        evidence.append(f"both are defined in {old.coord.file}")
    grade = Grade.STRONG if identical or (uses and likeness >= _NEARLY_ALL_SHARED) else Grade.WEAK
    return Match(old.key, new.key, grade, tuple(evidence), proposed=True)


def _exchanged_uses(pair: Pair, removed: set[str], added: set[str]) -> dict[tuple[str, str], list[str]]:
    """Return the places where a type of `added` stands now that held one of `removed` before."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for place, old, new in _places(pair):
        one, other = pair.old_types.core(old), pair.new_types.core(new)
        if isinstance(one, Named) and isinstance(other, Named) and one.key in removed and other.key in added:
            found[one.key, other.key].append(f"{place} was of {one.key} and is of {other.key}")
    return found


def _places(pair: Pair) -> Iterator[tuple[str, CType, CType]]:
    for key, other in pair.records.forward.items():
        old, new = pair.old.records[key], pair.new.records[other]
        if old.fingerprint and old.fingerprint == new.fingerprint:
            continue
        theirs = {member.name: member for member in new.members}
        for member in old.members:
            if member.name in theirs:
                yield f"member {member.name} of {key}", member.type, theirs[member.name].type
    for key in pair.variables.forward:
        yield f"variable {key}", pair.old.variables[key].type, pair.new.variables[key].type
    for key in pair.functions.forward.keys() - pair.equal_functions:
        before, after = pair.old.functions[key], pair.new.functions[key]
        if before.fingerprint and before.fingerprint == after.fingerprint:
            continue
        yield f"the result of {key}", before.type.result, after.type.result
        for one, new_one in zip(before.type.parameters, after.type.parameters, strict=False):
            yield f"a parameter of {key}", one, new_one
