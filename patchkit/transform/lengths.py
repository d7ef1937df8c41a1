"""Pointers that code uses as arrays: how many objects stand where one leads is then no matter of course."""

from collections.abc import Callable, Iterator

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import CType, Named, Pointer
from patchkit.model.program import Function
from patchkit.transform.code import Code, Tokens, places
from patchkit.transform.proposal import Proposal, names, weak

_MOVES = ("[", "++", "+=")  # behind a pointer: there is more than one object


class Lengths:
    """The pointers of the running version's variables and members."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._code = code

    def arrays(self, targets: frozenset[str]) -> Iterator[tuple[str, Proposal]]:
        """Yield the pointers to one of the records `targets` that code indexes or adds to, with who does so."""
        for variable in self._pair.old.variables.values():
            if self._leads_to(variable.type, targets):
                yield from self._used(variable.key, self._pair.old_usage.mentions(variable), variable.name, _words)
        for record in self._pair.old.records.values():
            for member in record.members if not is_foreign(record.coord) else ():
                if member.name and self._leads_to(member.type, targets):
                    users = self._pair.old_usage.accessors(member.name)
                    yield from self._used(f"{record.key}.{member.name}", users, member.name, places)

    def _leads_to(self, ctype: CType, targets: frozenset[str]) -> bool:
        bare = self._types.bare(ctype)
        target = self._types.bare(bare.target) if isinstance(bare, Pointer) else None
        return isinstance(target, Named) and target.key in targets

    def _used(
        self, subject: str, users: list[Function], name: str, find: Callable[[Tokens, str], Iterator[int]]
    ) -> Iterator[tuple[str, Proposal]]:
        found = [
            function for function, body in self._code.look(users) if any(_moves(body, at) for at in find(body, name))
        ]
        if found:
            who = f"{names(function.name for function in found)} uses it as an array"
            yield subject, weak("allocation", who)


def _moves(body: Tokens, at: int) -> bool:
    behind = body[at + 1] if at + 1 < len(body) else ""
    return behind in _MOVES or (behind == "+" and at > 0 and body[at - 1] in ("=", "(", ",", "return"))


def _words(body: Tokens, name: str) -> Iterator[int]:
    """Yield the positions of a variable's name."""
    for at, word in enumerate(body):
        if word == name and (at == 0 or body[at - 1] not in (".", "->")):
            yield at
