"""Two programs seen together: what corresponds in them, and when two types are the same."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from patchkit.diff.correspondence import Table, match_keys
from patchkit.diff.types import Types, named_types
from patchkit.diff.usage import Usage
from patchkit.model.ctype import Array, CType, Function, Named, Opaque, Pointer, Primitive, Qualified, Tag, Vector
from patchkit.model.program import Facet, Program
from patchkit.model.rows import equal_symbols, fingerprints


class Pair:
    """An old and a new program. The tables start with what names alone say; `patchkit.diff.matching` completes them."""

    def __init__(self, old: Program, new: Program) -> None:
        self.old = old
        self.new = new
        self.old_types = Types(old)
        self.new_types = Types(new)
        self.old_usage = Usage(old, self.old_types)
        self.new_usage = Usage(new, self.new_types)
        self.records: Table = match_keys(old.records, new.records)
        self.enums: Table = match_keys(old.enums, new.enums)
        self.typedefs: Table = match_keys(old.typedefs, new.typedefs)
        self.functions: Table = match_keys(old.functions, new.functions)
        self.variables: Table = match_keys(old.variables, new.variables)

    @cached_property
    def built_otherwise(self) -> bool:
        """Whether some unit of both versions was compiled with other flags or by another compiler."""
        before = {unit.source: (unit.flags, unit.compiler) for unit in self.old.units}
        return any(before.get(u.source, (u.flags, u.compiler)) != (u.flags, u.compiler) for u in self.new.units)

    @cached_property
    def equal_functions(self) -> frozenset[str]:
        """The keys of the functions that are equal on both sides to the last token, in the same file and units."""
        return equal_symbols(self.old.functions, self.new.functions)

    @cached_property
    def equal_variables(self) -> frozenset[str]:
        """The keys of the variables that are equal on both sides, in the same file and in the same units."""
        return equal_symbols(self.old.variables, self.new.variables)

    def sees(self, facet: Facet) -> bool:
        """Whether both sides were read by something that can see `facet`."""
        return facet not in self.old.unseen and facet not in self.new.unseen

    def same(self, old: CType, new: CType) -> bool:
        """Whether two types are the same once typedefs are resolved and matched names count as one."""
        old, new = self.old_types.resolve(old), self.new_types.resolve(new)
        match old, new:
            case Named(), Named():
                return self._corresponds(old, new)
            case Primitive(), Primitive():
                return old.name == new.name
            case Pointer(), Pointer():
                return self.same(old.target, new.target)
            case Array(), Array():
                return (old.length or 0) == (new.length or 0) and self.same(old.element, new.element)
            case Qualified(), Qualified():
                return _weight(old) == _weight(new) and self.same(old.target, new.target)
            case Qualified(("restrict",)), _:
                return self.same(old.target, new)
            case _, Qualified(("restrict",)):
                return self.same(old, new.target)
            case Function(), Function():
                return self._same_function(old, new)
            case Vector(), Vector():
                return old.size == new.size and self.same(old.element, new.element)
            case Opaque(), Opaque():
                return old.text == new.text
            case _:
                return False

    def _same_function(self, old: Function, new: Function) -> bool:
        # `int f()` and `int f(void)` are compatible and are called alike (C11 6.7.6.3p15).
        return (
            old.variadic == new.variadic
            and len(old.parameters) == len(new.parameters)
            and self.same(old.result, new.result)
            and all(self.same(one, other) for one, other in zip(old.parameters, new.parameters, strict=True))
        )

    def _corresponds(self, old: Named, new: Named) -> bool:
        if old.tag is Tag.ENUM or new.tag is Tag.ENUM:
            if old.tag is not new.tag:
                return False
            return self._same_key(self.enums, old.key, new.key, old.key in self.old.enums, new.key in self.new.enums)
        if old.tag is Tag.TYPEDEF or new.tag is Tag.TYPEDEF:
            return old == new
        before, after = self.old.records.get(old.key), self.new.records.get(new.key)
        if before is not None and after is not None and (before.parent or after.parent):
            # An unnamed aggregate has no identity of its own: its members are compared where it stands.
            return before.tag is after.tag
        return self._same_key(self.records, old.key, new.key, before is not None, after is not None)

    @staticmethod
    def _same_key(table: Table, old: str, new: str, old_defined: bool, new_defined: bool) -> bool:
        if old_defined and new_defined:
            return table.forward.get(old) == new
        return old == new

    @cached_property
    def shifting(self) -> frozenset[str]:
        """Old keys of types that an unchanged spelling may hide a change behind.

        Typedefs whose meaning changed, and names that now mean another thing than before.
        """
        names = {key for table in (self.records, self.enums) for key in table.notable}
        names |= {match.new for table in (self.records, self.enums) for match in table.notable.values()}
        changed: dict[str, bool] = {}
        pairs = self.typedefs.forward.items() if names else altered(self.typedefs, self.old.typedefs, self.new.typedefs)
        for key, other in pairs:
            if not self.same(self.old.typedefs[key].type, self.new.typedefs[other].type):
                changed[key] = True
        if changed:
            self._spread(changed)
        return frozenset(names | changed.keys())

    def _spread(self, changed: dict[str, bool]) -> None:
        """Add the typedefs that stand for one of `changed`."""
        users: dict[str, list[str]] = {}
        for key, typedef in self.old.typedefs.items():
            for named in named_types(typedef.type):
                users.setdefault(named.key, []).append(key)
        waiting = list(changed)
        while waiting:
            for user in users.get(waiting.pop(), ()):
                if user not in changed:
                    changed[user] = True
                    waiting.append(user)

    def shifts(self, ctype: CType) -> bool:
        """Whether `ctype` of the old version spells a name whose meaning may have changed."""
        return bool(self.shifting) and any(named.key in self.shifting for named in named_types(ctype))


def altered(table: Table, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the matched keys of two mappings of a program whose fingerprints do not vouch that the things are equal."""
    ours, theirs = fingerprints(old), fingerprints(new)
    for key, other in table.forward.items():
        if not ours[key] or ours[key] != theirs[other] or key in table.notable:
            yield key, other


def _weight(ctype: Qualified) -> tuple[str, ...]:
    return tuple(word for word in ctype.qualifiers if word != "restrict")
