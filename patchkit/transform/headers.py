"""old.h and new.h: the types of both versions, frozen, under names of their own, as the compiler laid them out.

What is foreign (the C library's, another library's) stands there as bytes of its size: it is never converted.
"""

from collections.abc import Iterable, Iterator

from patchkit.diff.types import ScalarKind, Types, is_foreign
from patchkit.model.ctype import Array, CType, Function, Named, Pointer, Primitive, Tag
from patchkit.model.program import Enum, Member, Record
from patchkit.transform.migration import Side
from patchkit.transform.names import tag_name, type_name

_INTEGERS = {1: "int8_t", 2: "int16_t", 4: "int32_t", 8: "int64_t", 16: "__int128"}


class Header:
    """The header of one side, which takes in what is asked of it and all that this needs."""

    def __init__(self, side: Side, types: Types) -> None:
        self.side = side
        self.types = types
        self.program = types.program
        self._written: dict[str, list[str]] = {}  # definitions by key, in the order in which C needs them
        self._mentioned: set[str] = set()
        self._enums: dict[str, Enum] = {}

    def add(self, key: str) -> None:
        """Take in the record `key`, after all that it holds by value."""
        record = self.program.records[key]
        if key in self._written or is_foreign(record.coord):
            return
        self._written[key] = []
        for member in record.members:
            inner = self.types.record(member.type)
            if inner is not None and not self._is_inline(member, inner):
                self.add(inner.key)
        lines = self._written.pop(key) + list(self._definition(record))
        self._written[key] = lines

    def text(self) -> str:
        """Return the header."""
        guard = f"PATCHKIT_{self.side.upper()}_H"
        declared = sorted(self._mentioned | set(self._written))
        lines = [
            f"/* Written by patchkit: the types of the {self.side} version. Do not edit. */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "",
            "#include <stddef.h>",
            "#include <stdint.h>",
            "",
            *(f"{type_name(self.side, key)};" for key in declared),
            "",
            *(line for enum in self._enums.values() for line in self._enum(enum)),
            *(line for definition in self._written.values() for line in definition),
            "#endif",
            "",
        ]
        return "\n".join(lines)

    # -- definitions

    def _definition(self, record: Record) -> Iterator[str]:
        name = type_name(self.side, record.key)
        yield f"{name} {{ /* {record.coord} */"
        yield from self._members(record, "    ")
        yield f"}} {_attributes(record)};"
        yield f'_Static_assert(sizeof({name}) == {record.size}, "{record.key} has {record.size} bytes");'
        for member in self._placed(record):
            offset = member.offset // 8
            yield f'_Static_assert(offsetof({name}, {member.name}) == {offset}, "{record.key}.{member.name}");'
        yield ""

    def _placed(self, record: Record) -> Iterator[Member]:
        return (member for member in record.members if member.name and member.width is None)

    def _members(self, record: Record, indent: str) -> Iterator[str]:
        for member in record.members:
            inner = self.types.record(member.type)
            if member.width is not None:
                yield f"{indent}{self.scalar(member.type)} {member.name}: {member.width};"
            elif inner is not None and self._is_inline(member, inner):
                yield f"{indent}{inner.tag} {{"
                yield from self._members(inner, indent + "    ")
                yield f"{indent}}} {_attributes(inner)};"
            else:
                yield f"{indent}{self.declare(member.type, member.name)};"

    def _is_inline(self, member: Member, inner: Record) -> bool:
        return not member.name and bool(inner.parent)

    def _enum(self, enum: Enum) -> Iterator[str]:
        yield f"enum {tag_name(self.side, enum.key)} {{ /* {enum.coord} */"
        for name, value in enum.constants:
            yield f"    {self.side}_{name} = {_number(value)},"
        yield "};"
        yield ""

    # -- types

    def object(self, ctype: CType, name: str) -> str:
        """Return a declaration of a variable, whose type is taken in where it is a record."""
        record = self.types.record(ctype)
        if record is not None and not is_foreign(record.coord):
            self.add(record.key)
        return self.declare(ctype, name)

    def declare(self, ctype: CType, name: str) -> str:
        """Return a declaration of `name`, whose type has the layout of `ctype`."""
        bare = self.types.bare(ctype)
        match bare:
            case Array(element, length):
                return self.declare(element, f"{name}[{'' if length is None else length}]")
            case Pointer(target):
                return self._pointer(target, name)
            case Named(Tag.STRUCT | Tag.UNION, key):
                return self._aggregate(key, name)
            case _:
                return f"{self.scalar(bare)} {name}"

    def _pointer(self, target: CType, name: str) -> str:
        bare = self.types.bare(target)
        match bare:
            case Function():
                return f"void (*{name})(void)"
            case Primitive("void"):
                return f"void *{name}"
            case Array():
                return self.declare(bare, f"(*{name})")
            case Named(Tag.STRUCT | Tag.UNION, key):
                record = self.program.records.get(key)
                if record is not None and not is_foreign(record.coord):
                    self._mentioned.add(key)
                    return f"{type_name(self.side, key)} *{name}"
                return f"void *{name}"
            case Pointer():
                return self.declare(bare, f"*{name}")
            case _:
                return f"{self.scalar(bare)} *{name}"

    def _aggregate(self, key: str, name: str) -> str:
        record = self.program.records.get(key)
        if record is None or is_foreign(record.coord):
            size, align = (record.size, record.align) if record is not None else (0, 1)
            array = name[name.index("[") :] if "[" in name else ""
            bare = name.removesuffix(array)
            return f"_Alignas({align}) unsigned char {bare}{array}[{size}]"
        return f"{type_name(self.side, key)} {name}"

    def scalar(self, ctype: CType) -> str:
        """Return a C type that has the size, sign and kind of a single value."""
        enum = self.types.enum(ctype)
        if enum is not None:
            self._enums.setdefault(enum.key, enum)
        scalar = self.types.scalar(ctype)
        if scalar is None:
            return "unsigned char"
        match scalar.kind:
            case ScalarKind.BOOL:
                return "_Bool"
            case ScalarKind.FLOAT:
                bare = self.types.bare(ctype)
                return bare.name if isinstance(bare, Primitive) else "double"
            case ScalarKind.POINTER:
                return "void *"
            case _:
                bare = self.types.bare(ctype)
                if isinstance(bare, Primitive) and bare.name == "char":
                    return "char"
                name = _INTEGERS.get(scalar.size, "int32_t")
                return name if scalar.signed else f"unsigned {name}" if name.startswith("__") else f"u{name}"


def _attributes(record: Record) -> str:
    packed = "packed, " if "packed" in record.attributes else ""
    return f"__attribute__(({packed}aligned({record.align})))"


def _number(value: int) -> str:
    # The smallest number has no literal of its own.
    return f"(-{-value - 1}LL - 1)" if value == -(1 << 63) else f"{value}{'ULL' if value > (1 << 63) - 1 else ''}"


def write_headers(old: Header, new: Header, records: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Take the records of both sides in and return old.h and new.h."""
    for before, after in records:
        old.add(before)
        new.add(after)
    return old.text(), new.text()
