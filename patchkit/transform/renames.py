"""Whether a new name means what an old one did: only where every use of the one became a use of the other."""

from collections.abc import Sequence

from patchkit.diff.pair import Pair
from patchkit.model.program import Function, Variable
from patchkit.transform.code import Code, Tokens
from patchkit.transform.proposal import Proposal, names, strong, weak


class Renames:
    """Compares the bodies of both versions, use by use."""

    def __init__(self, pair: Pair, old: Code, new: Code) -> None:
        self._pair = pair
        self._old = old
        self._new = new

    def of_member(self, old: str, new: str, evidence: Sequence[str]) -> Proposal:
        """Return whether member `new` continues member `old`."""
        users = self._pair.old_usage.accessors(old)
        proof = self._one_to_one(users, self._pair.new_usage.accessors(new), old, new, members=True)
        return strong(new, proof, *evidence) if proof else weak(new, *evidence)

    def of_variable(self, old: Variable, new: Variable, evidence: Sequence[str]) -> Proposal:
        """Return whether variable `new` continues `old`."""
        users, takers = self._pair.old_usage.mentions(old), self._pair.new_usage.mentions(new)
        if old.function:
            key = old.function if old.function in self._pair.old.functions else f"{old.file}:{old.function}"
            users = [f for f in (self._pair.old.functions.get(key),) if f is not None]
        same = [v.initialiser.fingerprint if v.initialiser is not None else "" for v in (old, new)]
        proof = self._one_to_one(users, takers, old.name, new.name, members=False)
        return strong(new.key, proof, *evidence) if proof and same[0] == same[1] else weak(new.key, *evidence)

    def _one_to_one(
        self, users: Sequence[Function], takers: Sequence[Function], old: str, new: str, *, members: bool
    ) -> str:
        """Return the proof that each use of `old` became one of `new` at its place, empty where that is not so."""
        forward = self._pair.functions.forward
        if not users or not self._pair.old_usage.bodies_seen or not self._pair.new_usage.bodies_seen:
            return ""
        counted = 0
        for user in users:
            after = self._pair.new.functions.get(forward.get(user.key, ""))
            if after is None:
                return ""
            before, behind = self._old.body(user), self._new.body(after)
            if not before or _contexts(before, old, members) != _contexts(behind, new, members):
                return ""
            if old != new and _contexts(behind, old, members) and members:
                return ""
            counted += len(_contexts(before, old, members))
        continued = {forward.get(user.key, "") for user in users}
        if any(taker.key not in continued for taker in takers):
            return ""
        return f"each of the {counted} uses in {names(user.name for user in users)} became one of {new} at its place"


def _contexts(body: Tokens, name: str, members: bool) -> list[tuple[str, str]]:
    """What stands before and behind each use of a name."""
    found = []
    for at, word in enumerate(body):
        reached = at > 0 and body[at - 1] in (".", "->")
        declared = not members and at > 0 and body[at - 1] not in _BEFORE_USE and not reached
        if word == name and reached is members and not declared:
            found.append((body[at - 1] if at else "", body[at + 1] if at + 1 < len(body) else ""))
    return found


# A name behind anything else is being declared.
_BEFORE_USE = frozenset(
    "( , = + - ! & | ~ ? : { } ; [ < > == != <= >= && || += -= *= /= |= &= ^= ++ -- return << >> % /".split()
)
