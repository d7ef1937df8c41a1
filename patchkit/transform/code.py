"""What chosen functions of one version do with members and types, read off their tokens.

Nothing is parsed: tokens of preprocessed bodies, as the compiler read them, are matched. What is found is evidence for
a proposal; what is not found proves nothing unless `Code.seen` says that all bodies were there to look at.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchkit.diff.types import Types
from patchkit.diff.usage import Usage
from patchkit.model.ctype import CType, Named, Pointer
from patchkit.model.program import Function, Program

Tokens = Sequence[str]
Fetch = Callable[[Iterable[Function]], Mapping[str, Tokens]]
_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|\d+)[uUlL]*|[-+]?\d+\.\d*[fF]?")
_CHARACTER = re.compile(r"'(?:[^'\\]|\\.)'")
_STEPS = ("++", "--")
_ASSIGNS = frozenset("= += -= *= /= %= &= |= ^= <<= >>=".split())
_OPEN = {"(": ")", "[": "]", "{": "}"}
_ALLOCATES = re.compile(r"(?i:alloc|zero|new|create|get|make)")
_ZERO = re.compile(r"0[xX]?0*[uUlL]*|0\.0*[fF]?|NULL|false|'\\0'")


@dataclass(frozen=True, slots=True)
class Store:
    """A value that a function gives to a member: `operator` is `=`, another assignment, a step, or `&` where its
    address is passed on. `path` are the tokens in front of the member, without indices. `depth` is how many
    blocks it is in, one more where it follows a condition without a block of its own.
    """

    function: Function
    operator: str
    value: str
    path: tuple[str, ...] = ()
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `name` with its arguments, each a text of tokens; `depth` is how many blocks it is in."""

    function: Function
    name: str
    arguments: tuple[str, ...]
    depth: int = 1


def constant(text: str) -> str | None:
    """Return the constant that an expression of tokens spells out, without casts and parentheses; else None."""
    words = text.split()
    while len(words) >= 3 and words[0] == "(" and _closing(words, 0) == len(words) - 1:
        words = words[1:-1]
    if words[:1] == ["("] and len(words) > 2:  # a cast in front of a constant
        end = _closing(words, 0)
        inner = words[1:end]
        if 0 < end < len(words) - 1 and all(re.fullmatch(r"[A-Za-z_]\w*|\*", word) for word in inner):
            return (
                "NULL" if inner == ["void", "*"] and words[end + 1 :] == ["0"] else constant(" ".join(words[end + 1 :]))
            )
    joined = "".join(words)
    if joined in ("NULL", "true", "false", "nullptr") or _NUMBER.fullmatch(joined) or _CHARACTER.fullmatch(joined):
        return joined
    return None


def is_zero(value: str) -> bool:
    """Whether a constant is 0, NULL or false."""
    return bool(_ZERO.fullmatch(value))


def no_bodies(functions: Iterable[Function]) -> Mapping[str, Tokens]:
    """Give no body of `functions`: for versions that were read from something that holds none."""
    del functions
    return {}


class Code:
    """The bodies of functions of one program; `fetch` gives the tokens of those asked for, by key, as far as it can."""

    def __init__(self, program: Program, types: Types, usage: Usage, fetch: Fetch) -> None:
        self.program = program
        self.types = types
        self.usage = usage
        self._fetch = fetch
        self._bodies: dict[str, Tokens] = {}
        self._asked: set[str] = set()
        self._makers: dict[str, list[Call]] = {}

    def look(self, functions: Iterable[Function]) -> list[tuple[Function, Tokens]]:
        """Return those of `functions` whose bodies can be had, with these."""
        functions = list(functions)
        missing = [function for function in functions if function.key not in self._asked]
        if missing:
            self._asked.update(function.key for function in missing)
            self._bodies.update(self._fetch(missing))
        return [(each, self._bodies[each.key]) for each in functions if each.key in self._bodies]

    def body(self, function: Function) -> Tokens:
        """Return the tokens of a body, none where it cannot be had."""
        self.look((function,))
        return self._bodies.get(function.key, ())

    def seen(self, functions: Iterable[Function]) -> bool:
        """Whether the bodies of all these functions can be had."""
        functions = list(functions)
        return len(self.look(functions)) == len(functions)

    # -- members

    def stores(self, member: str, functions: Iterable[Function]) -> list[Store]:
        """Return what `functions` store in members of that name, of whatever record; designated initialisers too."""
        found = []
        for function, body in self.look(functions):
            for at in places(body, member):
                store = _store(function, body, at)
                if store is not None:
                    found.append(store)
        return found

    def writes(self, key: str, member: str) -> bool | None:
        """Whether any function assigns, steps or takes the address of a member of record `key`; None where unknown."""
        users = self.usage.accessors(member)
        if not self.usage.bodies_seen or not self.seen(users):
            return None
        for function, body in self.look(users):
            written = [at for at in places(body, member) if _is_written(body, at)]
            known = self.declared(function, body) if written else {}
            if any(self.owner(function, path_before(body, at), known) in (key, "") for at in written):
                return True
        return False

    # -- names of variables

    def declared(self, function: Function, body: Tokens) -> dict[str, CType]:
        """Return the types that local names and parameters point at, by name: those written `struct x *name`."""
        found: dict[str, CType] = {}
        for name, ctype in zip(function.parameters, function.type.parameters, strict=False):
            bare = self.types.bare(ctype)
            if isinstance(bare, Pointer):
                found[name] = bare.target
        for at, word in enumerate(body):
            if word == "*" and at + 2 < len(body) and body[at + 2] in ("=", ";", ",", ")") and at >= 1:
                target = self._type_before(body, at)
                if target is not None:
                    found[body[at + 1]] = target
        return found

    def _type_before(self, body: Tokens, at: int) -> CType | None:
        """The type whose name ends in front of position `at`."""
        end = at - 1
        while end > 0 and body[end] == "const":
            end -= 1
        word = body[end]
        if end > 0 and body[end - 1] in ("struct", "union"):
            return self._named(f"{body[end - 1]} {word}")
        typedef = self.program.typedefs.get(word)
        return typedef.type if typedef is not None else None

    def _named(self, key: str) -> CType | None:
        record = self.program.records.get(key)
        return Named(record.tag, key) if record is not None else None

    def record_key(self, ctype: CType | None) -> str:
        """Return the key of the record that `ctype` is, empty for anything else."""
        bare = self.types.bare(ctype) if ctype is not None else None
        return bare.key if isinstance(bare, Named) and bare.key in self.program.records else ""

    def owner(self, function: Function, path: Sequence[str], known: Mapping[str, CType]) -> str:
        """Return the key of the record that a path such as `server .` or `client -> timer .` leads into.

        `known` are the names that `function` declares; empty where what the path begins with is not known.
        """
        if not path:
            return ""
        variable = self.program.variables.get(path[0]) or self.program.variables.get(f"{function.file}:{path[0]}")
        ctype = known.get(path[0]) or (variable.type if variable is not None else None)
        for name in path[2::2]:
            record = self.types.record(self._target(ctype)) if ctype is not None else None
            member = next((m for m in record.members if m.name == name), None) if record is not None else None
            ctype = member.type if member is not None else None
        return self.record_key(self._target(ctype)) if ctype is not None else ""

    def _target(self, ctype: CType) -> CType:
        bare = self.types.element(ctype)
        return bare.target if isinstance(bare, Pointer) else bare

    # -- calls, casts and offsets

    def calls(self, functions: Iterable[Function]) -> Iterator[Call]:
        """Yield all calls by name in `functions`."""
        for function, body in self.look(functions):
            yield from calls_in(function, body)

    def offsets(self, functions: Iterable[Function]) -> dict[tuple[str, str], list[str]]:
        """Return the members, by record, that objects are found from by subtracting an offset, and who does so.

        That is what `container_of` and its like become once macros are expanded.
        """
        found: dict[tuple[str, str], list[str]] = {}
        for function, body in self.look(functions):
            for at, word in enumerate(body):
                if word in ("__builtin_offsetof", "offsetof") and at > 0 and _is_subtracted(body, at):
                    words = list(body[at + 2 : _closing(body, at + 1)])
                    comma = words.index(",") if "," in words else 0
                    key = self._key_of(words[:comma])
                    if key:
                        found.setdefault((key, "".join(words[comma + 1 :])), []).append(function.name)
        return found

    def makers(self, key: str) -> list[Call]:
        """Return the calls that allocate objects of the record `key`: their arguments ask for its size."""
        if key not in self._makers:
            found = []
            for function, body in self.look(self.usage.naming_type(key)):
                known = self.declared(function, body)
                for call in self.calls((function,)):
                    allocates = _ALLOCATES.search(call.name) and call.name != "sizeof"
                    if allocates and any(self.sized(each, known) == key for each in call.arguments):
                        found.append(call)
            self._makers[key] = found
        return self._makers[key]

    def _key_of(self, words: Sequence[str]) -> str:
        if len(words) == 2 and words[0] in ("struct", "union"):
            return " ".join(words) if " ".join(words) in self.program.records else ""
        typedef = self.program.typedefs.get(words[0]) if len(words) == 1 else None
        return self.record_key(typedef.type) if typedef is not None else ""

    def sized(self, text: str, names: Mapping[str, CType]) -> str:
        """Return the key of the record whose size an argument asks for (`sizeof ( struct x )`, `sizeof ( * x )`)."""
        match = re.search(r"\bsizeof \( ((?:struct|union) \w+|\w+) \)|\bsizeof \(? ?\* (\w+)", text)
        if match is None:
            return ""
        if match.group(2):
            return self.record_key(names.get(match.group(2)))
        return self._key_of(match.group(1).split()) or self.record_key(names.get(match.group(1)))


def calls_in(function: Function, body: Tokens) -> Iterator[Call]:
    """Yield the calls by name in a body, inner ones too."""
    for at, word in enumerate(body):
        if word == "(" and at > 0 and re.fullmatch(r"[A-Za-z_]\w*", body[at - 1]):
            end = _closing(body, at)
            if end > 0:
                yield Call(function, body[at - 1], tuple(_arguments(body[at + 1 : end])), _depth(body, at))


def _arguments(words: Tokens) -> Iterator[str]:
    depth, start = 0, 0
    for at, word in enumerate(words):
        depth += (word in _OPEN) - (word in _OPEN.values())
        if word == "," and not depth:
            yield " ".join(words[start:at])
            start = at + 1
    if words:
        yield " ".join(words[start:])


def _closing(words: Tokens, opening: int) -> int:
    """Return where the bracket at `opening` is closed, -1 if nowhere."""
    depth = 0
    for at in range(opening, len(words)):
        depth += (words[at] in _OPEN) - (words[at] in _OPEN.values())
        if not depth:
            return at
    return -1


def places(body: Tokens, member: str) -> Iterator[int]:
    """Yield the positions of `.member` and `->member`."""
    for at, word in enumerate(body):
        if word == member and at > 0 and body[at - 1] in (".", "->"):
            yield at


def behind(body: Tokens, at: int) -> int:
    """Return the position behind the member at `at` and the indices that follow it."""
    at += 1
    while at < len(body) and body[at] == "[":
        at = _closing(body, at) + 1 or len(body)
    return at


def _store(function: Function, body: Tokens, at: int) -> Store | None:
    end = behind(body, at)
    operator = body[end] if end < len(body) else ""
    before, path = _path(body, at)
    depth = _depth(body, at) + (before in (")", "else"))
    if operator in _STEPS or before in _STEPS:
        return Store(function, operator if operator in _STEPS else before, "", path, depth)
    if operator not in _ASSIGNS:
        return Store(function, "&", "", path, depth) if before == "&" and operator in (",", ")") else None
    stop, inside = end + 1, 0
    while stop < len(body) and (inside or body[stop] not in (";", ",", "}", ")")):
        inside += (body[stop] in _OPEN) - (body[stop] in _OPEN.values())
        stop += 1
    value = body[end + 1 : stop]
    if operator == "=" and "=" in value:  # a = b = 0
        value = value[len(value) - list(reversed(value)).index("=") :]
    return Store(function, operator, " ".join(value), path, depth)


def _depth(body: Tokens, at: int) -> int:
    """Return how many blocks the token at `at` is in."""
    before = body[:at]
    return before.count("{") - before.count("}")


def path_before(body: Tokens, at: int) -> tuple[str, ...]:
    """Return the path in front of the member at `at`, without indices and the last joint: of `a.b[1]->c` `a . b`."""
    return _path(body, at)[1][:-1]


def _path(body: Tokens, at: int) -> tuple[str, tuple[str, ...]]:
    """Return the token in front of the path that ends in the member at `at`, and the path without the member."""
    path: list[str] = []
    while at > 1 and body[at - 1] in (".", "->"):
        path.insert(0, body[at - 1])
        at -= 2
        while at > 0 and body[at] == "]":
            depth = 0
            while at > 0:
                depth += (body[at] == "]") - (body[at] == "[")
                at -= 1
                if not depth:
                    break
        path.insert(0, body[at])
    return (body[at - 1] if at > 0 else ""), tuple(path)


def _is_written(body: Tokens, at: int) -> bool:
    end = behind(body, at)
    after = body[end] if end < len(body) else ""
    return after in _ASSIGNS or after in _STEPS or _path(body, at)[0] in (*_STEPS, "&")


def _is_subtracted(body: Tokens, at: int) -> bool:
    before = at - 1
    while before > 0 and body[before] == "(":
        before -= 1
    return body[before] == "-"
