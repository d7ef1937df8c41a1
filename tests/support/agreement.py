"""What two readers of one program say differently: the source reader, and the one of debug information.

Each may know of things that the other cannot see. Debug information has no types that nothing uses, no attributes but
alignment, and nothing of static functions and variables that the compiler dropped: those have no symbol either.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from patchkit.model.ctype import (
    Array,
    CType,
    Function as FunctionType,
    Named,
    Opaque,
    Pointer,
    Primitive,
    Qualified,
    Vector,
    spell,
)
from patchkit.model.program import Enum, Function, Linkage, Member, Program, Record, Typedef, Variable

Definition = Record | Enum | Typedef | Variable | Function


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One thing in which the readers disagree; a side that does not have it at all says nothing."""

    subject: str
    key: str
    what: str
    source: str = ""
    elf: str = ""

    def __str__(self) -> str:
        return (
            f"{self.subject} {self.key}: {self.what}: source {self.source or '-'}, debug information {self.elf or '-'}"
        )


def differences(source: Program, elf: Program, *, symbols: Container[str]) -> list[Difference]:
    """Return everything in which the readers disagree; `symbols` are the names in the executable's symbol table.

    A name with a suffix after a full stop, as compilers give them to static variables, counts without it too.
    """
    found = [*_compare("record", source.records, elf.records), *_compare("enum", source.enums, elf.enums)]
    found += _compare("typedef", source.typedefs, elf.typedefs)
    found += _compare("variable", source.variables, elf.variables)
    found += _compare("function", source.functions, elf.functions)
    found += _undefined(source, elf)
    found += _dropped("variable", source.variables, elf.variables, symbols)
    found += _dropped("function", source.functions, elf.functions, symbols)
    return sorted(found)


def _compare(subject: str, source: Mapping[str, Definition], elf: Mapping[str, Definition]) -> Iterator[Difference]:
    for key, theirs in elf.items():
        ours = source.get(key)
        if ours is None:
            yield Difference(subject, key, f"missing, {theirs.coord}", "", "has it")
            continue
        mine, other = _facts(ours), _facts(theirs)
        for what in mine.keys() | other.keys():
            if mine.get(what) != other.get(what):
                yield Difference(subject, key, what, mine.get(what, ""), other.get(what, ""))


def _facts(entity: Definition) -> dict[str, str]:
    """Return what both readers can know of an entity, from the name of the fact to its value."""
    facts = {"file": entity.coord.file}
    match entity:
        case Record():
            facts |= {"size": str(entity.size), "alignment": str(entity.align), "parent": entity.parent}
            facts["members"] = " ".join(member.name or "#" for member in entity.members)
            facts |= {f"member {number} {m.name}": _member(m) for number, m in enumerate(entity.members)}
        case Enum():
            facts |= {"size": str(entity.size), "signed": str(entity.signed)}
            facts["constants"] = ", ".join(f"{name} = {value}" for name, value in entity.constants)
        case Typedef():
            facts["type"] = spell(entity.type)
        case Variable():
            facts |= {"type": spell(entity.type), "linkage": entity.linkage, "size": str(entity.size)}
            facts |= {"thread-local": str(entity.thread_local), "function": entity.function}
            facts |= {"ordinal": str(entity.ordinal), "units": " ".join(entity.units), "name": entity.name}
        case Function():
            facts |= {"type": spell(entity.type), "linkage": entity.linkage, "units": " ".join(entity.units)}
            facts |= {"parameters": ", ".join(entity.parameters), "inline": str(entity.inline), "name": entity.name}
    return facts


def _member(member: Member) -> str:
    width = "" if member.width is None else f" : {member.width}"
    return f"{spell(member.type, member.name)}{width} at {member.offset}, {member.size} bits"


def _dropped(
    subject: str, source: Mapping[str, Variable | Function], elf: Mapping[str, object], symbols: Container[str]
) -> Iterator[Difference]:
    """What only the source has must be nowhere in the executable."""
    for key, entity in source.items():
        if key not in elf and (entity.linkage is Linkage.EXTERNAL or entity.name in symbols):
            yield Difference(subject, key, f"missing, {entity.coord}", "has it", "")


def _undefined(source: Program, elf: Program) -> Iterator[Difference]:
    """What debug information refers to is defined there exactly if the source defines it."""
    referred = {named.key for named in _mentioned(elf)}
    known = elf.records.keys() | elf.enums.keys() | elf.typedefs.keys()
    ours = source.records.keys() | source.enums.keys() | source.typedefs.keys()
    for key in referred - known:
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
