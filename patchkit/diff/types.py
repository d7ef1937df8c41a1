"""What the types of one program stand for once typedefs are looked through."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum as Choice, auto
from functools import cached_property

from patchkit.model.ctype import (
    Array,
    CType,
    Function,
    Named,
    Pointer,
    Primitive,
    Qualified,
    Tag,
    Vector,
    qualify,
)
from patchkit.model.program import Coord, Enum, Member, Program, Record, Typedef
from patchkit.model.rows import MemberRow, members

_NARROW_MACHINES = frozenset({"x86", "i386", "arm", "mips", "ppc", "riscv32", "s390"})
_UNSIGNED_CHAR_MACHINES = frozenset({"arm", "aarch64", "ppc", "ppc64", "s390", "s390x", "riscv32", "riscv64"})
_BYTES = {
    "char": 1,
    "signed char": 1,
    "unsigned char": 1,
    "_Bool": 1,
    "short int": 2,
    "short unsigned int": 2,
    "int": 4,
    "unsigned int": 4,
    "long long int": 8,
    "long long unsigned int": 8,
    "__int128": 16,
    "__int128 unsigned": 16,
    "char16_t": 2,
    "char32_t": 4,
    "float": 4,
    "double": 8,
    "long double": 16,
    "_Float16": 2,
    "_Float32": 4,
    "_Float64": 8,
    "_Float32x": 8,
    "_Float64x": 16,
    "_Float128": 16,
    "__float128": 16,
}


class ScalarKind(Choice):
    """The arithmetic kinds that are told apart, and pointers."""

    INTEGER = auto()
    FLOAT = auto()
    BOOL = auto()
    ENUM = auto()
    POINTER = auto()


@dataclass(frozen=True, slots=True)
class Scalar:
    """A type that holds one value; `size` in bytes, 0 where unknown."""

    kind: ScalarKind
    size: int
    signed: bool


_PIPED = ("<stdin>", "<stdout>")  # what generators that write to a pipe, as flex may, call the program's own text


def is_foreign(coord: Coord) -> bool:
    """Whether something is defined outside the program: in a system header or by the compiler itself."""
    return coord.file.startswith(("/", "<")) and coord.file not in _PIPED


def named_types(ctype: CType) -> Iterator[Named]:
    """Yield every reference to a record, enumeration or typedef that `ctype` spells out."""
    stack: list[CType] = [ctype]
    while stack:
        current = stack.pop()
        match current:
            case Named():
                yield current
            case Pointer(target) | Qualified(_, target) | Array(target, _) | Vector(target, _):
                stack.append(target)
            case Function(result, parameters):
                stack.append(result)
                stack.extend(parameters)
            case _:
                pass


class Types:
    """Looks things up in the types of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._meanings: dict[str, CType] = {}
        self._word = 4 if program.machine in _NARROW_MACHINES else 8
        self._char_signed = program.machine not in _UNSIGNED_CHAR_MACHINES

    @cached_property
    def members(self) -> list[MemberRow]:
        """The members of all records."""
        return members(self.program.records)

    def resolve(self, ctype: CType) -> CType:
        """Return `ctype` with its outermost typedefs replaced by what they stand for; qualifiers stay."""
        if isinstance(ctype, Named):
            return self._meaning(ctype) if ctype.tag is Tag.TYPEDEF else ctype
        if isinstance(ctype, Qualified) and isinstance(ctype.target, Named) and ctype.target.tag is Tag.TYPEDEF:
            return qualify(self._meaning(ctype.target), *ctype.qualifiers)
        return ctype

    def _meaning(self, name: Named) -> CType:
        """Return what a typedef stands for in the end, or itself where the program does not define it."""
        found = self._meanings.get(name.key)
        if found is None:
            self._meanings[name.key] = name  # a typedef of itself is not C, but may stand in a damaged model
            typedef = self.program.typedefs.get(name.key)
            found = self._meanings[name.key] = name if typedef is None else self.resolve(typedef.type)
        return found

    def bare(self, ctype: CType) -> CType:
        """Return `ctype` without outermost typedefs and qualifiers."""
        if isinstance(ctype, Named):
            if ctype.tag is not Tag.TYPEDEF:
                return ctype
            ctype = self._meaning(ctype)
        while isinstance(ctype, Qualified):
            ctype = self.resolve(ctype.target)
        return ctype

    def canonical(self, ctype: CType) -> CType:
        """Return `ctype` with every typedef in it replaced, so that equal values are equal types of this program."""
        resolved = self.resolve(ctype)
        match resolved:
            case Pointer(target):
                return Pointer(self.canonical(target))
            case Array(element, length):
                return Array(self.canonical(element), length)
            case Qualified(qualifiers, target):
                return Qualified(qualifiers, self.canonical(target))
            case Vector(element, size):
                return Vector(self.canonical(element), size)
            case Function(result, parameters, variadic):
                return Function(self.canonical(result), tuple(self.canonical(p) for p in parameters), variadic)
            case _:
                return resolved

    def core(self, ctype: CType) -> CType:
        """Return what remains of `ctype` without pointers, arrays, qualifiers and typedefs."""
        bare = self.bare(ctype)
        while isinstance(bare, Pointer | Array | Vector):
            bare = self.bare(bare.target if isinstance(bare, Pointer) else bare.element)
        return bare

    def element(self, ctype: CType) -> CType:
        """Return the innermost element of an array type without qualifiers, or the bare type itself."""
        bare = self.bare(ctype)
        while isinstance(bare, Array):
            bare = self.bare(bare.element)
        return bare

    def record(self, ctype: CType) -> Record | None:
        """Return the record that an object of type `ctype` holds by value, also as elements of an array."""
        bare = self.element(ctype)
        if isinstance(bare, Named) and bare.tag in (Tag.STRUCT, Tag.UNION):
            return self.program.records.get(bare.key)
        return None

    def enum(self, ctype: CType) -> Enum | None:
        """Return the enumeration that `ctype` is, if any."""
        bare = self.bare(ctype)
        return self.program.enums.get(bare.key) if isinstance(bare, Named) and bare.tag is Tag.ENUM else None

    def typedefs_in(self, ctype: CType) -> Iterator[Typedef]:
        """Yield the typedefs that `ctype` goes through, directly or by way of other typedefs."""
        seen: set[str] = set()
        stack = [ctype]
        while stack:
            for named in named_types(stack.pop()):
                found = self.program.typedefs.get(named.key) if named.tag is Tag.TYPEDEF else None
                if found is not None and found.key not in seen:
                    seen.add(found.key)
                    yield found
                    stack.append(found.type)

    def scalar(self, ctype: CType) -> Scalar | None:
        """Return what kind of single value `ctype` holds, or None for anything else."""
        bare = self.bare(ctype)
        match bare:
            case Pointer():
                return Scalar(ScalarKind.POINTER, self._word, False)
            case Named(Tag.ENUM, key):
                enum = self.program.enums.get(key)
                return Scalar(ScalarKind.ENUM, enum.size if enum else 4, enum.signed if enum else False)
            case Primitive("_Bool"):
                return Scalar(ScalarKind.BOOL, 1, False)
            case Primitive(name) if "float" in name.lower() or "double" in name:
                size = 0 if "complex" in name else _BYTES.get(name, 0)
                return Scalar(ScalarKind.FLOAT, size, True)
            case Primitive(name) if name != "void":
                size = self._word if name in ("long int", "long unsigned int") else _BYTES.get(name, 0)
                unsigned = "unsigned" in name or name in ("char16_t", "char32_t")
                return Scalar(ScalarKind.INTEGER, size, self._char_signed if name == "char" else not unsigned)
            case _:
                return None

    def size(self, ctype: CType) -> int:
        """Return the size of an object of `ctype` in bytes, 0 where it is unknown."""
        bare = self.bare(ctype)
        if isinstance(bare, Array):
            return (bare.length or 0) * self.size(bare.element)
        record = self.record(bare)
        if record is not None:
            return record.size
        scalar = self.scalar(bare)
        return scalar.size if scalar is not None else 0

    def is_char(self, ctype: CType) -> bool:
        """Whether `ctype` is a character type, so that an array of it is taken for text."""
        bare = self.bare(ctype)
        return isinstance(bare, Primitive) and bare.name in ("char", "signed char", "unsigned char")

    def is_constant(self, ctype: CType) -> bool:
        """Whether an object of type `ctype` may not be written: it, or the elements it consists of, are const."""
        resolved = self.resolve(ctype)
        while isinstance(resolved, Array):
            resolved = self.resolve(resolved.element)
        return isinstance(resolved, Qualified) and "const" in resolved.qualifiers

    def named_members(self, record: Record, bit: int = 0) -> Iterator[tuple[Member, int]]:
        """Yield the members of `record` that have a name, those of unnamed ones as well, with the bit each begins at.

        `bit` is where the record itself begins.
        """
        for member in record.members:
            inner = self.record(member.type)
            if member.name:
                yield member, bit + member.offset
            elif inner is not None and member.width is None:
                yield from self.named_members(inner, bit + member.offset)

    def members_by_value(self, ctype: CType) -> Iterator[tuple[str, Member]]:
        """Yield every member that lies inside an object of type `ctype`, nested ones included, with its dotted name."""
        record = self.record(ctype)
        stack = [("", record)] if record is not None else []
        while stack:
            prefix, current = stack.pop()
            for member in current.members:
                name = f"{prefix}.{member.name}" if prefix and member.name else prefix or member.name
                yield name, member
                inner = self.record(member.type)
                if inner is not None:
                    stack.append((name, inner))

    def holds_pointer(self, ctype: CType) -> bool:
        """Whether an object of type `ctype` holds a pointer anywhere inside."""
        if isinstance(self.element(ctype), Pointer):
            return True
        return any(isinstance(self.element(member.type), Pointer) for _, member in self.members_by_value(ctype))

    def is_function_pointer(self, ctype: CType) -> bool:
        """Whether `ctype` is a pointer to a function."""
        bare = self.bare(ctype)
        return isinstance(bare, Pointer) and isinstance(self.bare(bare.target), Function)

    def holds_function_pointer(self, ctype: CType) -> bool:
        """Whether an object of type `ctype` holds a pointer to a function anywhere inside."""
        if self.is_function_pointer(self.element(ctype)):
            return True
        return any(self.is_function_pointer(self.element(member.type)) for _, member in self.members_by_value(ctype))
