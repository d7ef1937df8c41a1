"""Other keys for types in everything that refers to them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar, assert_never, cast

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
from patchkit.model.program import Enum, Function, Record, Typedef, Variable
from patchkit.read.elf.types import Definition

_Object = TypeVar("_Object", Variable, Function)


def freed_keys(kept: Iterable[Definition]) -> dict[str, str]:
    """Return new keys for those that can lose their `@file`, because no type of the program has the plain key."""
    keys = {each.key for each in kept}
    plain: dict[str, str] = {}
    for key in sorted(keys):
        base, at, _ = key.partition("@")
        if at and base not in keys:
            plain.setdefault(base, key)
    return {key: base for base, key in plain.items()}


class Renamer:
    """Replaces keys; what holds none of them stays the same object."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._types: dict[int, CType] = {}
        self._held: list[CType] = []  # keeps the types alive whose identity is a key above

    def definition(self, definition: Definition) -> Definition:
        """Return a definition under its new key."""
        key = self._names.get(definition.key, definition.key)
        match definition:
            case Record():
                members = tuple(replace(each, type=self.type(each.type)) for each in definition.members)
                parent = self._names.get(definition.parent, definition.parent)
                return replace(definition, key=key, members=members, parent=parent)
            case Enum():
                return replace(definition, key=key)
            case Typedef():
                return replace(definition, key=key, type=self.type(definition.type))
            case _:
                assert_never(definition)

    def object(self, entity: _Object) -> _Object:
        """Return a variable or function with the new keys in its type."""
        if isinstance(entity, Function):
            return replace(entity, type=cast(FunctionType, self.type(entity.type)))
        return replace(entity, type=self.type(entity.type))

    def type(self, ctype: CType) -> CType:
        """Return a type with the new keys."""
        known = self._types.get(id(ctype))
        if known is None:
            self._held.append(ctype)
            known = self._types[id(ctype)] = self._rebuilt(ctype)
        return known

    def _rebuilt(self, ctype: CType) -> CType:
        match ctype:
            case Primitive() | Opaque():
                return ctype
            case Named(tag, key):
                return Named(tag, self._names.get(key, key))
            case Pointer(target):
                return Pointer(self.type(target))
            case Array(element, length):
                return Array(self.type(element), length)
            case Vector(element, size):
                return Vector(self.type(element), size)
            case Qualified(qualifiers, target):
                return Qualified(qualifiers, self.type(target))
            case FunctionType(result, parameters, variadic, prototyped):
                return FunctionType(self.type(result), tuple(map(self.type, parameters)), variadic, prototyped)
            case _:
                assert_never(ctype)
