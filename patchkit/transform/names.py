"""C names under which an update's C knows the types of both versions side by side: `struct old_client`."""

import re
from collections import Counter
from functools import cached_property

from patchkit.diff.types import Types, is_foreign
from patchkit.model.ctype import (
    Array,
    CType,
    Function,
    Named,
    Opaque,
    Pointer,
    Primitive,
    Qualified,
    Tag,
    Vector,
    spell,
    unqualified,
)
from patchkit.model.decision import Way
from patchkit.model.program import Enum, Program
from patchkit.transform.migration import Side

# <stdint.h> and <stddef.h> have these on every side, so they keep their names.
STANDARD = frozenset(
    [f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["size_t", "ptrdiff_t", "intptr_t", "uintptr_t"]
)
# Basic types that gcc and clang do not spell alike, or that C spells otherwise than debug information.
_SPELLED = {
    "_Float32": "float",
    "_Float64": "double",
    "_Float32x": "double",
    "_Float64x": "long double",
    "_Float128": "__float128",
    "__int128 unsigned": "unsigned __int128",
    "char16_t": "short unsigned int",
    "char32_t": "unsigned int",
}
_PLAIN = re.compile(
    r"(void|_Bool|float|double|long double|__float128|(unsigned )?__int128"
    r"|((signed|unsigned) )?char|(short|long|long long) (unsigned )?int|(unsigned )?int)$"
)
_WORDS = re.compile(r"[A-Za-z0-9_]+")
HOOKS = ("before", "after")  # subjects of decisions that a programmer's function runs around everything


def type_name(side: Side, key: str) -> str:
    """Return how a record or enumeration is called, with its keyword: `struct old_client`.

    `Names` has the same name for it unless another type of the program reads alike.
    """
    return f"{key.split(' ', 1)[0]} {side}_{stem(key)}"


def conversion_name(key: str) -> str:
    """Return the name of the function that converts objects of the old record `key`."""
    return f"pk_convert_{_function_stem(key)}"


def rest_name(key: str, way: Way = Way.UP) -> str:
    """Return the name of the function that converts what needs no programmer, where one has the rest."""
    return f"pk_{'convert' if way is Way.UP else 'down'}_rest_{_function_stem(key)}"


def transformer_name(key: str, way: Way = Way.UP) -> str:
    """Return the name of the function of transform.c or down.c that does so, for a type or a variable."""
    return f"pk_{'transform' if way is Way.UP else 'down'}_{_function_stem(key)}"


def _function_stem(key: str) -> str:
    # A struct and a union of one name may stand in two files of a program.
    return f"union_{stem(key)}" if key.startswith("union ") else stem(key)


def stem(key: str) -> str:
    """Return the identifier that the key of a type reads as: `struct server.stats` is `server__stats`.

    What tells things of one name apart stays: the file after `@`, the function before a tag. Two keys may read alike.
    """
    name, _, place = key.partition("@")
    name = name.split(" ", 1)[-1] if name.startswith(("struct ", "union ", "enum ")) else name
    parts = [*name.split("."), *([place] if place else [])]
    return "__".join("_".join(_WORDS.findall(part)) or "x" for part in parts)


class Names:
    """The names of one version's types; `side` stands before each."""

    def __init__(self, types: Types, side: Side) -> None:
        self.types = types
        self.program: Program = types.program
        self.prefix = str(side)
        self._renamed: dict[tuple[CType, bool], CType] = {}

    def record(self, key: str) -> str:
        """Return `struct old_client` for `struct client`."""
        record = self.program.records.get(key)
        tag = record.tag if record is not None else Tag(key.split(" ", 1)[0])
        return f"{tag} {self.prefix}_{self.stem(key)}"

    def enum(self, key: str) -> str:
        """Return `enum old_mode` for `enum mode`, `enum old_RED` for one that only its first constant identifies."""
        return f"enum {self.prefix}_{self.stem(key)}"

    def typedef(self, key: str) -> str:
        """Return `old_robj` for `robj`."""
        return self._typedefs.get(key) or f"{self.prefix}_{stem(key)}"

    def constant(self, enum: Enum, name: str) -> str:
        """Return `old_RED` for `RED`, or `old_color__RED` where several enumerations have a `RED`."""
        return self._constant(enum, name)

    def stem(self, key: str) -> str:
        """Return what is unique in the C name of a record or enumeration."""
        return self._stems.get(key) or stem(key)

    @cached_property
    def _stems(self) -> dict[str, str]:
        """Stems of all records and enumerations; where two read alike, the one with a file or of another tag yields."""
        program, taken, found = self.program, set[str](), {}
        for key in sorted((*program.records, *program.enums), key=lambda key: ("@" in key, key)):
            name = stem(key)
            if name in taken:
                name = f"{name}_{key.split(' ', 1)[0]}"
            found[key] = _unique(name, taken)
        return found

    @cached_property
    def _shared(self) -> frozenset[str]:
        """Names of constants that more than one enumeration has."""
        uses = Counter(name for enum in self.program.enums.values() for name, _ in enum.constants)
        return frozenset(name for name, count in uses.items() if count > 1)

    def _constant(self, enum: Enum, name: str) -> str:
        inner = f"{self.stem(enum.key)}__{name}" if name in self._shared else name
        return f"{self.prefix}_{inner}"

    @cached_property
    def _typedefs(self) -> dict[str, str]:
        taken = {self._constant(enum, name) for enum in self.program.enums.values() for name, _ in enum.constants}
        found = {}
        for key in sorted(self.program.typedefs, key=lambda key: ("@" in key, key)):
            name = f"{self.prefix}_{stem(key)}"
            found[key] = _unique(f"{name}_t" if name in taken else name, taken)
        return found

    # -- types

    def spell(self, ctype: CType, name: str = "") -> str:
        """Return the C declaration of `name` with an old or new type, under this side's names."""
        return spell(self.rename(ctype), name)

    def rename(self, ctype: CType, *, by_value: bool = True) -> CType:
        """Return `ctype` as it is spelled in the frozen header.

        A foreign record that is held by value has a name of this side; one that is only pointed at keeps its own, so
        that the system's headers may be included beside. A target that cannot be spelled for every compiler is `void`.
        """
        found = self._renamed.get((ctype, by_value))
        if found is None:
            found = self._renamed[ctype, by_value] = self._rename(ctype, by_value=by_value)
        return found

    def _rename(self, ctype: CType, *, by_value: bool) -> CType:
        match ctype:
            case Primitive(name):
                return Primitive(c_primitive(name) or "void")
            case Named(Tag.TYPEDEF, key):
                return self._renamed_typedef(key, ctype, by_value=by_value)
            case Named(Tag.ENUM, key):
                return self._renamed_enum(key)
            case Named(tag, key):
                return Named(tag, self._record_name(key, by_value=by_value))
            case Pointer(target):
                return Pointer(self.rename(target, by_value=False))
            case Array(element, length):
                return Array(self.rename(element, by_value=by_value), length)
            case Qualified(qualifiers, target):
                return Qualified(qualifiers, self.rename(target, by_value=by_value))
            case Function(result, parameters, variadic, prototyped):
                inner = tuple(self.rename(unqualified(each), by_value=False) for each in parameters)
                return Function(self.rename(unqualified(result), by_value=False), inner, variadic, prototyped)
            case Vector() | Opaque():
                return Primitive("void")

    def _record_name(self, key: str, *, by_value: bool) -> str:
        record = self.program.records.get(key)
        foreign = record is not None and is_foreign(record.coord)
        tag, _, name = key.partition(" ")
        return f"{tag} {name}" if foreign and not by_value and name.isidentifier() else self.record(key)

    def _renamed_enum(self, key: str) -> CType:
        enum = self.program.enums.get(key)
        if enum is None or is_foreign(enum.coord):
            return Primitive(integer(enum.size, signed=enum.signed) if enum is not None else "int")
        return Named(Tag.ENUM, self.enum(key))

    def _renamed_typedef(self, key: str, ctype: CType, *, by_value: bool) -> CType:
        if self.keeps(key):
            return Named(Tag.TYPEDEF, key if key in STANDARD else self.typedef(key))
        typedef = self.program.typedefs.get(key)
        if typedef is None:
            return Primitive("void") if self.types.scalar(ctype) is None else ctype
        return self.rename(typedef.type, by_value=by_value)

    def keeps(self, key: str) -> bool:
        """Whether the frozen header has a typedef `key`: one of the program's own, or a standard one."""
        typedef = self.program.typedefs.get(key)
        if typedef is None:
            return False
        if is_foreign(typedef.coord):
            return key in STANDARD and isinstance(self.types.bare(typedef.type), Primitive)
        return not isinstance(self.types.element(typedef.type), Opaque | Vector)


def c_primitive(name: str) -> str | None:
    """Return a spelling of a basic type that gcc and clang both have, None where there is none."""
    if name.startswith("complex "):
        real = c_primitive(name.removeprefix("complex "))
        return f"_Complex {real}" if real in ("float", "double", "long double") else None
    spelled = _SPELLED.get(name, name)
    return spelled if _PLAIN.match(spelled) else None


def integer(size: int, *, signed: bool) -> str:
    """Return the integer type of `size` bytes."""
    name = {1: "char", 2: "short int", 4: "int", 8: "long long int"}[size]
    if size == 1:
        return "signed char" if signed else "unsigned char"
    return name if signed else name.replace("int", "unsigned int")


def _unique(name: str, taken: set[str]) -> str:
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}_{number}", number + 1
    taken.add(chosen)
    return chosen
