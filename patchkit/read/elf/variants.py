"""One name that means different things in different units: which definition keeps the plain key.

Definitions are compared by content, in which other types stand by their plain key. Where such a key is itself divided,
what refers to it is divided too. A unit that only declares a divided type goes with those that define it.
"""

from collections.abc import Container, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from patchkit.model.ctype import Array, CType, Function, Named, Opaque, Pointer, Primitive, Qualified, Vector
from patchkit.model.program import Coord, Enum, Record, Typedef
from patchkit.read.elf.collect import Facts
from patchkit.read.elf.types import Definition

_MOST_ROUNDS = 20
_MOST_LABELS = 100  # for each definition, over all rounds; more only a made file asks for
_MOST_CANDIDATES = 50  # meanings of one definition that others are compared with
Content = tuple[object, ...]
Names = frozenset[str]


@dataclass(slots=True)
class Instance:
    """A definition as one unit has it; `unit` is the unit's number, `offset` that of the entry."""

    unit: int
    offset: int
    definition: Definition
    label: int = 0


def content_of(definition: Definition) -> Content:
    """Return everything in a definition but its place; types that are equal must be the same object."""
    match definition:
        case Record(_, tag, _, size, align, members, attributes, parent):
            fields = tuple((each.name, id(each.type), each.offset, each.size, each.width) for each in members)
            return tag, size, align, fields, attributes, parent
        case Enum(_, _, constants, size, signed):
            return constants, size, signed
        case Typedef(_, _, ctype):
            return (id(ctype),)


def tell_apart(units: Sequence[Facts]) -> dict[int, str]:
    """Return the final keys of those definitions that do not keep the plain one, by offset of their entry."""
    instances: dict[str, list[Instance]] = {}
    for number, facts in enumerate(units):
        for offset, definition in facts.definitions:
            instances.setdefault(definition.key, []).append(Instance(number, offset, definition))
    divided = {key: group for key, group in instances.items() if _is_divided(group)}
    if not divided:
        return {}
    mentions = _Mentions()
    budget = _MOST_LABELS * sum(map(len, instances.values()))
    while budget > 0:
        labels, spent = _label_all(divided, mentions)
        budget -= spent + len(instances)
        near = {
            key: group for key, group in instances.items() if key not in divided and mentions.any_of(group, divided)
        }
        spread = {key: group for key, group in near.items() if len(set(_labels(group, labels, mentions))) > 1}
        if not spread:
            break
        divided.update(spread)
    return _Naming(divided, [len(facts.sources) for facts in units], labels, mentions).final


def _is_divided(group: Sequence[Instance]) -> bool:
    first = group[0].definition
    if all(each.definition is first for each in group):
        return False
    content = content_of(first)
    return any(content_of(each.definition) != content for each in group)


Labels = Mapping[tuple[int, str], int]


def _label_all(divided: Mapping[str, list[Instance]], mentions: "_Mentions") -> tuple[Labels, int]:
    """Label the definitions of each divided key, until the labels of what they refer to change nothing more.

    Returns the labels and how many were given.
    """
    spent = 0
    labels: dict[tuple[int, str], int] = {}
    for _ in range(_MOST_ROUNDS):
        before = dict(labels)
        for key, group in divided.items():
            for each, label in zip(group, _labels(group, before, mentions), strict=True):
                each.label = label
                labels[each.unit, key] = label
            spent += len(group)
        if labels == before:
            break
    return labels, spent


def _labels(group: Sequence[Instance], labels: Labels, mentions: "_Mentions") -> list[int]:
    """Return a number per definition in `group`, equal for those that are to be one."""
    alike: dict[tuple[Content, tuple[tuple[str, int], ...]], list[int]] = {}
    for index, each in enumerate(group):
        names = mentions.of(each.definition)
        meant = tuple(sorted((key, labels[each.unit, key]) for key in names if (each.unit, key) in labels))
        alike.setdefault((content_of(each.definition), meant), []).append(index)
    merged: dict[Content, list[tuple[dict[str, int], list[int]]]] = {}
    # Those that say most come first, so that what says less can go with them.
    for (content, meant), members in sorted(alike.items(), key=lambda item: (-len(item[0][1]), -len(item[1]))):
        mine = dict(meant)
        candidates = merged.setdefault(content, [])
        for theirs, others in candidates[:_MOST_CANDIDATES]:
            if all(theirs.get(key, label) == label for key, label in mine.items()):
                theirs.update(mine)
                others += members
                break
        else:
            candidates.append((mine, list(members)))
    found = [0] * len(group)
    for number, (_, members) in enumerate(each for candidates in merged.values() for each in candidates):
        for index in members:
            found[index] = number
    return found


class _Naming:
    """Final keys: the definition of most units keeps the plain one, each other gets the file it stands in.

    Of what only refers to different definitions, the one goes first that refers to those of most units, so that plain
    keys refer to plain keys. What is unnamed is called after what it is part of. `final` holds the keys that are not
    plain, by offset of their entry.
    """

    def __init__(
        self,
        divided: Mapping[str, list[Instance]],
        weights: Sequence[int],
        labels: Labels,
        mentions: "_Mentions",
    ) -> None:
        self._uses: dict[tuple[str, int], int] = {}
        self._endings: dict[tuple[int, str], str] = {}
        self.final: dict[int, str] = {}
        for key, group in divided.items():
            for label, unit in {(each.label, each.unit) for each in group}:
                self._uses[key, label] = self._uses.get((key, label), 0) + weights[unit]
        self._odd = {(key, label) for key, group in divided.items() for label in _unusual(group, weights)}
        self._strange = _spread(self._odd, divided, labels, mentions)
        # What others are part of comes before them: its key is the shorter one.
        for key in sorted(divided, key=lambda each: (len(each), each)):
            self._name(key, divided[key])

    def _name(self, key: str, group: Sequence[Instance]) -> None:
        endings = self._inherited(group) or self._numbered(key, group)
        for each in group:
            ending = endings[each.label]
            self._endings[each.unit, key] = ending
            if ending:
                self.final[each.offset] = key + ending

    def _inherited(self, group: Sequence[Instance]) -> dict[int, str]:
        """Return the endings of the records that those in `group` are part of; none where they do not differ enough."""
        found: dict[int, str] = {}
        for each in group:
            parent = each.definition.parent if isinstance(each.definition, Record) else ""
            found[each.label] = self._endings.get((each.unit, parent), "") if parent else ""
        return found if len(set(found.values())) == len(found) else {}

    def _numbered(self, key: str, group: Sequence[Instance]) -> dict[int, str]:
        coords: dict[int, Coord] = {}
        for each in group:
            coords[each.label] = min(coords.get(each.label, each.definition.coord), each.definition.coord)

        def rank(label: int) -> tuple[bool, bool, int, Coord, int]:
            meant = (key, label)
            return meant in self._odd, meant in self._strange, -self._uses[meant], coords[label], label

        order = sorted(coords, key=rank)
        endings = {order[0]: ""}
        taken: dict[str, int] = {}
        for label in order[1:]:
            ending = f"@{coords[label].file}"
            taken[ending] = taken.get(ending, 0) + 1
            endings[label] = f"{ending}#{taken[ending]}" if taken[ending] > 1 else ending
        return endings


def _unusual(group: Sequence[Instance], weights: Sequence[int]) -> set[int]:
    """Return the labels in `group` whose content is not what most units have."""
    units: dict[Content, set[int]] = {}
    coords: dict[Content, Coord] = {}
    for each in group:
        content = content_of(each.definition)
        units.setdefault(content, set()).add(each.unit)
        coords[content] = min(coords.get(content, each.definition.coord), each.definition.coord)
    usual = min(units, key=lambda content: (-sum(weights[unit] for unit in units[content]), coords[content]))
    return {each.label for each in group if content_of(each.definition) != usual}


def _spread(
    odd: Set[tuple[str, int]], divided: Mapping[str, list[Instance]], labels: Labels, mentions: "_Mentions"
) -> set[tuple[str, int]]:
    """Return the keys and labels in `odd`, and of all definitions that refer to those, by way of others too."""
    found = set(odd)
    for _ in range(_MOST_ROUNDS):
        more = {
            (key, each.label)
            for key, group in divided.items()
            for each in group
            if (key, each.label) not in found
            and any((name, labels.get((each.unit, name), -1)) in found for name in mentions.of(each.definition))
        }
        if not more:
            break
        found |= more
    return found


class _Mentions:
    """The keys that definitions refer to."""

    def __init__(self) -> None:
        self._types: dict[int, Names] = {}
        self._definitions: dict[int, Names] = {}

    def of(self, definition: Definition) -> Names:
        """Return the keys that `definition` refers to."""
        known = self._definitions.get(id(definition))
        if known is None:
            match definition:
                case Record():
                    # An unnamed record goes with the one that it is part of.
                    known = self._union(member.type for member in definition.members) | {definition.parent}
                case Typedef():
                    known = self._type(definition.type)
                case Enum():
                    known = frozenset()
            self._definitions[id(definition)] = known
        return known

    def any_of(self, group: Sequence[Instance], keys: Container[str]) -> bool:
        """Whether a definition in `group` refers to one of `keys`."""
        return any(name in keys for each in group for name in self.of(each.definition))

    def _union(self, types: Iterable[CType]) -> Names:
        return frozenset().union(*map(self._type, types))

    def _type(self, ctype: CType) -> Names:
        known = self._types.get(id(ctype))
        if known is None:
            known = self._types[id(ctype)] = self._look(ctype)
        return known

    def _look(self, ctype: CType) -> Names:
        match ctype:
            case Named(_, key):
                return frozenset({key})
            case Pointer(inner) | Array(inner) | Vector(inner) | Qualified(_, inner):
                return self._type(inner)
            case Function(result, parameters):
                return self._union([result, *parameters])
            case Primitive() | Opaque():
                return frozenset()
