"""Integer members that hold constants of an enumeration although they are not declared as it."""

from collections import defaultdict
from collections.abc import Iterator

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, is_foreign
from patchkit.model.ctype import Named
from patchkit.model.program import Function
from patchkit.transform.code import Code, Tokens, behind, path_before

_TAKES = frozenset(("=", "==", "!=", "<", ">", "<=", ">=", "|=", "&"))


class Carriers:
    """Looks for members that code compares with constants of an enumeration, or gives them to."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._usage = pair.old_usage
        self._code = code

    def of(self, key: str) -> dict[str, set[str]]:
        """Return the integer members (`struct object.type`) that hold constants of the enumeration `key`, and who
        says so.
        """
        constants = {name for name, _ in self._pair.old.enums[key].constants}
        users = {f.key: f for name in constants for f in self._usage.naming(name)}
        for function in self._pair.old.functions.values():
            cores = (self._types.bare(each) for each in function.type.parameters)
            if any(isinstance(core, Named) and core.key == key for core in cores):
                users[function.key] = function
        found: dict[str, set[str]] = defaultdict(set)
        for function, body in self._code.look(users.values()):
            values = constants | self._parameters(function, key)
            known = self._code.declared(function, body)
            for at in _met(body, values):
                owner = self._code.owner(function, path_before(body, at), known) or self._only_owner(body[at])
                if owner and self._is_integer(owner, body[at]):
                    found[f"{owner}.{body[at]}"].add(function.name)
        return dict(found)

    def _parameters(self, function: Function, key: str) -> set[str]:
        found = set()
        for name, ctype in zip(function.parameters, function.type.parameters, strict=False):
            bare = self._types.bare(ctype)
            if isinstance(bare, Named) and bare.key == key:
                found.add(name)
        return found

    def _only_owner(self, name: str) -> str:
        """The only record of the program that has a member of that name."""
        owners = [key for key, r in self._pair.old.records.items() if any(m.name == name for m in r.members)]
        return owners[0] if len(owners) == 1 else ""

    def _is_integer(self, key: str, name: str) -> bool:
        record = self._pair.old.records[key]
        member = next((each for each in record.members if each.name == name), None)
        scalar = self._types.scalar(member.type) if member is not None and not is_foreign(record.coord) else None
        return scalar is not None and scalar.kind is ScalarKind.INTEGER


def _met(body: Tokens, values: set[str]) -> Iterator[int]:
    """Yield where members are assigned or compared with one of `values`, or switched over."""
    for at in range(1, len(body)):
        if body[at - 1] not in (".", "->"):
            continue
        end = behind(body, at)
        compared = end + 1 < len(body) and body[end] in _TAKES and body[end + 1] in values
        if compared or (body[end : end + 2] == (")", "{") and _cases(body, end + 1) & values):
            yield at


def _cases(body: Tokens, opening: int) -> set[str]:
    depth, found = 0, set()
    for at in range(opening, len(body)):
        depth += {"{": 1, "}": -1}.get(body[at], 0)
        if not depth:
            break
        if body[at] == "case" and depth == 1 and at + 1 < len(body):
            found.add(body[at + 1])
    return found
