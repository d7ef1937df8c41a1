"""One short text per entity that changes exactly when the entity changes, wherever it stands.

Coordinates, units and earlier fingerprints are left out; everything else counts, other types by their key.
"""

from collections.abc import Callable
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from typing import TypeVar, assert_never

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
)
from patchkit.model.program import Enum, Function, Initialiser, Macro, Record, Typedef, Variable

Entity = Record | Enum | Typedef | Variable | Function | Macro
_Entity = TypeVar("_Entity", Record, Enum, Typedef, Variable, Function, Macro)
_OTHER_FIELDS = {
    kind: attrgetter(*[each.name for each in fields(kind)][:-1])
    for kind in (Record, Enum, Typedef, Variable, Function, Macro)
}


def fingerprint(entity: Entity, spell: Callable[[CType], str] | None = None) -> str:
    """Return 16 hexadecimal digits: BLAKE2b of 64 bits of everything in `entity` but place, units and fingerprint.

    `spell` is `type_text` that remembers, for who has many entities of the same types.
    """
    text = canonical_text(entity, spell or type_text)
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def with_fingerprint(entity: _Entity, spell: Callable[[CType], str] | None = None) -> _Entity:
    """Return `entity` with its fingerprint filled in; `spell` as for `fingerprint`."""
    # The last field of each; dataclasses.replace() takes five times as long, for each of ten thousand entities.
    others = _OTHER_FIELDS[type(entity)](entity)
    make: Callable[..., _Entity] = type(entity)
    return make(*others, fingerprint(entity, spell))


def canonical_text(entity: Entity, spell: Callable[[CType], str]) -> str:
    """Return the text that the fingerprint is made of. No two entities that differ in what counts have the same."""
    match entity:
        case Record():
            members = "".join(
                f"\n{m.name}\t{m.offset}\t{m.size}\t{'' if m.width is None else m.width}\t{spell(m.type)}"
                for m in entity.members
            )
            attributes = " ".join(entity.attributes)
            return f"{entity.tag}\t{entity.key}\t{entity.size}\t{entity.align}\t{attributes}\t{entity.parent}{members}"
        case Enum():
            constants = "".join(f"\n{name}\t{value}" for name, value in entity.constants)
            return f"enum\t{entity.key}\t{entity.size}\t{entity.signed}{constants}"
        case Typedef():
            return f"typedef\t{entity.key}\t{spell(entity.type)}"
        case Variable():
            return "\t".join(
                (
                    "variable",
                    entity.key,
                    entity.name,
                    spell(entity.type),
                    entity.linkage,
                    str(entity.size),
                    str(entity.thread_local),
                    entity.function,
                    str(entity.ordinal),
                    _initialiser_text(entity.initialiser),
                    " ".join(entity.attributes),
                )
            )
        case Function():
            names = (entity.parameters, entity.attributes, entity.references, entity.members, entity.assigned)
            lists = "\n".join(" ".join(each) for each in names)
            head = (entity.key, entity.name, spell(entity.type), entity.linkage, str(entity.inline), entity.body)
            return "function\t" + "\t".join(head) + "\n" + lists
        case Macro():
            return f"macro\t{entity.key}\t{entity.name}\t{entity.text!r}\t{entity.value!r}"
        case _:
            assert_never(entity)


def type_text(ctype: CType) -> str:
    """Return an unambiguous text for a type: each part is closed by a bracket or ends before a separator."""
    match ctype:
        case Primitive(name):
            return name
        case Named(tag, key):
            return f"{tag}<{key}>"
        case Pointer(target):
            return f"*({type_text(target)})"
        case Qualified(qualifiers, target):
            return f"{' '.join(qualifiers)}({type_text(target)})"
        case Array(element, length):
            return f"[{'' if length is None else length}]({type_text(element)})"
        case Vector(element, size):
            return f"vector {size}({type_text(element)})"
        case FunctionType(result, parameters, variadic, prototyped):
            listed = ", ".join(map(type_text, parameters))
            return f"({listed}; {variadic:d}{prototyped:d})->({type_text(result)})"
        case Opaque(text):
            return f"?<{text}>"
        case _:
            assert_never(ctype)


def _initialiser_text(initialiser: Initialiser | None) -> str:
    if initialiser is None:
        return ""
    return f"{initialiser.fingerprint} {initialiser.text!r} {' '.join(initialiser.references)}"
