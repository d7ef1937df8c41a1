"""C types as JSON values, the form in which models and caches hold them.

A primitive is its name; every other type is a list that begins with its kind:
`["*", target]`, `["[]", element, length]`, `["q", "const volatile", target]`, `["()", result, [parameters], flags]`
(1 variadic, 2 without a prototype), `["v", element, bytes]`, `["s", key]` `["u", key]` `["e", key]` `["t", key]` for
struct, union, enum and typedef, `["?", text]` for a type only the compiler knows. `null` is the length of an array of
unknown bound.
"""

from typing import assert_never

from patchkit.errors import InputError
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
)

TypeCode = str | list  # type: ignore[type-arg]  # JSON: a name, or a list as the module text says

VARIADIC, UNPROTOTYPED = 1, 2
_TAGS = {"s": Tag.STRUCT, "u": Tag.UNION, "e": Tag.ENUM, "t": Tag.TYPEDEF}
_LETTERS = {tag: letter for letter, tag in _TAGS.items()}


def encode_type(ctype: CType) -> TypeCode:
    """Return the JSON form of `ctype`."""
    match ctype:
        case Primitive(name):
            return name
        case Pointer(target):
            return ["*", encode_type(target)]
        case Array(element, length):
            return ["[]", encode_type(element), length]
        case Qualified(qualifiers, target):
            return ["q", " ".join(qualifiers), encode_type(target)]
        case Function(result, parameters, variadic, prototyped):
            flags = VARIADIC * variadic + UNPROTOTYPED * (not prototyped)
            return ["()", encode_type(result), [encode_type(parameter) for parameter in parameters], flags]
        case Vector(element, size):
            return ["v", encode_type(element), size]
        case Named(tag, key):
            return [_LETTERS[tag], key]
        case Opaque(text):
            return ["?", text]
        case _:
            assert_never(ctype)


def decode_type(code: TypeCode) -> CType:
    """Return the type that `code` stands for. Raises InputError where it stands for none."""
    try:
        return _decode(code)
    except RecursionError:
        raise InputError("a type in the model is nested too deeply to be one of C") from None
    except (ValueError, TypeError, KeyError, IndexError):
        raise InputError(f"not a type of the model: {str(code)[:80]}") from None


def _decode(code: TypeCode) -> CType:
    if isinstance(code, str):
        return Primitive(code)
    match code:
        case ["*", target]:
            return Pointer(_decode(target))
        case ["s" | "u" | "e" | "t" as letter, str(key)]:
            return Named(_TAGS[letter], key)
        case ["q", str(qualifiers), target]:
            return Qualified(tuple(qualifiers.split()), _decode(target))
        case ["[]", element, int() | None as length]:
            return Array(_decode(element), length)
        case ["()", result, list(parameters), int(flags)]:
            return Function(
                _decode(result),
                tuple(_decode(parameter) for parameter in parameters),
                bool(flags & VARIADIC),
                not flags & UNPROTOTYPED,
            )
        case ["v", element, int(size)]:
            return Vector(_decode(element), size)
        case ["?", str(text)]:
            return Opaque(text)
    raise ValueError
