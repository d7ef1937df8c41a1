"""Who mentions, writes and stores what in one program: indices over its functions and initialisers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum as Choice, auto
from functools import cached_property

from patchkit.diff.types import Types
from patchkit.model.ctype import CType, Function as FunctionType, Named, Pointer, Primitive
from patchkit.model.program import Facet, Function, Linkage, Program, Variable
from patchkit.model.rows import function_names, initial_names, symbols, typedef_types, variable_types

_START_UP = re.compile(
    r"(?i:^main$|init|setup|set_up|start_?up|bootstrap|register|(?:parse|load|read)_?(?:the_?)?(?:server_?)?"
    r"(?:config|conf\b|opt|arg|cmd_?line|settings))"
)
_LOOPS = re.compile(
    r"(?i:(^|_)(loop|serve|run|event_?loop|main_?loop|dispatch|poll|work|cycle)(_|$|er$|ever$)|loop$|[a-z]Main$)"
)
_ALLOCATES = re.compile(r"(?i:alloc|strn?dup|\bnew_|_new\b|mmap)")


class Writing(Choice):
    """When a variable is written, as far as the code shows."""

    NEVER = auto()
    START_UP = auto()
    RUN_TIME = auto()
    UNKNOWN = auto()


def looks_like_start_up(function: Function) -> bool:
    """Whether a function's name or attributes say that it runs while the program starts."""
    return bool(_START_UP.search(function.name)) or "constructor" in function.attributes


def is_loop(usage: "Usage", function: Function) -> bool:
    """Whether a function is what main serves in: main alone calls it, and its name is that of a loop."""
    if not _LOOPS.search(function.name):
        return False
    callers = usage.mentions(function)
    return bool(callers) and all(caller.name == "main" for caller in callers)


def _index(rows: Iterable[tuple[str, Sequence[str]]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, names in rows:
        for name in names:
            found[name].append(key)
    return found


class Usage:
    """Answers questions about the code of one program. Indices are built when first asked for."""

    def __init__(self, program: Program, types: Types) -> None:
        self.program = program
        self.types = types
        self.bodies_seen = Facet.BODIES not in program.unseen and Facet.REFERENCES not in program.unseen

    @cached_property
    def _mentions(self) -> Mapping[str, list[str]]:
        return _index(function_names(self.program.functions, "references"))

    @cached_property
    def _writes(self) -> Mapping[str, list[str]]:
        return _index(function_names(self.program.functions, "assigned"))

    @cached_property
    def _accesses(self) -> Mapping[str, list[str]]:
        return _index(function_names(self.program.functions, "members"))

    def _users(self, index: Mapping[str, list[str]], name: str) -> list[Function]:
        return [self.program.functions[key] for key in index.get(name, ())]

    @cached_property
    def _stores(self) -> Mapping[str, list[str]]:
        return _index(initial_names(self.program.variables))

    @cached_property
    def _statics(self) -> frozenset[tuple[str, str]]:
        every = (*symbols(self.program.variables), *symbols(self.program.functions))
        return frozenset((file, name) for file, name, linkage in every if linkage == Linkage.STATIC)

    def _sees(self, user: Function | Variable, thing: Function | Variable) -> bool:
        """Whether `thing` is what `user` means by its name."""
        match thing.linkage:
            case Linkage.EXTERNAL:
                return (user.file, thing.name) not in self._statics
            case Linkage.STATIC:
                return user.file == thing.file or not set(user.units).isdisjoint(thing.units)
            case Linkage.LOCAL:
                return isinstance(thing, Variable) and user.name == thing.function and user.file == thing.file

    def mentions(self, thing: Function | Variable) -> list[Function]:
        """Return the functions whose bodies mention `thing`, itself excepted."""
        return [
            user for user in self._users(self._mentions, thing.name) if user is not thing and self._sees(user, thing)
        ]

    def writers(self, variable: Variable) -> list[Function]:
        """Return the functions that may write `variable` or pass its address on."""
        return [user for user in self._users(self._writes, variable.name) if self._sees(user, variable)]

    def accessors(self, member: str) -> list[Function]:
        """Return the functions that reach a member of that name, of whatever record."""
        return self._users(self._accesses, member)

    def accessor_keys(self, member: str) -> Sequence[str]:
        """Return the keys of the functions that reach a member of that name, of whatever record."""
        return self._accesses.get(member, ())

    def holders(self, thing: Function | Variable) -> list[Variable]:
        """Return the variables whose initialisers mention `thing`."""
        return [variable for variable in self._storing(thing.name) if self._sees(variable, thing)]

    def _storing(self, name: str) -> list[Variable]:
        return [self.program.variables[key] for key in self._stores.get(name, ())]

    def naming(self, name: str) -> list[Function]:
        """Return the functions whose bodies mention the bare word `name`."""
        return self._users(self._mentions, name)

    def is_named(self, name: str) -> bool:
        """Whether a body or an initialiser mentions the bare word `name`, or may."""
        return not self.bodies_seen or name in self._mentions or name in self._stores

    def writing(self, variable: Variable) -> Writing:
        """Return when `variable` is written, as far as the code shows."""
        if self.types.is_constant(variable.type):
            return Writing.NEVER
        if not self.bodies_seen:
            return Writing.UNKNOWN
        writers = self.writers(variable)
        if writers:
            return Writing.START_UP if all(looks_like_start_up(user) for user in writers) else Writing.RUN_TIME
        if any(self._sees(user, variable) for user in self._storing(variable.name)):
            return Writing.UNKNOWN  # another variable starts with its address
        return Writing.NEVER

    def address_passed(self, function: Function) -> list[Function]:
        """Return the functions that are known to pass the address of `function` on."""
        return [
            user
            for user in self._users(self._writes, function.name)
            if user is not function and self._sees(user, function)
        ]

    @cached_property
    def _kept_types(self) -> Sequence[CType]:
        """The types of members and variables, each value once however many have it."""
        kept = [member.type for member in self.types.members]
        kept += [ctype for _, ctype in variable_types(self.program.variables)]
        return list({id(ctype): ctype for ctype in kept if not isinstance(ctype, Primitive)}.values())

    @cached_property
    def pointed_at(self) -> frozenset[str]:
        """The keys of the types that members and variables point at."""
        pointers = (ctype for ctype in self._kept_types if isinstance(self.types.element(ctype), Pointer))
        return frozenset(core.key for core in map(self.types.core, pointers) if isinstance(core, Named))

    def is_stored(self, function: Function) -> bool:
        """Whether data is known to hold the address of `function`: an initialiser names it, or code passes it on."""
        return bool(self.holders(function) or self.address_passed(function))

    @cached_property
    def started_once(self) -> frozenset[str]:
        """The keys of the functions that only what main does before it serves can lead to.

        What a loop leads to runs again, and so does all to which a stored address leads. Empty where bodies were not
        read, and where main has no such loop: it may be the loop itself.
        """
        functions = self.program.functions.values()
        loops = [each.key for each in functions if self.bodies_seen and is_loop(self, each)]
        if not loops:
            return frozenset()
        again = [*loops, *(each.key for each in functions if self.is_stored(each))]
        return self._reached(each.key for each in functions if each.name == "main") - self._reached(again)

    def _reached(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the keys of functions, and of all that they mention, directly or not."""
        found = set(keys)
        waiting = list(found)
        while waiting:
            function = self.program.functions[waiting.pop()]
            for name in function.references:
                for key in self._named.get(name, ()):
                    if key not in found and self._sees(function, self.program.functions[key]):
                        found.add(key)
                        waiting.append(key)
        return frozenset(found)

    @cached_property
    def _named(self) -> Mapping[str, list[str]]:
        return _index((key, (function.name,)) for key, function in self.program.functions.items())

    def functions_of(self, ctype: FunctionType) -> list[Function]:
        """Return the functions of type `ctype` that something mentions."""
        wanted = self.types.canonical(ctype)
        return [
            function
            for function in self.program.functions.values()
            if len(function.type.parameters) == len(ctype.parameters)
            and self.types.canonical(function.type) == wanted
            and (self.holders(function) or self.mentions(function))
        ]

    @cached_property
    def kept_callbacks(self) -> frozenset[CType]:
        """The function types that members and variables of the program point at, in canonical form."""
        return frozenset(self._targets(self._kept_types))

    @cached_property
    def callback_types(self) -> frozenset[CType]:
        """The function types that anything of the program points at, typedefs included, in canonical form."""
        return self.kept_callbacks | self._targets(ctype for _, ctype in typedef_types(self.program.typedefs))

    def _targets(self, types: Iterable[CType]) -> set[CType]:
        found: set[CType] = set()
        for ctype in types:
            if isinstance(ctype, Primitive):
                continue
            bare = self.types.element(ctype)
            target = self.types.bare(bare.target) if isinstance(bare, Pointer) else bare
            if isinstance(target, FunctionType):
                found.add(self.types.canonical(target))
        return found

    def allocators_of(self, key: str) -> list[Function]:
        """Return the functions that may make objects of record `key` on the heap: they name it beside an allocator."""
        return [user for user in self.naming_type(key) if self.allocators_near(user)]

    def allocators_near(self, function: Function) -> bool:
        """Whether the body of `function` mentions an allocator."""
        return any(_ALLOCATES.search(name) for name in function.references)

    def naming_type(self, key: str) -> list[Function]:
        """Return the functions whose bodies name a record or enumeration, by tag or by typedef."""
        found: dict[str, Function] = {}
        for word in self.words_for(key):
            for user in self.naming(word):
                found[user.key] = user
        return list(found.values())

    def reaching(self, key: str) -> list[Function]:
        """Return the functions that name a record, or use a member or a variable that points at one."""
        found = {user.key: user for user in self.naming_type(key)}
        for member in self._pointing_members.get(key, ()):
            found |= {user.key: user for user in self.accessors(member)}
        for variable in self._pointing_variables.get(key, ()):
            found |= {user.key: user for user in self.mentions(self.program.variables[variable])}
        return list(found.values())

    @cached_property
    def _pointing_members(self) -> Mapping[str, list[str]]:
        return self._by_target((member.name, member.type) for member in self.types.members)

    @cached_property
    def _pointing_variables(self) -> Mapping[str, list[str]]:
        return self._by_target(variable_types(self.program.variables))

    def _by_target(self, rows: Iterable[tuple[str, CType]]) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, ctype in rows:
            if isinstance(self.types.element(ctype), Pointer) and isinstance(core := self.types.core(ctype), Named):
                found[core.key].append(name)
        return found

    def words_for(self, key: str) -> tuple[str, ...]:
        """Return the words under which code names the record or enumeration `key`: its key, tag and typedefs."""
        return tuple(dict.fromkeys((key, key.split(" ", 1)[-1].split("@", 1)[0], *self._aliases.get(key, ()))))

    @cached_property
    def _aliases(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for key, ctype in typedef_types(self.program.typedefs):
            core = self.types.core(ctype)
            if isinstance(core, Named):
                found[core.key].append(key)
        return found

    @cached_property
    def _results(self) -> frozenset[str]:
        results = (function.type.result for function in self.program.functions.values())
        cores = (self.types.core(result) for result in results if isinstance(self.types.bare(result), Pointer))
        return frozenset(core.key for core in cores if isinstance(core, Named))

    def is_returned(self, key: str) -> bool:
        """Whether some function returns pointers to objects of record or enumeration `key`."""
        return key in self._results
