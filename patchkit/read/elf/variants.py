"""One name that means different things in different units: which definition keeps the plain key.

Definitions are compared by content, in which other types stand by their plain key. Where such a key is itself divided,
what refers to it is divided too: always where it holds the type, and where it only points to it if the definitions
stand in different places of the source. A header that points to a type which two units complete differently thus stays
one definition.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from patchkit.model.ctype import Array, CType, Function, Named, Opaque, Pointer, Primitive, Qualified, Vector
from patchkit.model.program import Coord, Enum, Record, Typedef
from patchkit.read.elf.collect import Facts
from patchkit.read.elf.types import Definition

_MOST_ROUNDS = 50
Content = tuple[object, ...]
Names = frozenset[str]
_NOTHING: tuple[Names, Names] = (frozenset(), frozenset())


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
    for _ in range(_MOST_ROUNDS):
        labels = _label_all(divided, mentions)
        near = {
            key: group for key, group in instances.items() if key not in divided and mentions.any_of(group, divided)
        }
        spread = {key: group for key, group in near.items() if len(set(_labels(group, labels, mentions))) > 1}
        if not spread:
            break
        divided.update(spread)
    final: dict[int, str] = {}
    for key, group in divided.items():
        _name(key, group, [len(facts.sources) for facts in units], final)
    return final


def _is_divided(group: Sequence[Instance]) -> bool:
    first = group[0].definition
    if all(each.definition is first for each in group):
        return False
    content = content_of(first)
    return any(content_of(each.definition) != content for each in group)


Labels = Mapping[tuple[int, str], int]


def _label_all(divided: Mapping[str, list[Instance]], mentions: "_Mentions") -> Labels:
    """Label the definitions of each divided key, until the labels of what they refer to change nothing more."""
    labels: dict[tuple[int, str], int] = {}
    for _ in range(_MOST_ROUNDS):
        before = dict(labels)
        for key, group in divided.items():
            for each, label in zip(group, _labels(group, before, mentions), strict=True):
                each.label = label
                labels[each.unit, key] = label
        if labels == before:
            break
    return labels


def _labels(group: Sequence[Instance], labels: Labels, mentions: "_Mentions") -> list[int]:
    """Return a number per definition in `group`, equal for those that are to be one."""
    classes: dict[Content, list[tuple[dict[Coord, None], dict[str, int]]]] = {}
    numbers: dict[int, int] = {}
    found: list[int] = []
    for each in group:
        held, pointed = mentions.of(each.definition)
        inside = tuple(sorted((key, labels[each.unit, key]) for key in held if (each.unit, key) in labels))
        outside = {key: labels[each.unit, key] for key in pointed if (each.unit, key) in labels}
        coord = each.definition.coord
        candidates = classes.setdefault((content_of(each.definition), inside), [])
        for coords, known in candidates:
            if coord in coords or all(known.get(key, label) == label for key, label in outside.items()):
                for key, label in outside.items():
                    known.setdefault(key, label)
                coords[coord] = None
                found.append(numbers[id(known)])
                break
        else:
            candidates.append(({coord: None}, outside))
            numbers[id(outside)] = len(numbers)
            found.append(numbers[id(outside)])
    return found


def _name(key: str, group: Sequence[Instance], weights: Sequence[int], final: dict[int, str]) -> None:
    """The definition of most units keeps the key; each other gets the file it stands in, and a number if need be."""
    units: dict[int, set[int]] = {}
    coords: dict[int, Coord] = {}
    for each in group:
        units.setdefault(each.label, set()).add(each.unit)
        coords[each.label] = min(coords.get(each.label, each.definition.coord), each.definition.coord)
    uses = {label: sum(weights[unit] for unit in found) for label, found in units.items()}
    order = sorted(units, key=lambda label: (-uses[label], coords[label], label))
    names: dict[int, str] = {order[0]: key}
    taken: dict[str, int] = {}
    for label in order[1:]:
        name = f"{key}@{coords[label].file}"
        taken[name] = taken.get(name, -1) + 1
        names[label] = f"{name}#{taken[name]}" if taken[name] else name
    for each in group:
        if names[each.label] != key:
            final[each.offset] = names[each.label]


class _Mentions:
    """The keys that definitions hold and those that they only point to."""

    def __init__(self) -> None:
        self._types: dict[int, tuple[Names, Names]] = {}
        self._definitions: dict[int, tuple[Names, Names]] = {}

    def of(self, definition: Definition) -> tuple[Names, Names]:
        """Return the keys that `definition` holds, and those that it points to."""
        known = self._definitions.get(id(definition))
        if known is None:
            match definition:
                case Record():
                    known = self._union(member.type for member in definition.members)
                case Typedef():
                    known = self._type(definition.type)
                case Enum():
                    known = _NOTHING
            self._definitions[id(definition)] = known
        return known

    def any_of(self, group: Sequence[Instance], keys: Container[str]) -> bool:
        """Whether a definition in `group` refers to one of `keys`."""
        return any(name in keys for each in group for names in self.of(each.definition) for name in names)

    def _union(self, types: Iterable[CType]) -> tuple[Names, Names]:
        found = [self._type(ctype) for ctype in types]
        return frozenset().union(*(held for held, _ in found)), frozenset().union(*(pointed for _, pointed in found))

    def _type(self, ctype: CType) -> tuple[Names, Names]:
        known = self._types.get(id(ctype))
        if known is None:
            known = self._types[id(ctype)] = self._look(ctype)
        return known

    def _look(self, ctype: CType) -> tuple[Names, Names]:
        match ctype:
            case Named(_, key):
                return frozenset({key}), frozenset()
            case Pointer(target):
                # A pointer to a typedef or an enumeration says as much of it as one that is held.
                held, pointed = self._type(target)
                return frozenset(), held | pointed
            case Array(element) | Vector(element):
                return self._type(element)
            case Qualified(_, target):
                return self._type(target)
            case Function(result, parameters):
                held, pointed = self._union([result, *parameters])
                return frozenset(), held | pointed
            case Primitive() | Opaque():
                return _NOTHING
