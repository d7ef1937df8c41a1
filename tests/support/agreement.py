"""What two readers of one program say differently: the source reader, and the one of debug information.

Each knows of things that the other cannot see, and only that is forgiven. Debug information has

- no word on which directories hold the headers of libraries: those outside the program count as such;
- nothing at all of units that were compiled without `-g`;
- no types that nothing uses, so an unnamed enumeration may lack the typedef that names it;
- no `packed`, so the alignment of a packed record is a guess;
- nothing of static functions and variables that the compiler dropped: those have no symbol either;
- `inline` only on functions of which some copy was made, and header functions only in units that use them;
- a variable's type as its first declaration spells it, a type where the unit that uses it has it from, and a static
  local where it is written, which may be a file that a function includes;
- names made of `__LINE__`, which the recorder sets to 0, so that moving code renames nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from patchkit.model.build import Recording
from patchkit.model.ctype import (
    Array,
    CType,
    Function as FunctionType,
    Named,
    Opaque,
    Pointer,
    Primitive,
    Qualified,
    Tag,
    Vector,
    qualify,
    spell,
)
from patchkit.model.program import Enum, Function, Linkage, Member, Program, Record, Typedef, Variable
from patchkit.read.elf import read_elf
from patchkit.read.source import read_recording
from tests.support.symbols import counts, read_symbols, size_differences

Definition = Record | Enum | Typedef | Variable | Function
COMPILERS_OWN = ("<built-in>", "")  # where gcc and clang declare what they know by themselves


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing in which the readers disagree; a side that does not have it at all says nothing."""

    subject: str
    key: str
    what: str
    source: str = ""
    elf: str = ""

    def __str__(self) -> str:
        sides = f"source {self.source or '-'}, debug information {self.elf or '-'}"
        return f"{self.subject} {self.key}: {self.what}: {sides}"


def agreed(recording: Recording, program: str) -> Program:
    """Read `program` of a recorded build in both ways, assert that the readers agree, and return what its source says.

    The executable's symbol table is asked too: every object that it holds must be read, with its size.
    """
    (linked,) = [each for each in recording.programs if program == Path(each.output).name]
    path = Path(linked.output)
    source = read_recording(recording, label="source", program=linked.output, jobs=1)
    elf = read_elf(path, label="elf", root=recording.root)
    symbols = read_symbols(path)
    assert (source.gaps, elf.gaps) == ((), ())
    described = {unit.source for unit in elf.units}
    assert described <= {unit.source for unit in source.units}
    # A unit that debug information does not describe is one that defines nothing.
    assert [each.key for each in source.functions.values() if described.isdisjoint(each.units)] == []
    assert [each.key for each in source.variables.values() if described.isdisjoint(each.units)] == []
    assert [str(each) for each in differences(source, elf, counts(symbols))] == []
    assert size_differences(source, symbols) == []
    return source


def differences(source: Program, elf: Program, symbols: Mapping[str, int]) -> list[Difference]:
    """Return everything in which the readers disagree.

    `symbols` says how many functions and objects of a name the executable's symbol table has.
    """
    found = [*_compare("record", source.records, elf.records), *_compare_enums(source, elf)]
    found += _compare("typedef", source.typedefs, elf.typedefs)
    variables = _without_lines(source.variables, elf.variables)
    found += [each for each in _compare("variable", source.variables, variables) if not _composed(each, source, elf)]
    found += _compare("function", source.functions, elf.functions)
    found += _undefined(source, elf)
    told = {unit.source for unit in elf.units}
    for subject, ours, theirs in (
        ("variable", source.variables, variables),
        ("function", source.functions, elf.functions),
    ):
        known = {key: entity for key, entity in ours.items() if not told.isdisjoint(entity.units)}
        found += _dropped(subject, known, theirs, symbols)
    return sorted(found)


def _compare(subject: str, source: Mapping[str, Definition], elf: Mapping[str, Definition]) -> Iterator[Difference]:
    for key, theirs in elf.items():
        ours = source.get(key)
        if ours is not None:
            mine, other = _facts(ours, theirs), _facts(theirs, ours)
            for what in sorted(mine.keys() | other.keys()):
                if mine.get(what) != other.get(what):
                    yield Difference(subject, key, what, mine.get(what, ""), other.get(what, ""))
        elif theirs.coord.file not in COMPILERS_OWN and not theirs.coord.file.startswith("/"):
            yield Difference(subject, key, f"missing, {theirs.coord}", "", "has it")


def _compare_enums(source: Program, elf: Program) -> Iterator[Difference]:
    yield from _compare("enum", source.enums, {k: e for k, e in elf.enums.items() if k in source.enums})
    called = {(enum.coord.file, enum.constants): key for key, enum in source.enums.items()}
    for key, enum in elf.enums.items():
        if key not in source.enums:
            named = called.get((enum.coord.file, enum.constants), "")
            if not key.startswith("enum {") or named.removeprefix("enum ") not in source.typedefs:
                yield Difference("enum", key, f"missing, {enum.coord}", "", "has it")


def _facts(entity: Definition, other: Definition) -> dict[str, str]:
    """Return what both readers can know of an entity, from the name of the fact to its value."""
    facts: dict[str, str] = {}
    local = isinstance(entity, Variable) and entity.linkage is Linkage.LOCAL
    system = entity.coord.file.startswith("/usr/") and other.coord.file.startswith("/usr/")
    if not local and not system and not isinstance(entity, Typedef):
        facts["file"] = entity.coord.file
    match entity, other:
        case Record(), Record():
            facts |= {"size": str(entity.size), "parent": entity.parent}
            if not _is_packed(entity) and not _is_packed(other):
                facts["alignment"] = str(entity.align)
            facts["members"] = " ".join(member.name or "#" for member in entity.members)
            facts |= {f"member {number} {m.name}": _member(m) for number, m in enumerate(entity.members)}
        case Enum(), Enum():
            facts |= {"size": str(entity.size), "signed": str(entity.signed)}
            facts["constants"] = ", ".join(f"{name} = {value}" for name, value in entity.constants)
        case Typedef(), Typedef():
            facts["type"] = spell(entity.type)
        case Variable(), Variable():
            facts |= {"type": spell(entity.type), "linkage": entity.linkage, "size": str(entity.size)}
            facts |= {"thread-local": str(entity.thread_local), "function": entity.function, "name": entity.name}
            facts |= {"ordinal": str(entity.ordinal), "units": _units(entity, other)}
        case Function(), Function():
            facts |= {"type": spell(entity.type), "linkage": entity.linkage, "units": _units(entity, other)}
            facts |= {"parameters": ", ".join(entity.parameters), "name": entity.name}
            facts |= {"inline": str(entity.inline and other.inline)}
        case _:
            facts["kind"] = type(entity).__name__
    return facts


def _without_lines(source: Mapping[str, Variable], elf: Mapping[str, Variable]) -> dict[str, Variable]:
    """Return `elf` under the names that variables called after their line have in the source."""
    found: dict[str, Variable] = {}
    for variable in sorted(elf.values(), key=lambda each: each.coord):
        name = variable.name.replace(str(variable.coord.line), "0")
        plain = f"{variable.key.split(':', 1)[0]}:{variable.function}:{name}"
        if variable.function and variable.key not in source and plain in source:
            ordinal = next(n for n in range(len(elf)) if (f"{plain}#{n}" if n else plain) not in found)
            key = f"{plain}#{ordinal}" if ordinal else plain
            variable = replace(variable, key=key, name=name, ordinal=ordinal)
        found[variable.key] = variable
    return found


def _composed(found: Difference, source: Program, elf: Program) -> bool:
    """Whether the sides spell one type with different typedefs, as several declarations of one variable may."""
    ours, theirs = source.variables.get(found.key), elf.variables.get(found.key)
    if found.what != "type" or ours is None or theirs is None or ours.linkage is not Linkage.EXTERNAL:
        return False
    return _expanded(ours.type, source) == _expanded(theirs.type, elf)


def _expanded(ctype: CType, program: Program) -> CType:
    match ctype:
        case Named(Tag.TYPEDEF, key) if key in program.typedefs:
            return _expanded(program.typedefs[key].type, program)
        case Pointer(inner):
            return Pointer(_expanded(inner, program))
        case Array(inner, length):
            return Array(_expanded(inner, program), length)
        case Qualified(words, inner):
            return qualify(_expanded(inner, program), *words)
        case FunctionType(result, parameters):
            changed = tuple(_expanded(parameter, program) for parameter in parameters)
            return replace(ctype, result=_expanded(result, program), parameters=changed)
        case _:
            return ctype


def _is_packed(record: Record) -> bool:
    return any(attribute.startswith("pack") for attribute in record.attributes)


def _units(entity: Variable | Function, other: Variable | Function) -> str:
    """Units of a header's static things are those that both know; of anything else all."""
    shared = entity.linkage is not Linkage.EXTERNAL and len(entity.units) + len(other.units) > 2
    return " ".join(unit for unit in entity.units if not shared or unit in other.units)


def _member(member: Member) -> str:
    width = "" if member.width is None else f" : {member.width}"
    return f"{spell(member.type, member.name)}{width} at {member.offset}, {member.size} bits"


def _dropped(
    subject: str,
    source: Mapping[str, Variable | Function],
    elf: Mapping[str, Variable | Function],
    symbols: Mapping[str, int],
) -> Iterator[Difference]:
    """What only the source has must be nowhere in the executable."""
    count = Counter(entity.name for entity in elf.values())
    for key, entity in source.items():
        present = entity.linkage is Linkage.EXTERNAL or count[entity.name] < symbols.get(entity.name, 0)
        if key not in elf and present:
            yield Difference(subject, key, f"missing, {entity.coord}", "has it", "")


def _undefined(source: Program, elf: Program) -> Iterator[Difference]:
    """What debug information refers to is defined there exactly if the source defines it, all units having any."""
    if {unit.source for unit in source.units} - {unit.source for unit in elf.units}:
        return
    known = elf.records.keys() | elf.enums.keys() | elf.typedefs.keys()
    ours = source.records.keys() | source.enums.keys() | source.typedefs.keys()
    for key in sorted({named.key for named in _mentioned(elf)} - known):
        if key in ours:
            yield Difference("type", key, "is only declared", "defines it", "")


def _mentioned(program: Program) -> Iterator[Named]:
    for record in program.records.values():
        for member in record.members:
            yield from _parts(member.type)
    for entities in (program.typedefs, program.variables, program.functions):
        for entity in entities.values():
            yield from _parts(entity.type)


def _parts(ctype: CType) -> Iterator[Named]:
    match ctype:
        case Named():
            yield ctype
        case Pointer(inner) | Qualified(_, inner) | Array(inner) | Vector(inner):
            yield from _parts(inner)
        case FunctionType(result, parameters):
            for part in (result, *parameters):
                yield from _parts(part)
        case Primitive() | Opaque():
            return
