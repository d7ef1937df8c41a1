"""C types as values.

A `CType` is a small immutable tree. Aggregates, enumerations and typedefs are referred to by key
(`Named`), so that a type is finite although C's types are recursive; a `Program` maps keys to definitions.
Spellings are canonical: the source reader and the debug-information reader make equal values for equal types.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class Tag(StrEnum):
    """What a `Named` type refers to."""

    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"
    TYPEDEF = "typedef"


@dataclass(frozen=True, slots=True)
class Primitive:
    """A basic type under the name that compilers give it in DWARF: `long unsigned int`, `_Bool`, `void`."""

    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer to `target`."""

    target: "CType"


@dataclass(frozen=True, slots=True)
class Array:
    """`length` elements; None for a flexible array member or an array of unknown bound."""

    element: "CType"
    length: int | None


@dataclass(frozen=True, slots=True)
class Qualified:
    """`target` with `qualifiers`, a sorted tuple out of const, volatile, restrict, _Atomic.

    Never nested and never empty. An array is not qualified, its element is.
    """

    qualifiers: tuple[str, ...]
    target: "CType"


@dataclass(frozen=True, slots=True)
class Function:
    """A function type. `prototyped` is False for `int f()`, where the parameters are unknown.

    Array and function parameters are already pointers, and qualifiers of the parameters themselves are gone
    (C11 6.7.6.3p15): equal values are compatible types.
    """

    result: "CType"
    parameters: tuple["CType", ...]
    variadic: bool = False
    prototyped: bool = True


@dataclass(frozen=True, slots=True)
class Vector:
    """A GNU vector of `size` bytes."""

    element: "CType"
    size: int


@dataclass(frozen=True, slots=True)
class Named:
    """A reference to `Program.records`, `.enums` or `.typedefs` under `key`.

    A key is the C spelling (`struct client`, `robj`, `enum mode`). An unnamed aggregate that a typedef names takes the
    typedef's name: `typedef struct {…} T` has the key `struct T`. An unnamed one inside another is `struct
    outer.member` (`union outer.#0` where the member has no name either, counted over such members). An unnamed
    enumeration is `enum {FIRST}` after its first constant. The type of `struct {…} x;` is `struct <x>`. What a
    function declares names the function: `struct f().tag`, `struct <f().x>`. Where one name means different things in
    one program, the others than the most used one get `@file` of their definition, `@file#2` the next of that file.
    """

    tag: Tag
    key: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A type that only the compiler knows, by its text: `typeof(a + b)`."""

    text: str


CType = Primitive | Pointer | Array | Qualified | Function | Vector | Named | Opaque

VOID = Primitive("void")


def qualify(target: CType, *qualifiers: str) -> CType:
    """Return `target` with `qualifiers` added; qualifiers of an array go to its element (C11 6.7.3p9)."""
    if not qualifiers:
        return target
    match target:
        case Array(element, length):
            return Array(qualify(element, *qualifiers), length)
        case Qualified(present, inner):
            return Qualified(tuple(sorted({*present, *qualifiers})), inner)
        case _:
            return Qualified(tuple(sorted(set(qualifiers))), target)


def unqualified(ctype: CType) -> CType:
    """Return `ctype` without its outermost qualifiers."""
    return ctype.target if isinstance(ctype, Qualified) else ctype


def spell(ctype: CType, name: str = "") -> str:
    """Return the C declaration of `name` with type `ctype`, or the bare type where `name` is empty."""
    match ctype:
        case Primitive(text) | Opaque(text):
            return f"{text} {name}".rstrip()
        case Named(_, key):
            return f"{key} {name}".rstrip()
        case Qualified(qualifiers, Pointer(target)):
            declarator = f"*{' '.join(qualifiers)} {name}".rstrip()
            return spell(target, f"({declarator})" if isinstance(target, Array | Function) else declarator)
        case Qualified(qualifiers, target):
            return f"{' '.join(qualifiers)} {spell(target, name)}"
        case Pointer(Array() | Function() as target):
            return spell(target, f"(*{name})")
        case Pointer(target):
            return spell(target, f"*{name}")
        case Array(element, length):
            return spell(element, f"{name}[{'' if length is None else length}]")
        case Function(result, parameters, variadic, prototyped):
            inner = [spell(parameter) for parameter in parameters] + (["..."] if variadic else [])
            return spell(result, f"{name}({', '.join(inner) or ('void' if prototyped else '')})")
        case Vector(element, size):
            return f"{spell(element)} __vector({size}) {name}".rstrip()
        case _:
            assert_never(ctype)
