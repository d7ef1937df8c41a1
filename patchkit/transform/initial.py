"""What a new member or variable has in what exists already: proposed from what the new version gives fresh ones."""

import re
from collections.abc import Iterable

from patchkit.diff.library_objects import library_object
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind
from patchkit.diff.usage import looks_like_start_up
from patchkit.model.ctype import Array, CType, Pointer
from patchkit.model.program import Function, Member, Record, Variable
from patchkit.transform.code import Call, Code, Store, Tokens, behind, constant, is_zero, places
from patchkit.transform.proposal import NOTHING, Proposal, names, strong, weak

_COUNTS_OWNERS = re.compile(r"(?i:(^|_)(ref|refs|refcount|refcnt|references|holders|owners|users|pins?)(_|$)|refcount)")
_ZEROING = re.compile(r"(?i:calloc|zero|zalloc|_new0|alloc0)")
_CHECKS = frozenset(("&&", "||", "?", ")", "==", "!="))

ONLY_CONSTANTS = "only constants are of it, which are new ones then"


class InitialValues:
    """Looks at how the new version makes its objects."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.new_types
        self._usage = pair.new_usage
        self._code = code

    # -- members

    def of_member(self, key: str, path: str) -> Proposal:
        """Return the value of the new member `path` of the record `key` in objects that exist."""
        found = self._member(key, path)
        if found is None or not self._usage.bodies_seen:
            return NOTHING
        _, member = found
        holders = self._holders(key)
        makers = self._code.makers(key)
        if holders and not makers and all(self._types.is_constant(holder.type) for holder in holders):
            return strong(_zero(self._types.bare(member.type)), ONLY_CONSTANTS)
        trouble = self._trouble(member)
        if trouble:
            return weak("", trouble)
        if holders and makers:
            return weak("", f"{holders[0].name} is a variable and {names(m.function.name for m in makers)} allocates")
        if holders:
            return self._in_variables(member, holders)
        return self._in_allocated(key, member, makers) if makers else NOTHING

    def _member(self, key: str, path: str) -> tuple[Record, Member] | None:
        record = self._pair.new.records.get(key)
        found = None
        for name in path.split("."):
            if record is None:
                return None
            owner, member = record, self._named(record, name)
            if member is None:
                return None
            found = owner, member
            record = self._types.record(member.type)
        return found

    def _named(self, record: Record, name: str) -> Member | None:
        """A member by name; those of unnamed members belong to the record (C11 6.7.2.1p13)."""
        for member in record.members:
            if member.name == name:
                return member
            inner = self._types.record(member.type) if not member.name else None
            found = self._named(inner, name) if inner is not None else None
            if found is not None:
                return found
        return None

    def _trouble(self, member: Member) -> str:
        """Why a value that fresh objects begin with says nothing about those that exist, empty where it may."""
        library = library_object(self._types, member.type)
        if library:
            return f"a {library} has to be set up by its library"
        if _COUNTS_OWNERS.search(member.name):
            return f"{member.name} seems to count who holds the object, which is more than fresh ones have"
        record = self._types.record(member.type)
        if record is not None and self._types.holds_pointer(member.type):
            return f"{member.name} holds pointers, of which an empty one may be no NULL"
        if isinstance(self._types.element(member.type), Pointer):
            return self._unchecked(member.name)
        return ""

    def _unchecked(self, name: str) -> str:
        """Where a pointer is used without a look at whether it leads anywhere."""
        users = self._usage.accessors(name)
        if not self._code.seen(users):
            return f"{name} is a pointer, and not all that use it could be looked at"
        for function, body in self._code.look(users):
            where = list(places(body, name))
            if any(_is_followed(body, at) for at in where) and not any(_is_checked(body, at) for at in where):
                return f"{function.name} follows {name} without checking that it is not NULL"
        return ""

    def _holders(self, key: str) -> list[Variable]:
        """The variables that are, or hold by value, a record."""
        found = []
        for variable in self._pair.new.variables.values():
            own = self._types.record(variable.type)
            inner = (self._types.record(m.type) for _, m in self._types.members_by_value(variable.type))
            if own is not None and (own.key == key or any(r is not None and r.key == key for r in inner)):
                found.append(variable)
        return found

    def _in_allocated(self, key: str, member: Member, makers: list[Call]) -> Proposal:
        functions = {call.function.key: call.function for call in makers}
        setters = [*functions.values(), *self._set_up_by(functions.values(), member.name)]
        every = self._code.stores(member.name, setters)
        stores = [s for s in every if s.operator == "="]
        if self._is_handed_on(member, setters) or any(s.operator == "&" for s in every):
            who = names(f.name for f in setters if member.name in f.members)
            return weak("", f"{who} hands {member.name} of new ones on, where it may be filled")
        if not self._code.seen(self._usage.naming_type(key)):
            return weak("", f"not all that make a {key} could be looked at")
        made = {call.function.key: call.depth for call in makers}
        doubtful = [s for s in stores if s.depth > made.get(s.function.key, 1)]
        if doubtful:
            return weak("", f"{names(s.function.name for s in doubtful)} gives new ones a value in some cases only")
        if stores:
            return self._from_stores(member, stores)
        zeroing = all(_ZEROING.search(call.name) or _cleared(self._code.body(call.function)) for call in makers)
        who = names(call.function.name for call in makers)
        if not zeroing:
            return weak("0", f"{who} makes it and leaves {member.name} as the memory is")
        what = names(call.name for call in makers)
        return strong(
            _zero(self._types.bare(member.type)), f"{who} makes each {key} with {what}, which clears {member.name}"
        )

    def _is_handed_on(self, member: Member, setters: Iterable[Function]) -> bool:
        """Whether a member is used that is an array or a record, which whoever gets it may write."""
        whole = self._types.scalar(member.type) is None
        return whole and any(member.name in function.members for function in setters)

    def _set_up_by(self, makers: Iterable[Function], name: str) -> list[Function]:
        """The functions that makers call and that write the member: those that finish what was allocated."""
        called = {word for maker in makers for word in maker.references}
        return [f for f in self._usage.accessors(name) if f.name in called]

    def _from_stores(self, member: Member, stores: list[Store]) -> Proposal:
        values = {constant(store.value) for store in stores}
        who = names(store.function.name for store in stores)
        if len(values) == 1 and (value := next(iter(values))) is not None:
            return strong(value, f"{who} stores {value} in {member.name} of each new one")
        shown = names(store.value for store in stores if len(store.value) < 60)
        return weak("", f"{who} gives new ones {shown}" if shown else f"{who} computes it")

    def _in_variables(self, member: Member, holders: list[Variable]) -> Proposal:
        name, users = member.name, self._usage.accessors(member.name)
        holder = names(v.name for v in holders)
        if any(v.initialiser is not None for v in holders):
            return weak("", f"{holder} starts with an initialiser, of which not all is known")
        if not self._code.seen(users):
            return weak("", f"not all that use {name} could be looked at")
        stores = self._code.stores(name, users)
        starting = [s for s in stores if looks_like_start_up(s.function) and s.operator != "&"]
        tables = self._tables(holders)
        if any(name in _words(table) for table in tables):
            return weak("", f"{names(t.name for t in tables)} leads to {name}, through which start-up code may set it")
        setters = [s for s in stores if s.operator == "=" and not is_zero(constant(s.value) or "?")]
        if setters and not starting:
            who = names(s.function.name for s in setters)
            return weak("", f"{who} sets it, which may have run at start-up already")
        if starting:
            return self._from_stores(member, [s for s in starting if s.operator == "="] or starting)
        if not users and not tables:
            return strong(
                _zero(self._types.bare(member.type)), f"{holder} starts as zeros, and nothing uses {name} yet"
            )
        if any(s.operator == "&" for s in stores):
            return weak("", f"{names(s.function.name for s in stores if s.operator == '&')} passes its address on")
        if not stores and self._types.record(member.type) is not None:
            return weak("", f"nothing is known to set {name} as a whole")
        if not stores and (tables or users):
            where = f"; {names(t.name for t in tables)} may lead to it" if tables else ""
            return weak("", f"code reads {name} and none is known to set it by its name{where}")
        who = names(s.function.name for s in stores)
        zero = _zero(self._types.bare(member.type))
        return strong(zero, f"{holder} starts as zeros, and no start-up code writes {name}", f"{who} writes it later")

    def _tables(self, holders: list[Variable]) -> list[Variable]:
        """The variables that start with addresses inside one of `holders`."""
        wanted = {v.name for v in holders}
        variables = self._pair.new.variables.values()
        return [v for v in variables if v.initialiser is not None and wanted.intersection(v.initialiser.references)]

    # -- arrays that grew, variables

    def of_tail(self, key: str, path: str) -> Proposal:
        """Return the value of the new elements of the array `path` of the record `key`."""
        found = self._member(key, path)
        if found is None:
            return NOTHING
        element = self._types.scalar(self._types.element(found[1].type))
        if element is None or element.kind is ScalarKind.POINTER:
            return self.of_member(key, path)
        users = self._usage.accessors(found[1].name)
        stores = [s for s in self._code.stores(found[1].name, users) if s.operator == "="]
        other = [s for s in stores if (value := constant(s.value)) is not None and not is_zero(value)]
        if other:
            return weak("", f"{other[0].function.name} stores {other[0].value} in elements of {found[1].name}")
        return strong("0", "its elements are numbers, and no function gives them another start")

    def of_variable(self, variable: Variable) -> Proposal:
        """Return the value of a new variable that only start-up code sets, or of the new elements of one that grew."""
        writers = self._usage.writers(variable)
        if not self._usage.bodies_seen or not self._code.seen(writers):
            return NOTHING
        if isinstance(self._types.element(variable.type), Pointer) and isinstance(
            self._types.bare(variable.type), Array
        ):
            return self._of_pointers(variable)
        starters = [f for f in writers if looks_like_start_up(f)]
        values: set[str | None] = set()
        for _, body in self._code.look(starters):
            values.update(_assigned(body, variable.name))
        who = names(f.name for f in starters)
        if len(values) == 1 and (value := next(iter(values))) is not None:
            return weak(value, f"{who} sets it to {value} at start-up")
        return weak("", f"{who} computes it at start-up") if starters else NOTHING

    def _of_pointers(self, variable: Variable) -> Proposal:
        """The new elements of a table of pointers, which a fresh process starts as NULL."""
        if variable.initialiser is not None:
            return weak("", f"{variable.name} starts with an initialiser")
        for function, body in self._code.look(self._usage.mentions(variable)):
            where = [at for at, word in enumerate(body) if word == variable.name and body[at - 1] not in (".", "->")]
            if any(_is_followed(body, at) for at in where) and not any(_is_checked(body, at) for at in where):
                return weak("", f"{function.name} follows its elements without checking that they are not NULL")
        starters = [f for f in self._usage.writers(variable) if looks_like_start_up(f)]
        if starters:
            return weak("", f"{names(f.name for f in starters)} fills it at start-up")
        who = names(f.name for f in self._usage.mentions(variable))
        return strong("NULL", f"a fresh process starts with NULL in them, and {who} checks each before its use")


def _words(variable: Variable) -> frozenset[str]:
    text = variable.initialiser.text if variable.initialiser is not None else ""
    return frozenset(re.findall(r"[A-Za-z_]\w*", text))


def _zero(ctype: CType) -> str:
    return "NULL" if isinstance(ctype, Pointer) else "0"


def _cleared(body: Tokens) -> bool:
    """Whether a body clears memory; it is taken for that which it has allocated."""
    return any(word in ("memset", "bzero", "explicit_bzero") for word in body)


def _is_followed(body: Tokens, at: int) -> bool:
    end = behind(body, at)
    after = body[end] if end < len(body) else ""
    indexed = end != at + 1 and after in ("->", "(", "[")
    return after in ("->", "(") or indexed or body[at + 1 : at + 2] == ("[",)


def _is_checked(body: Tokens, at: int) -> bool:
    end = behind(body, at)
    before = at
    while before > 1 and body[before - 1] in (".", "->"):
        before -= 2
    previous = body[before - 1] if before > 0 else ""
    condition = previous == "(" and before > 1 and body[before - 2] in ("if", "while")
    after = body[end] if end < len(body) else ""
    return previous in ("!", "&&", "||") or (condition and after in _CHECKS) or after in ("==", "!=", "&&", "||", "?")


def _assigned(body: Tokens, name: str) -> list[str | None]:
    """The constants that a body assigns to a variable, None for anything else."""
    found: list[str | None] = []
    for at, word in enumerate(body):
        if word == name and (at == 0 or body[at - 1] not in (".", "->")):
            end = behind(body, at)
            after = body[end] if end < len(body) else ""
            if after == "=":
                stop = next((n for n in range(end, len(body)) if body[n] in (";", ",")), len(body))
                found.append(constant(" ".join(body[end + 1 : stop])))
            elif after in (".", "->", "++", "--") or (at > 0 and body[at - 1] == "&"):
                found.append(None)
    return found
