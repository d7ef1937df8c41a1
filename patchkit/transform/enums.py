"""Integers that hold constants of an enumeration although they are not declared as it: members and variables."""

from collections import defaultdict
from collections.abc import Iterator

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, is_foreign
from patchkit.model.ctype import Named
from patchkit.model.program import Function
from patchkit.transform.code import Code, Tokens, behind, path_before

_STATEMENTS = frozenset(("return", "else", "case", "goto", "do", "sizeof"))
_MEMBER = (".", "->")
_TAKES = frozenset(("=", "==", "!=", "<", ">", "<=", ">=", "|=", "&"))


class Carriers:
    """Looks for integers that code compares with constants of an enumeration, or gives them to."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._usage = pair.old_usage
        self._code = code

    def of(self, key: str) -> dict[str, set[str]]:
        """Return the integer members (`struct object.type`) and variables that hold constants of the enumeration `key`,
        and who says so.
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
                if body[at - 1] not in _MEMBER:
                    subject = "" if _is_local(function, body, body[at]) else self._variable(function, body[at])
                    if subject:
                        found[subject].add(function.name)
                    continue
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

    def _variable(self, function: Function, name: str) -> str:
        """The integer variable that a function means by a name; empty where it means none."""
        for key in (f"{function.file}:{function.name}:{name}", f"{function.file}:{name}", name):
            variable = self._pair.old.variables.get(key)
            if variable is not None:
                scalar = self._types.scalar(variable.type)
                own = not is_foreign(variable.coord) and not variable.thread_local
                return key if own and scalar is not None and scalar.kind is ScalarKind.INTEGER else ""
        return ""

    def _only_owner(self, name: str) -> str:
        """The only record of the program that has a member of that name."""
        owners = [key for key, r in self._pair.old.records.items() if any(m.name == name for m in r.members)]
        return owners[0] if len(owners) == 1 else ""

    def _is_integer(self, key: str, name: str) -> bool:
        record = self._pair.old.records[key]
        member = next((each for each in record.members if each.name == name), None)
        scalar = self._types.scalar(member.type) if member is not None and not is_foreign(record.coord) else None
        return scalar is not None and scalar.kind is ScalarKind.INTEGER


def _is_local(function: Function, body: Tokens, name: str) -> bool:
    """Whether a function has a parameter of that name, or a variable, before whose name a type stands."""
    if name in function.parameters:
        return True
    before = {body[at - 1] for at in range(1, len(body)) if body[at] == name}
    return any(word.isidentifier() and word not in _STATEMENTS for word in before)


def _met(body: Tokens, values: set[str]) -> Iterator[int]:
    """Yield where members or names are assigned or compared with one of `values`, or switched over."""
    for at in range(1, len(body)):
        if not body[at].isidentifier():
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
