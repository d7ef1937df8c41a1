"""Which definition a name means in which unit, and the keys under which a program then holds them.

Most names mean one thing in a whole program. Where units disagree (redis has two `struct dict`), units are sorted into
classes that agree on every disputed name; each class then has its own mapping from plain keys to the program's keys.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from patchkit.model.build import CompileCommand
from patchkit.model.typecode import TypeCode
from patchkit.read.source.fragment import Fragment
from patchkit.read.source.split import Segment

_NAMED = frozenset("suet")  # struct, union, enum, typedef
Signature = tuple[tuple[str, int], ...]  # disputed names, each with the number of the definition that is meant


@dataclass(slots=True)
class ReadUnit:
    """A unit cut into segments. `source` is shown to people; relative to the program's root where it lies below it."""

    source: str
    command: CompileCommand
    segments: list[Segment]


@dataclass(slots=True)
class UnitClass:
    """Units that agree on every disputed name. `renamed` maps plain keys to the program's where they differ."""

    units: list[ReadUnit]
    renamed: dict[str, str] = field(default_factory=dict)
    _segments: list[Segment] = field(default_factory=list)

    def key(self, plain: str) -> str:
        """Return the program's key for what these units call `plain`."""
        return self.renamed.get(plain, plain)

    def rename(self, code: TypeCode) -> TypeCode:
        """Return a type with the keys of the program."""
        return rename_keys(code, self.renamed) if self.renamed else code

    def segments(self) -> list[Segment]:
        """Return each segment of these units once, when all of them are known."""
        if not self._segments:
            self._segments = distinct_segments(self.units)
        return self._segments


def named_keys(code: TypeCode) -> list[str]:
    """Return the keys of the structs, unions, enums and typedefs that a type names."""
    found: list[str] = []
    waiting = [code]
    while waiting:
        code = waiting.pop()
        if isinstance(code, str):
            continue
        kind = code[0]
        if kind in _NAMED:
            found.append(code[1])
        elif kind == "()":
            waiting.append(code[1])
            waiting += code[2]
        elif kind == "q":
            waiting.append(code[2])
        elif kind != "?":
            waiting.append(code[1])
    return found


def rename_keys(code: TypeCode, renamed: Mapping[str, str]) -> TypeCode:
    """Return a type with the keys in `renamed` replaced."""
    if isinstance(code, str):
        return code
    if code[0] in _NAMED:
        return [code[0], renamed[code[1]]] if code[1] in renamed else code
    if code[0] == "()":
        return [
            "()",
            rename_keys(code[1], renamed),
            [rename_keys(parameter, renamed) for parameter in code[2]],
            code[3],
        ]
    if code[0] == "q":
        return ["q", code[1], rename_keys(code[2], renamed)]
    if code[0] == "?":
        return code
    return [code[0], rename_keys(code[1], renamed), *code[2:]]


def definitions(fragment: Fragment) -> Iterator[tuple[str, str]]:
    """Yield (key, content) of each type that a declaration defines; equal content is the same definition."""
    for record in fragment.records:
        yield record.key, repr((record.tag, [(m.name, m.type, m.width) for m in record.members], record.attributes))
    for enum in fragment.enums:
        yield enum.key, enum.text.split("{", 1)[-1]
    for name, code in fragment.typedefs:
        yield name, repr(code)


def defined_keys(fragment: Fragment) -> list[str]:
    """Return the keys of the types that a declaration defines."""
    keys = [record.key for record in fragment.records]
    keys += [enum.key for enum in fragment.enums]
    keys += [name for name, _ in fragment.typedefs]
    return keys


def references(fragment: Fragment, key: str) -> list[str]:
    """Return the keys that the definition of `key` mentions, that of the record it is part of among them."""
    found = []
    for record in fragment.records:
        if record.key == key:
            if record.parent:
                found.append(record.parent)
            for member in record.members:
                if not isinstance(member.type, str):
                    found += named_keys(member.type)
    for name, code in fragment.typedefs:
        if name == key:
            found += named_keys(code)
    return found


def sort_into_classes(units: Sequence[ReadUnit], fragments: Mapping[int, Fragment]) -> list[UnitClass]:
    """Sort `units` into classes that agree on what every name means."""
    segments = distinct_segments(units)
    contents = _contents(segments, fragments)
    disputed = {key: groups for key, groups in contents.items() if len(groups) > 1}
    if not disputed:
        return [UnitClass(list(units))]
    group_of: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for key, groups in disputed.items():
        for index, numbers in enumerate(groups.values()):
            for number in numbers:
                group_of[number].append((key, index))
    of_segment: dict[int, list[tuple[str, int]]] = {}
    for segment in segments:
        chosen = [pair for number, _ in segment.items if number in group_of for pair in group_of[number]]
        if chosen:
            of_segment[id(segment)] = chosen
    classes: dict[tuple[tuple[str, int], ...], UnitClass] = {}
    for unit in units:
        choice: dict[str, int] = {}
        for segment in unit.segments:
            for key, index in of_segment.get(id(segment), ()):
                choice.setdefault(key, index)
        classes.setdefault(tuple(sorted(choice.items())), UnitClass([])).units.append(unit)
    _name_variants(list(classes.items()), contents, disputed, fragments)
    return list(classes.values())


def _contents(segments: Iterable[Segment], fragments: Mapping[int, Fragment]) -> dict[str, dict[str, list[int]]]:
    """Return the declarations that define each key, by what they define it as; that is left out where one does."""
    used = {number for segment in segments for number, _ in segment.items}
    definers: dict[str, list[int]] = defaultdict(list)
    for number in sorted(used.intersection(fragments)):
        for key in defined_keys(fragments[number]):
            definers[key].append(number)
    contents: dict[str, dict[str, list[int]]] = {}
    for key, numbers in definers.items():
        if len(numbers) == 1:
            contents[key] = {"": numbers}
            continue
        groups = contents[key] = {}
        for number in dict.fromkeys(numbers):
            for other, content in definitions(fragments[number]):
                if other == key:
                    groups.setdefault(content, []).append(number)
    return contents


def prefer_used(
    classes: Sequence[UnitClass], used: Set[str], fragments: Mapping[int, Fragment], files: Mapping[str, str]
) -> bool:
    """Give the plain key of a disputed name to a definition that the program uses; return whether that changed any.

    `used` are keys of the program, `files` where the definitions stand that have plain keys now.
    """
    changed = False
    for plain in sorted({plain for unit_class in classes for plain in unit_class.renamed} - used):
        users: Counter[str] = Counter()
        for unit_class in classes:
            if unit_class.key(plain) in used:
                users[unit_class.key(plain)] += len(unit_class.units)
        if not users or plain not in files:
            continue
        chosen = min(users, key=lambda key: (-users[key], key))
        for unit_class in classes:
            if unit_class.key(plain) == chosen:
                del unit_class.renamed[plain]
            elif plain not in unit_class.renamed and _defines(unit_class, plain, fragments):
                unit_class.renamed[plain] = f"{plain}@{files[plain]}"
        changed = True
    return changed


def _defines(unit_class: UnitClass, key: str, fragments: Mapping[int, Fragment]) -> bool:
    numbers = (number for segment in unit_class.segments() for number, _ in segment.items)
    return any(key in defined_keys(fragments[number]) for number in numbers if number in fragments)


def distinct_segments(units: Sequence[ReadUnit]) -> list[Segment]:
    """Return each segment of `units` once, in order."""
    return list({id(segment): segment for unit in units for segment in unit.segments}.values())


def _name_variants(
    classes: list[tuple[tuple[tuple[str, int], ...], UnitClass]],
    contents: Mapping[str, Mapping[str, list[int]]],
    disputed: Mapping[str, object],
    fragments: Mapping[int, Fragment],
) -> None:
    """Fill `renamed` of each class: a key splits where the definitions that it can reach differ between classes."""
    reaches = _reachable(contents, disputed, fragments)
    definers = {key: {n for numbers in contents[key].values() for n in numbers} for key in reaches}
    by_number: dict[int, list[str]] = defaultdict(list)
    for key, numbers in definers.items():
        for number in numbers:
            by_number[number].append(key)
    variants: dict[str, dict[Signature, list[tuple[UnitClass, str]]]] = defaultdict(dict)
    for choice, unit_class in classes:
        chosen = dict(choice)
        first: dict[str, str] = {}
        for segment in unit_class.segments():
            for number, _ in segment.items:
                for key in by_number.get(number, ()):
                    first.setdefault(key, segment.file)
        for key, file in first.items():
            signature = tuple(sorted((other, chosen[other]) for other in reaches[key] if other in chosen))
            variants[key].setdefault(signature, []).append((unit_class, file))
    usual = {key: _usual(key, variants[key]) for key in disputed}
    for key, signatures in variants.items():
        order = _merge_compatible(key, signatures, usual)
        taken: set[str] = set()
        for rank, users in enumerate(order):
            name = key if rank == 0 else f"{key}@{users[0][1]}"
            count = 2
            while name in taken:
                name = f"{key}@{users[0][1]}#{count}"
                count += 1
            taken.add(name)
            for unit_class, _ in users:
                if name != key:
                    unit_class.renamed[key] = name


def _usual(key: str, signatures: Mapping[Signature, list[tuple[UnitClass, str]]]) -> int:
    """Return which definition of a disputed name most units have."""
    units: Counter[int] = Counter()
    files: dict[int, str] = {}
    for signature, users in signatures.items():
        index = dict(signature)[key]
        units[index] += sum(len(unit_class.units) for unit_class, _ in users)
        files[index] = min(files.get(index, users[0][1]), *(file for _, file in users))
    return min(units, key=lambda index: (-units[index], files[index]))


def _merge_compatible(
    key: str, signatures: Mapping[Signature, list[tuple[UnitClass, str]]], usual: Mapping[str, int]
) -> list[list[tuple[UnitClass, str]]]:
    """Join the users of signatures that do not disagree, the most used first.

    A unit that only declares a disputed name, without defining it, goes with those that do define it. What refers to
    the most used definitions goes before what refers to others, so that plain keys refer to plain keys.
    """
    merged: list[tuple[dict[str, int], list[tuple[UnitClass, str]]]] = []
    by_use = sorted(
        signatures.items(), key=lambda item: (-len(item[0]), -sum(len(c.units) for c, _ in item[1]), item[1][0][1])
    )
    for signature, users in by_use:
        mine = dict(signature)
        for theirs, others in merged:
            if all(theirs.get(name, index) == index for name, index in mine.items()):
                theirs.update(mine)
                others += users
                break
        else:
            merged.append((mine, list(users)))

    def rank(group: tuple[dict[str, int], list[tuple[UnitClass, str]]]) -> tuple[bool, bool, int, str]:
        meant, users = group
        own = meant.get(key) != usual.get(key)
        others = any(usual[name] != index for name, index in meant.items())
        return own, others, -sum(len(unit_class.units) for unit_class, _ in users), users[0][1]

    return [users for _, users in sorted(merged, key=rank)]


def _reachable(
    contents: Mapping[str, Mapping[str, list[int]]], disputed: Mapping[str, object], fragments: Mapping[int, Fragment]
) -> dict[str, set[str]]:
    """Return, for each key that can reach a disputed one, the disputed keys it reaches (itself included)."""
    users: dict[str, set[str]] = defaultdict(set)
    for key, groups in contents.items():
        for numbers in groups.values():
            for other in references(fragments[numbers[0]], key):
                users[other].add(key)
    reaches: dict[str, set[str]] = defaultdict(set)
    for target in disputed:
        waiting = [target]
        while waiting:
            key = waiting.pop()
            if target not in reaches[key]:
                reaches[key].add(target)
                waiting += users.get(key, ())
    return dict(reaches)
