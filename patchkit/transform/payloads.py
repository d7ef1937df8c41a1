"""What untyped pointers lead to, read off what the running version's code stores in them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import VOID, CType, Pointer
from patchkit.model.program import Function, Member, Record, Variable
from patchkit.transform.code import Code, Store, constant
from patchkit.transform.proposal import Proposal, names, strong, weak


@dataclass(slots=True)
class Stored:
    """What code puts into an untyped pointer: records by key with who does so, and what could not be told."""

    records: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unknown: set[str] = field(default_factory=set)
    followed: set[tuple[str, int]] = field(default_factory=set)  # parameters whose arguments were looked at


class Payloads:
    """The untyped pointers of the running version's records."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._usage = pair.old_usage
        self._code = code

    def untyped(self) -> Iterator[tuple[Record, Member]]:
        """Yield the untyped pointers of the program's own records, with the record in which each is declared."""
        for record in self._pair.old.records.values():
            if is_foreign(record.coord):
                continue
            for member in record.members:
                bare = self._types.bare(member.type)
                if member.name and isinstance(bare, Pointer) and self._types.bare(bare.target) == VOID:
                    yield record, member

    def proposals(
        self, wanted: frozenset[str], found_from_birth: Callable[[str], str]
    ) -> Iterator[tuple[str, tuple[str, ...], Proposal]]:
        """Yield the untyped pointers that lead to one of the `wanted` records: subject, what it may be, proposal.

        `found_from_birth` says how all objects of a record are found otherwise, empty where that is not known: then
        nothing has to be followed, for a pointer to what moves is led along in any case.
        """
        for record, member in self.untyped():
            stored = self._stored(record.key, member.name)
            kept = {key: who for key, who in stored.records.items() if key in wanted}
            if kept:
                others = [found_from_birth(key) for key in kept]
                proposal = _judge(stored, kept)
                if all(others) and not stored.unknown:
                    proposal = strong("-", *others)
                yield f"{record.key}.{member.name}", (*sorted(stored.records), "-"), proposal

    @cached_property
    def _bearers(self) -> Mapping[str, set[str]]:
        """The records that have a member, by its name."""
        found: dict[str, set[str]] = defaultdict(set)
        for record in self._pair.old.records.values():
            for member in record.members:
                found[member.name].add(record.key)
        return found

    def _stored(self, owner: str, name: str) -> Stored:
        found = Stored()
        users = self._usage.accessors(name)
        if not self._code.seen(users):
            found.unknown.add("a function whose body was not read")
        alone = len(self._bearers[name]) == 1
        for function, body in self._code.look(users):
            known = self._code.declared(function, body)
            for store in self._code.stores(name, (function,)):
                whose = owner if alone else self._code.owner(function, store.path[:-1], known)
                if store.operator == "=" and whose in (owner, ""):
                    self._note(found, store, function, known)
        return found

    def _note(self, found: Stored, store: Store, function: Function, known: Mapping[str, CType]) -> None:
        self._note_value(found, store.value.split(), function, known)

    def _note_value(self, found: Stored, words: list[str], function: Function, known: Mapping[str, CType]) -> None:
        if constant(" ".join(words)) is not None:
            return
        if len(words) == 1 and self._is_untyped(function, words[0]):
            self._handed(found, function, function.parameters.index(words[0]))
            return
        key = self._key(words, known, function)
        if key:
            found.records[key].add(function.name)
        else:
            found.unknown.add(function.name)

    def _is_untyped(self, function: Function, value: str) -> bool:
        if value not in function.parameters:
            return False
        bare = self._types.bare(function.type.parameters[function.parameters.index(value)])
        return isinstance(bare, Pointer) and self._types.bare(bare.target) == VOID

    def _handed(self, found: Stored, function: Function, position: int) -> None:
        """What callers hand to a function that keeps a parameter."""
        if (function.key, position) in found.followed:
            return
        found.followed.add((function.key, position))
        callers = self._usage.mentions(function)
        if self._usage.is_stored(function) or not self._code.seen(callers):
            found.unknown.add(f"callers of {function.name}")
        for caller, body in self._code.look(callers):
            known = self._code.declared(caller, body)
            for call in self._code.calls((caller,)):
                if call.name == function.name and position < len(call.arguments):
                    self._note_value(found, call.arguments[position].split(), caller, known)

    def _key(self, words: list[str], known: Mapping[str, CType], function: Function) -> str:
        """Return the key of the record whose address an expression is: a name of that type, `& name`, a call."""
        if len(words) == 1:
            variable = self._variable(words[0], function)
            bare = self._types.bare(variable.type) if variable is not None else None
            ctype = known.get(words[0]) or (bare.target if isinstance(bare, Pointer) else None)
            return self._code.record_key(ctype)
        if words[:1] == ["&"] and len(words) > 1 and (len(words) == 2 or words[2] == "[") and "." not in words:
            variable = self._variable(words[1], function)
            return self._code.record_key(self._types.element(variable.type)) if variable is not None else ""
        if len(words) > 2 and words[1] == "(" and words[-1] == ")":
            functions = self._pair.old.functions
            called = functions.get(f"{function.file}:{words[0]}") or functions.get(words[0])
            bare = self._types.bare(called.type.result) if called is not None else None
            return self._code.record_key(bare.target) if isinstance(bare, Pointer) else ""
        return ""

    def _variable(self, name: str, function: Function) -> Variable | None:
        variables = self._pair.old.variables
        return variables.get(f"{function.file}:{name}") or variables.get(name)


def _judge(stored: Stored, kept: Mapping[str, set[str]]) -> Proposal:
    keys = sorted(kept)
    said = tuple(f"{key} is kept there by {names(who)}" for key, who in sorted(stored.records.items()))
    if len(stored.records) == 1 and not stored.unknown:
        return strong(keys[0], f"{said[0]}, and nothing else is kept there")
    unknown = (f"not to be told is what is kept there by {names(stored.unknown)}",) if stored.unknown else ()
    return weak(keys[0] if len(stored.records) == 1 else "", *said, *unknown)
