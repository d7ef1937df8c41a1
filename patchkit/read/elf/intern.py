"""Types as values that are equal exactly where they are the same object, so that comparing them costs nothing."""

from typing import cast

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
    unqualified,
)
from patchkit.read.elf.failure import Malformed

_HEAVIEST = 20_000  # parts of one type written out; larger ones are made to take time and memory, not written
_DEEPEST = 200


class Interner:
    """Makes types, and refuses those that are small in a file and huge written out."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], CType] = {}
        self._weights: dict[int, tuple[int, int]] = {}
        self.void = self.primitive("void")

    def _make(self, key: tuple[object, ...], made: CType, *parts: CType) -> CType:
        known = self._weights
        weight = 1 + sum(known[id(part)][0] for part in parts)
        depth = 1 + max((known[id(part)][1] for part in parts), default=0)
        if weight > _HEAVIEST or depth > _DEEPEST:
            raise Malformed("a type has more parts than any that is written by hand")
        self._known[key] = made
        known[id(made)] = weight, depth
        return made

    def primitive(self, name: str) -> CType:
        """Return the basic type `name`."""
        key = (Primitive, name)
        return self._known.get(key) or self._make(key, Primitive(name))

    def opaque(self, text: str) -> CType:
        """Return the type that only the compiler knows as `text`."""
        key = (Opaque, text)
        return self._known.get(key) or self._make(key, Opaque(text))

    def named(self, tag: Tag, name: str) -> CType:
        """Return a reference to a record, enumeration or typedef."""
        key = (tag, name)
        return self._known.get(key) or self._make(key, Named(tag, name))

    def pointer(self, target: CType) -> CType:
        """Return a pointer to `target`."""
        key = (Pointer, id(target))
        return self._known.get(key) or self._make(key, Pointer(target), target)

    def array(self, element: CType, length: int | None) -> CType:
        """Return an array of `length` elements."""
        key = (Array, id(element), length)
        return self._known.get(key) or self._make(key, Array(element, length), element)

    def vector(self, element: CType, size: int) -> CType:
        """Return a vector of `size` bytes."""
        key = (Vector, id(element), size)
        return self._known.get(key) or self._make(key, Vector(element, size), element)

    def qualified(self, target: CType, qualifier: str) -> CType:
        """Return `target` with `qualifier` added; an array's goes to its element."""
        if isinstance(target, Array):
            return self.array(self.qualified(target.element, qualifier), target.length)
        words: tuple[str, ...] = (qualifier,)
        if isinstance(target, Qualified):
            words, target = tuple(sorted({*target.qualifiers, qualifier})), target.target
        key = (Qualified, words, id(target))
        return self._known.get(key) or self._make(key, Qualified(words, target), target)

    def function(self, result: CType, parameters: list[CType], variadic: bool, prototyped: bool) -> Function:
        """Return a function type, its parameters and result adjusted as C17 6.7.6.3p5,7,8,15 do."""
        result = unqualified(result)
        adjusted = tuple(self._parameter(parameter) for parameter in parameters)
        key = (Function, id(result), tuple(map(id, adjusted)), variadic, prototyped)
        known = self._known.get(key)
        made = known or self._make(key, Function(result, adjusted, variadic, prototyped), result, *adjusted)
        return cast(Function, made)

    def _parameter(self, ctype: CType) -> CType:
        match ctype:
            case Qualified(_, target):
                return self._parameter(target)
            case Array(element):
                return self.pointer(element)
            case Function():
                return self.pointer(ctype)
            case _:
                return ctype
