"""Which functions of the program make and free the objects of a type, read off the new version's code."""

import re
from collections import Counter

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind
from patchkit.model.ctype import VOID, CType, Pointer
from patchkit.model.program import Function
from patchkit.transform.code import Call, Code
from patchkit.transform.proposal import NOTHING, Proposal, names, strong, weak

_ALLOCATES = re.compile(r"(?i:alloc|zero|get_?mem)")
_RELEASES = re.compile(r"(?i:free|release|dispose)")
_LIBRARY = {"malloc", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign", "strdup"}


class Allocators:
    """Looks for who allocates and who frees."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.new_types
        self._usage = pair.new_usage
        self._code = code

    def of(self, key: str, makers: list[Call]) -> Proposal:
        """Return `allocate release` for objects of the new record `key`, which `makers` allocate."""
        if not makers:
            return NOTHING
        called = Counter(call.name for call in makers)
        who = names(call.function.name for call in makers)
        if len(called) > 1:
            return weak("", f"{who} allocates it with {names(called)}")
        plain = self._plain(next(iter(called)))
        releases = self._releasers(key)
        if plain == "malloc" and not releases:
            said = f"{who} allocates it with {next(iter(called))}, whose blocks free releases"
            return strong("malloc free malloc_usable_size", said)
        if len(releases) != 1 or not plain:
            said = f"{names(releases)} seems to free it" if releases else "no call was found that frees it"
            return weak("", f"{who} allocates it with {next(iter(called))}", said)
        release, by = next(iter(releases.items()))
        room = " malloc_usable_size" if self._is_malloc(plain) else ""
        return strong(
            f"{plain} {release}{room}",
            f"{who} allocates it with {next(iter(called))}, {names(by)} frees it with {release}",
        )

    def _plain(self, name: str) -> str:
        """Return the allocator that takes one size: this one, or the only one beside it."""
        if name in _LIBRARY:
            return "malloc"
        function = self._function(name)
        if function is None:
            return ""
        if self._takes_size(function):
            return name
        others = [f.name for f in self._pair.new.functions.values() if f.file == function.file and self._takes_size(f)]
        return others[0] if len(others) == 1 else ""

    def _function(self, name: str) -> Function | None:
        return self._pair.new.functions.get(name)

    def _takes_size(self, function: Function) -> bool:
        parameters, result = function.type.parameters, self._types.bare(function.type.result)
        scalar = self._types.scalar(parameters[0]) if len(parameters) == 1 else None
        untyped = isinstance(result, Pointer) and self._types.bare(result.target) == VOID
        sized = scalar is not None and scalar.kind is ScalarKind.INTEGER and scalar.size == 8 and not scalar.signed
        return untyped and sized and bool(_ALLOCATES.search(function.name))

    def _releasers(self, key: str) -> dict[str, set[str]]:
        """The functions that take the address of an object of `key` to free it, and who calls them."""
        found: dict[str, set[str]] = {}
        for function, body in self._code.look(self._users(key)):
            known = self._code.declared(function, body)
            for call in self._code.calls((function,)):
                one = call.arguments[0] if len(call.arguments) == 1 else ""
                if self._releases(call.name) and self._code.record_key(known.get(one)) == key:
                    found.setdefault(call.name, set()).add(function.name)
        return found

    def _users(self, key: str) -> list[Function]:
        """The functions that name a record in their bodies or take one."""
        named = {f.key: f for f in self._usage.naming_type(key)}
        for function in self._pair.new.functions.values():
            if any(self._points_at(each, key) for each in function.type.parameters):
                named[function.key] = function
        return list(named.values())

    def _points_at(self, ctype: CType, key: str) -> bool:
        bare = self._types.bare(ctype)
        return isinstance(bare, Pointer) and self._code.record_key(bare.target) == key

    def _releases(self, name: str) -> bool:
        if name == "free":
            return True
        function = self._function(name)
        if function is None or not _RELEASES.search(name) or len(function.type.parameters) != 1:
            return False
        bare = self._types.bare(function.type.parameters[0])
        return isinstance(bare, Pointer) and self._types.bare(bare.target) == VOID

    def _is_malloc(self, name: str) -> bool:
        """Whether what an allocator returns is a block of the C library's own, whose size can be asked for."""
        function = self._function(name)
        if name == "malloc" or function is None:
            return name == "malloc"
        around = {w for f in self._pair.new.functions.values() if f.file == function.file for w in f.references}
        return "malloc_usable_size" in around
