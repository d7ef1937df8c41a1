"""The names that types go under, those of unnamed ones included: see `Named` in the model for the rules.

A type that a function declares names the function: `struct f().tag`, `struct <f().x>`.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from patchkit.read.elf import dwarf
from patchkit.read.elf.enclosing import function_around, function_name, types_in_functions
from patchkit.read.elf.unit import Entry, Unit

_WORDS = {dwarf.TAG_STRUCT: "struct", dwarf.TAG_UNION: "union", dwarf.TAG_ENUM: "enum"}
_DEEPEST = 100  # unnamed types inside one another
_MOST_LEAVES = 64  # unnamed types that one function type may use
# Which user of an unnamed type names it: of several the first kind in this order, then the first that was read.
_TYPEDEF, _MEMBER, _OTHER = range(3)
_STRAIGHT = frozenset({dwarf.TAG_POINTER, dwarf.TAG_ARRAY, *dwarf.QUALIFIER_TAGS})


class Keys:
    """Keys of types by the offset of their entry.

    `lookup` finds entries, None where there is none. In a file whose units are `shared` a type may be used by another
    unit than the one that holds it.
    """

    def __init__(self, lookup: Callable[[int], Entry | None], *, shared: bool) -> None:
        self._lookup = lookup
        self._shared = shared
        self._users: dict[int, tuple[int, Entry | None, str]] = {}
        self._scopes: dict[int, str] = {}
        self._leaves: dict[int, tuple[tuple[int, str], ...]] = {}

    def add(self, unit: Unit) -> None:
        """Note who uses which unnamed type in `unit`."""
        entries = unit.entries
        for entry, function in types_in_functions(unit):
            scope = function_name(function, self._lookup) or function_around(entry)
            self._scopes[entry.offset] = f"{scope}()."
        nameless = (entry.tag in _WORDS and dwarf.AT_NAME not in entry.attributes for entry in entries.values())
        if not self._shared and not any(nameless):
            return
        self._leaves.clear()
        for entry in entries.values():
            tag = entry.tag
            if tag == dwarf.TAG_TYPEDEF:
                self._typedef(entry)
            elif tag in dwarf.RECORD_TAGS:
                self._record(entry)
            elif tag in (dwarf.TAG_VARIABLE, dwarf.TAG_SUBPROGRAM):
                self._object(entry)

    def key(self, entry: Entry) -> str:
        """Return the key of a record, enumeration or typedef."""
        return self._key(entry, 0)

    def used(self, entry: Entry) -> bool:
        """Whether the type has a name of its own or a user that names it."""
        return dwarf.AT_NAME in entry.attributes or entry.tag == dwarf.TAG_ENUM or entry.offset in self._users

    def by_typedef(self, entry: Entry) -> bool:
        """Whether an unnamed type is called after a typedef."""
        return self._users.get(entry.offset, (_OTHER,))[0] == _TYPEDEF

    def adopt(self, offset: int, name: str) -> None:
        """Call the unnamed type at `offset` after the typedef `name`."""
        self._users[offset] = _TYPEDEF, None, name

    def parent(self, entry: Entry) -> Entry | None:
        """Return the record that an unnamed record is part of, None where it is part of none."""
        if dwarf.AT_NAME in entry.attributes or entry.tag not in dwarf.RECORD_TAGS:
            return None
        rank, outer, _ = self._users.get(entry.offset, (_OTHER, None, ""))
        return outer if rank == _MEMBER else None

    def _key(self, entry: Entry, depth: int) -> str:
        if entry.tag == dwarf.TAG_TYPEDEF:
            return entry.name
        word, scope = _WORDS[entry.tag], self._scopes.get(entry.offset, "")
        if dwarf.AT_NAME in entry.attributes:
            return f"{word} {scope}{entry.name}"
        rank, outer, text = self._users.get(entry.offset, (_OTHER, None, ""))
        if rank == _TYPEDEF:
            return f"{word} {scope}{text}"
        if entry.tag == dwarf.TAG_ENUM:
            first = next((child.name for child in entry.children if child.tag == dwarf.TAG_ENUMERATOR), "")
            return f"enum {{{first}}}"
        if outer is not None:
            outside = self._key(outer, depth + 1) if depth < _DEEPEST else "struct ..."
            return f"{word} {outside.split(' ', 1)[1]}.{text}"
        return f"{word} <{scope}{text or 'unnamed'}>"

    def _use(self, offset: int, rank: int, outer: Entry | None, text: str) -> None:
        if rank < self._users.get(offset, (_OTHER + 1,))[0]:
            self._users[offset] = rank, outer, text

    def _typedef(self, entry: Entry) -> None:
        offset = entry.reference(dwarf.AT_TYPE)
        target = self._lookup(offset) if offset is not None else None
        for _ in dwarf.QUALIFIER_TAGS:
            if target is None or target.tag not in dwarf.QUALIFIER_TAGS:
                break
            inner = target.reference(dwarf.AT_TYPE)
            target = self._lookup(inner) if inner is not None else None
        if target is not None and target.tag in _WORDS:
            if dwarf.AT_NAME not in target.attributes:
                self._use(target.offset, _TYPEDEF, None, entry.name)
            return
        for leaf, suffix in self._unnamed(offset):
            self._use(leaf, _OTHER, None, entry.name + suffix)

    def _record(self, entry: Entry) -> None:
        nameless = 0
        for member in entry.children:
            if member.tag != dwarf.TAG_MEMBER:
                continue
            name = member.name
            if not name:
                name = f"#{nameless}"
                nameless += 1
            for leaf, suffix in self._unnamed(member.reference(dwarf.AT_TYPE)):
                self._use(leaf, _MEMBER, entry, name + suffix)

    def _object(self, entry: Entry) -> None:
        """A variable or function."""
        name = entry.name
        if not name:
            return
        for leaf, suffix in self._unnamed(entry.reference(dwarf.AT_TYPE)):
            self._use(leaf, _OTHER, None, name + suffix)
        for child in entry.children if entry.tag == dwarf.TAG_SUBPROGRAM else ():
            if child.tag == dwarf.TAG_PARAMETER:
                for leaf, suffix in self._unnamed(child.reference(dwarf.AT_TYPE)):
                    self._use(leaf, _OTHER, None, f"{name}.{child.name}{suffix}")

    def _unnamed(self, offset: int | None) -> tuple[tuple[int, str], ...]:
        """Return the unnamed records that a type is made of, each with what distinguishes it there."""
        if offset is None:
            return ()
        found = self._leaves.get(offset)
        if found is None:
            self._leaves[offset] = ()  # what refers back to itself adds nothing
            found = self._leaves[offset] = tuple(islice(self._walk(offset), _MOST_LEAVES))
        return found

    def _walk(self, offset: int) -> Iterator[tuple[int, str]]:
        for _ in range(_DEEPEST):
            entry = self._lookup(offset)
            if entry is None:
                return
            if entry.tag == dwarf.TAG_SUBROUTINE:
                yield from self._unnamed(entry.reference(dwarf.AT_TYPE))
                for child in entry.children:
                    if child.tag == dwarf.TAG_PARAMETER:
                        for leaf, suffix in self._unnamed(child.reference(dwarf.AT_TYPE)):
                            yield leaf, f".{suffix}"
                return
            if entry.tag not in _STRAIGHT:
                if entry.tag in dwarf.RECORD_TAGS and dwarf.AT_NAME not in entry.attributes:
                    yield offset, ""
                return
            inner = entry.reference(dwarf.AT_TYPE)
            if inner is None:
                return
            offset = inner
