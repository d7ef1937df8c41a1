"""Proposals: the likeliest answer to an open question, with the evidence for it and how strong that is."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, is_foreign
from patchkit.diff.usage import looks_like_start_up
from patchkit.model.change import Grade
from patchkit.model.ctype import CType, Function as FunctionType, Named, Pointer, Primitive
from patchkit.model.decision import Topic
from patchkit.model.program import Function, Member, Record, Variable
from patchkit.transform.changed import Changed
from patchkit.transform.shapes import Open

_ZEROING = re.compile(r"(?i:calloc|zero|zalloc|_new0|0$)")
_OF_THE_C_LIBRARY = frozenset({"malloc", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign"})
_RELEASES = re.compile(r"(?i:free|release|dispose)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that patchkit would give, empty where it has none."""

    value: str
    grade: Grade
    evidence: tuple[str, ...] = ()


NOTHING = Proposal("", Grade.WEAK)


class Proposer:
    """Looks through both programs of a pair for evidence."""

    def __init__(self, pair: Pair, changed: Changed) -> None:
        self.pair = pair
        self.changed = changed

    def propose(self, question: Open) -> Proposal:
        """Return the answer to an open question that the code speaks for."""
        match question.topic:
            case Topic.INITIAL:
                return self._initial(question.subject)
            case Topic.LENGTH:
                return self._length(question)
            case Topic.UNION:
                text = "a word of it is only taken for an address where it leads into something that moves"
                return Proposal("address", Grade.WEAK, (text,)) if "address" in question.choices else NOTHING
            case Topic.ALLOCATOR:
                return self._allocator(question.subject)
            case _ if question.proposal:
                return Proposal(question.proposal, question.grade, question.evidence)
            case _:
                return NOTHING

    # -- initial values

    def _initial(self, subject: str) -> Proposal:
        """What a new member has where objects of the new version begin: 0, if nobody writes it on the way."""
        found = self._new_member(subject)
        if found is None:
            return NOTHING
        record, member = found
        holders = [v for v in self.pair.new.variables.values() if self._is_in(v.type, record.key)]
        makers = [] if holders else self._makers(record.key)
        writers = [f for f in makers if member.name in f.members]
        if holders:
            writers += [f for f in self.pair.new_usage.accessors(member.name) if looks_like_start_up(f)]
        named = [
            v.name
            for v in self.pair.new.variables.values()
            if v.initialiser and member.name in _words(v.initialiser.text)
        ]
        named += [v.name for v in self.pair.new.variables.values() if self._may_set(v, {h.name for h in holders})]
        if writers or named:
            names = ", ".join(sorted({f.name for f in writers} | set(named))[:3])
            return Proposal("0", Grade.WEAK, (f"{names} may give {member.name} its start",))
        zeroing = [f for f in makers if any(_ZEROING.search(word) for word in f.references)]
        if makers and len(zeroing) == len(makers) and not holders:
            text = f"{', '.join(f.name for f in makers[:3])} makes it zeroed, and does not write {member.name}"
            return Proposal("0", Grade.STRONG, (text,))
        if holders and not makers:
            text = f"{holders[0].name} is static, and nothing that runs at the start writes {member.name}"
            return Proposal("0", Grade.STRONG if not self._is_list(member.type) else Grade.WEAK, (text,))
        return Proposal("0", Grade.WEAK)

    def _may_set(self, variable: Variable, holders: set[str]) -> bool:
        """Whether a table begins with addresses in one of `holders`, and is too long for all of it to be known."""
        start = variable.initialiser
        return start is not None and start.text.endswith("…") and bool(holders.intersection(start.references))

    def _new_member(self, subject: str) -> tuple[Record, Member] | None:
        """The record of the new version that `struct server.stats.hits` begins with, and its last member."""
        key, *names = subject.split(".")
        record = whole = self.pair.new.records.get(key)
        member = None
        for name in names:
            member = next((each for each in record.members if each.name == name), None) if record is not None else None
            record = self.pair.new_types.record(member.type) if member is not None else None
        return None if whole is None or member is None else (whole, member)

    def _is_in(self, ctype: CType, key: str) -> bool:
        record = self.pair.new_types.record(ctype)
        return record is not None and record.key == key

    def _is_list(self, ctype: CType) -> bool:
        """Whether a record links to itself, so that a head of zeros is no empty list."""
        record = self.pair.new_types.record(ctype)
        return record is not None and self.pair.new_types.holds_pointer(ctype)

    # -- lengths, allocators

    def _length(self, question: Open) -> Proposal:
        counters = [choice for choice in question.choices if choice not in ("one", "allocation")]
        best = [each for each in counters if re.search(r"(?i:size|room|cap)", each)]
        if len(counters) == 1:
            return Proposal(counters[0], Grade.WEAK, (f"{counters[0]} is the only member beside it that counts",))
        if len(best) == 1:
            return Proposal(best[0], Grade.WEAK, (f"of {', '.join(counters)} it is the one that means room",))
        return NOTHING

    def _makers(self, key: str) -> list[Function]:
        """The functions of the new version that make objects of a record: they name it, and call an allocator."""
        return [f for f in self.pair.new_usage.naming_type(key) if self._allocators_in(f)]

    def _allocators_in(self, function: Function) -> list[str]:
        return [word for word in function.references if word in _OF_THE_C_LIBRARY or self._is_allocator(word)]

    def _is_allocator(self, name: str) -> bool:
        """Whether a function of the program takes sizes and returns untyped memory."""
        function = self.pair.new.functions.get(name)
        if function is None or not function.type.parameters:
            return False
        types = self.pair.new_types
        result = types.bare(function.type.result)
        scalars = [types.scalar(each) for each in function.type.parameters]
        untyped = isinstance(result, Pointer) and types.bare(result.target) == Primitive("void")
        return untyped and all(each is not None and each.kind is ScalarKind.INTEGER for each in scalars)

    def _allocator(self, key: str) -> Proposal:
        makers = self._makers(self.changed.records.get(key, key))
        if not makers:
            return Proposal("-", Grade.WEAK, (f"no function that names {key} allocates",))
        words = sorted({word for maker in makers for word in self._allocators_in(maker)})
        plain = [word for word in words if self._takes_size(word)] or self._siblings(words)
        release = sorted({w for f in self.pair.new_usage.naming_type(key) for w in f.references if self._releases(w)})
        if not plain or not release:
            return NOTHING
        text = f"{', '.join(maker.name for maker in makers[:3])} allocates with {', '.join(words[:3])}"
        room = " malloc_usable_size" if self._is_malloc(plain[0]) else ""
        return Proposal(f"{plain[0]} {release[0]}{room}", Grade.WEAK, (text,))

    def _siblings(self, words: list[str]) -> list[str]:
        """Allocators of the same file that take a plain size; of the C library's it is malloc."""
        files = {f.file for word in words if (f := self.pair.new.functions.get(word)) is not None}
        found = sorted(f.name for f in self.pair.new.functions.values() if f.file in files and self._takes_size(f.name))
        return found or (["malloc"] if _OF_THE_C_LIBRARY.intersection(words) else [])

    def _takes_size(self, name: str) -> bool:
        """Whether `name` is an allocator that takes one size."""
        function = self.pair.new.functions.get(name)
        return name == "malloc" or (self._is_allocator(name) and function is not None and len(function.parameters) == 1)

    def _releases(self, name: str) -> bool:
        if name == "free":
            return True
        function = self.pair.new.functions.get(name)
        if function is None or not _RELEASES.search(name) or len(function.type.parameters) != 1:
            return False
        bare = self.pair.new_types.bare(function.type.parameters[0])
        return isinstance(bare, Pointer) and self.pair.new_types.bare(bare.target) == Primitive("void")

    def _is_malloc(self, name: str) -> bool:
        """Whether what an allocator returns is the C library's own block."""
        function = self.pair.new.functions.get(name)
        return name == "malloc" or (function is not None and "malloc_usable_size" in self._around(function))

    def _around(self, function: Function) -> set[str]:
        return {word for f in self.pair.new.functions.values() if f.file == function.file for word in f.references}

    def table(self, key: str) -> Proposal:
        """Return what becomes of a table that the program may write to: rows are matched by their first text."""
        variable = self.pair.old.variables[key]
        record = self.pair.old_types.record(variable.type)
        names = [m.name for m in record.members if self._is_text(m.type)] if record is not None else []
        writers = [f.name for f in self.pair.old_usage.writers(variable)]
        if not names:
            return Proposal("new" if not writers else "live", Grade.WEAK)
        if not writers:
            return Proposal(f"new {names[0]}", Grade.WEAK, (f"no function writes to {variable.name} by its name",))
        text = f"{', '.join(writers[:3])} may write to it"
        return Proposal(f"merge {names[0]}", Grade.WEAK, (text,))

    def home_of(self, key: str) -> Proposal:
        """Return the member of a new variable that an old one lives on as: the only one of its name and type."""
        variable = self.pair.old.variables[key]
        found = []
        for other in self.pair.new.variables.values():
            record = self.pair.new_types.record(other.type)
            for member in record.members if record is not None else ():
                if member.name == variable.name and self.pair.same(variable.type, member.type):
                    found.append(f"{other.key}.{member.name}")
        if len(found) != 1:
            return Proposal("-", Grade.WEAK)
        return Proposal(found[0], Grade.STRONG, ("it is the only member of a variable with that name and type",))

    def _is_text(self, ctype: CType) -> bool:
        bare = self.pair.old_types.bare(ctype)
        return isinstance(bare, Pointer) and self.pair.old_types.is_char(bare.target)

    # -- what has to be known beyond what generation asks

    def payloads(self, moved: Iterable[str]) -> Iterator[tuple[Open, Proposal]]:
        """Yield the untyped pointers of the program's records, with what they may lead to of the types that change.

        `moved` are variables with new storage: something may lead into one of them.
        """
        records = self.pair.old.records
        heap = [key for key in self.changed.records if not records[key].parent and not self._is_static(records[key])]
        tables = [self.pair.old_types.record(self.pair.old.variables[key].type) for key in moved]
        targets = sorted({*heap, *(r.key for r in tables if r is not None and not self._is_whole(r.key))})
        for key, record in self.pair.old.records.items():
            if is_foreign(record.coord) or not targets:
                continue
            handlers = [f for member in record.members for f in self._called_by(member)]
            named = sorted({each for each in heap for f in handlers if self._names(f, each)})
            for member in record.members:
                if self._is_untyped(member.type):
                    yield self._payload(f"{key}.{member.name}", handlers, named, targets)

    def _payload(
        self, subject: str, handlers: list[Function], named: list[str], targets: list[str]
    ) -> tuple[Open, Proposal]:
        question = f"what does {subject} lead to, of what changes?"
        asked = Open(Topic.PAYLOAD, subject, question, (*targets, "-"))
        if named:
            evidence = f"{', '.join(f.name for f in handlers[:3])} take it, and name {', '.join(named)}"
            return asked, Proposal(named[0], Grade.STRONG if len(named) == 1 else Grade.WEAK, (evidence,))
        users = self.pair.old_usage.accessors(subject.rpartition(".")[2])
        both = sorted({each for each in targets for f in users if self._names(f, each)})
        if len(both) == 1:
            names = [f.name for f in users if self._names(f, both[0])]
            return asked, Proposal(both[0], Grade.WEAK, (f"{', '.join(names[:3])} use both",))
        return asked, Proposal(
            "-", Grade.WEAK, ("no function that uses it names a type that changes",) if not both else ()
        )

    def _is_whole(self, key: str) -> bool:
        """Whether a record is only there as single variables, into which nothing untyped need lead."""
        return key in self.changed.records and self._is_static(self.pair.old.records[key])

    def _called_by(self, member: Member) -> list[Function]:
        bare = self.pair.old_types.bare(member.type)
        target = self.pair.old_types.bare(bare.target) if isinstance(bare, Pointer) else bare
        return self.pair.old_usage.functions_of(target) if isinstance(target, FunctionType) else []

    def _names(self, function: Function, key: str) -> bool:
        return bool(set(self.pair.old_usage.words_for(key)).intersection(function.references))

    def _is_untyped(self, ctype: CType) -> bool:
        bare = self.pair.old_types.bare(ctype)
        return isinstance(bare, Pointer) and self.pair.old_types.bare(bare.target) == Primitive("void")

    def elements(self) -> Iterator[tuple[Open, Proposal]]:
        """Yield the heads of intrusive lists, with the links that changed records are linked into them by."""
        links = [(key, member) for key in self.changed.records for member in self._links(self.pair.old.records[key])]
        for key, member in list(links):
            holder = self.pair.old.records[key]
            if not self._is_static(holder):
                continue
            nodes = [
                (k, m)
                for k, m in links
                if k != key and self.pair.old_types.bare(m.type) == self.pair.old_types.bare(member.type)
            ]
            if nodes:
                yield self._element(f"{key}.{member.name}", member, nodes)

    def _element(self, head: str, member: Member, nodes: list[tuple[str, Member]]) -> tuple[Open, Proposal]:
        choices = tuple(f"{key}.{node.name}" for key, node in nodes)
        scored = []
        for key, node in nodes:
            both = [
                f for f in self.pair.old_usage.accessors(member.name) if node.name in f.members and self._knows(f, key)
            ]
            scored.append((len(both), f"{key}.{node.name}", both))
        scored.sort(key=lambda row: (-row[0], row[1] != f"{row[1].rpartition('.')[0]}.{member.name}"))
        question = f"by which link are objects in the list that {head} begins?"
        asked = Open(Topic.ELEMENT, head, question, (*choices, "-"))
        count, best, functions = scored[0]
        if not count:
            return asked, Proposal("-", Grade.WEAK, ("no function uses it together with a link of a changed type",))
        same = [name for number, name, _ in scored if number == count and name.rpartition(".")[2] == member.name]
        text = f"{', '.join(f.name for f in functions[:3])} use both"
        return asked, Proposal(same[0] if same else best, Grade.WEAK, (text,))

    def _knows(self, function: Function, key: str) -> bool:
        cores = (self.pair.old_types.core(each) for each in (function.type.result, *function.type.parameters))
        return self._names(function, key) or any(isinstance(core, Named) and core.key == key for core in cores)

    def _links(self, record: Record) -> Iterator[Member]:
        """The members that are nodes of intrusive lists: records that hold nothing but pointers to their own type."""
        for member in record.members:
            inner = self.pair.old_types.record(member.type)
            if (
                inner is not None
                and member.name
                and inner.members
                and all(self._leads_to(m, inner.key) for m in inner.members)
            ):
                yield member

    def _leads_to(self, member: Member, key: str) -> bool:
        bare = self.pair.old_types.bare(member.type)
        core = self.pair.old_types.bare(bare.target) if isinstance(bare, Pointer) else None
        return isinstance(core, Named) and core.key == key

    def _is_static(self, record: Record) -> bool:
        types = self.pair.old_types
        return any(
            (own := types.record(v.type)) is not None and own.key == record.key
            for v in self.pair.old.variables.values()
        )


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Za-z_]\w*", text))
