"""What objects of the running version look like to a migration: where their pointers are, and where these lead.

A shape stands for an element type: a record, a pointer, or anything without pointers. Only pointers that may lead to
what is converted are followed; every pointer of an object that is met is forwarded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from patchkit.diff.types import ScalarKind, Types, is_foreign
from patchkit.model.change import Grade
from patchkit.model.ctype import Array, CType, Function, Named, Pointer, Primitive, Tag, spell
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Member, Record
from patchkit.transform.changed import Changed
from patchkit.transform.roots import type_of

WORD = 8  # bytes of a pointer
COUNTS = re.compile(r"(?i:size|count|length|len|num|cap|room|total|used|^n_|^n$)")
UNION_FORMS = ("address", "MEMBER=CONDITION; ...")
_CONDITION = re.compile(r"(\w+) *= *it\.(\w+) *== *(-?\w+) *(?:;|$)")
_ANYTHING = ("void", "char", "signed char", "unsigned char")
_EXPANDED = 64  # rows of an inner array that are written out one by one


# What untyped members lead to in one container and not in others: member and type, sorted. `-` is nothing that changes.
Context = tuple[tuple[str, str], ...]
_WITH = "with "


def context_of(value: str) -> Context | None:
    """Return what `with union entry.value.pointer=struct item; ...` says, None for any other answer."""
    if not value.startswith(_WITH):
        return None
    pairs = (part.split("=", 1) for part in value.removeprefix(_WITH).split(";") if "=" in part)
    return tuple(sorted((subject.strip(), target.strip()) for subject, target in pairs))


@dataclass(frozen=True, slots=True)
class Test:
    """Something that must hold of an object: the `width` bits from `bit` on are `value`, or lead to `function`."""

    bit: int
    width: int
    value: int = 0
    function: str = ""  # its key


@dataclass(frozen=True, slots=True)
class Slot:
    """A pointer of an object, or `repeat` of them `stride` bytes apart, the first at `offset`.

    `target` is the type of what it leads to where it is followed, `back` how many bytes before the place it leads to
    that begins. `extent` is `one`, `allocation` or `counted`: then `count` is where the number stands (offset, bytes).
    `name` says which member it is, `type` of what type it says that it leads to.
    """

    name: str
    offset: int
    type: str | None = None
    repeat: int = 1
    stride: int = WORD
    target: CType | None = None
    back: int = 0
    extent: str = "one"
    count: tuple[int, int] = (0, 0)
    tests: tuple[Test, ...] = ()  # the pointer is there only while all hold
    context: Context = ()  # in which its target is seen
    conditions: tuple[tuple[str, str], ...] = ()  # siblings of what it is in, and what each must be
    untyped: bool = False  # what it leads to was decided, not declared
    fresh: bool = False  # its target is what the container holds, and no part of it


@dataclass(frozen=True, slots=True)
class Open:
    """Something that has to be decided before objects can be found."""

    topic: Topic
    subject: str
    question: str
    choices: tuple[str, ...] = ()
    proposal: str = ""  # what names and layouts alone speak for
    grade: Grade = Grade.WEAK
    evidence: tuple[str, ...] = ()


def conditions(said: str) -> list[tuple[str, str, str]]:
    """Return (member, sibling, value) of each part of `list=it.type == LIST; text=1` that is as simple as the first."""
    found = _CONDITION.findall(said)
    return [(member, sibling, value) for member, sibling, value in found]


def is_payload(said: str) -> bool:
    """Whether an answer about a pointer has a form of its own: `with ...`, or `TYPE when SIBLING=FUNCTION`."""
    return (
        context_of(said) is not None
        or re.fullmatch(r"(struct|union) \S+ when \w+ *= *\S+( and \w+ *= *\S+)?", said) is not None
    )


def pointed_type(types: Types, target: CType) -> str | None:
    """Return what the runtime calls the type that a pointer leads to, None where it may be any: `void`, characters."""
    bare = types.canonical(types.bare(target))
    return None if isinstance(bare, Primitive) and bare.name in _ANYTHING else spell(bare)


class Graph:
    """The types of the running version, as a migration walks over them."""

    def __init__(self, changed: Changed, decisions: Decisions, moved: frozenset[str]) -> None:
        self.changed = changed
        self.pair = changed.pair
        self.types: Types = changed.pair.old_types
        self.decisions = decisions
        self.moved = moved  # keys of variables that get new storage
        self.open: dict[tuple[Topic, str], Open] = {}
        self._context: dict[str, str] = {}

    # -- what has to be found

    @cached_property
    def targets(self) -> frozenset[str]:
        """Keys of the records that a pointer may lead to which then has to be forwarded."""
        program = self.pair.old
        found = set(self.changed.records)
        waiting: list[CType] = [Named(program.records[key].tag, key) for key in found]
        moved = [each for key in self.moved if (each := type_of(program, self.types, key)) is not None]
        waiting += moved
        while waiting:
            record = self.types.record(waiting.pop())
            for member in record.members if record is not None else ():
                inner = self.types.record(member.type)
                if inner is not None and inner.key not in found:
                    found.add(inner.key)
                    waiting.append(member.type)
        for ctype in moved:
            own = self.types.record(ctype)
            if own is not None:
                found.add(own.key)
        return frozenset(found)

    @cached_property
    def interesting(self) -> frozenset[str]:
        """Keys of the records whose objects have to be met: they are converted, or hold what has to be forwarded."""
        leads: dict[str, set[str]] = {}
        for key, record in self.pair.old.records.items():
            for member in record.members:
                for target in self._leads_to(record, member):
                    leads.setdefault(target, set()).add(key)
        found = set(self.targets)
        waiting = list(found)
        while waiting:
            for key in leads.get(waiting.pop(), ()):
                if key not in found:
                    found.add(key)
                    waiting.append(key)
        return frozenset(found)

    def _leads_to(self, record: Record, member: Member) -> Iterator[str]:
        """Yield the keys of the records that `member` holds, points at, or leads to by decision."""
        core = self.types.core(member.type)
        if isinstance(core, Named) and core.tag in (Tag.STRUCT, Tag.UNION):
            yield core.key
        for topic in (Topic.PAYLOAD, Topic.ELEMENT):
            value = self.decisions.value(topic, f"{record.key}.{member.name}")
            if value and value != "-" and context_of(value) is None:
                yield value.rsplit(".", 1)[0] if topic is Topic.ELEMENT else value.partition(" when ")[0]
        yield from (target for subject, target in self._said_within if subject == f"{record.key}.{member.name}")

    @cached_property
    def _said_within(self) -> Context:
        """What is said of members in some container."""
        said = (context_of(each.value) for each in self.decisions.of(Topic.PAYLOAD))
        return tuple(pair for context in said if context is not None for pair in context if pair[1] != "-")

    def is_interesting(self, ctype: CType) -> bool:
        """Whether objects of `ctype`, or what they point at, have to be met."""
        core = self.types.core(ctype)
        return isinstance(core, Named) and core.key in self.interesting

    # -- where pointers are

    def seen(self, ctype: CType, subject: str, context: Context) -> list[Slot]:
        """Return the pointers of an object of `ctype` as `slots` does, where it is part of a container."""
        self._context = dict(context)
        try:
            return [
                replace(each, context=context)
                if each.target is not None and each.context == () and not each.fresh
                else each
                for each in self.slots(ctype, subject)
            ]
        finally:
            self._context = {}

    def slots(self, ctype: CType, subject: str = "") -> list[Slot]:
        """Return the pointers of an object of `ctype`, which `subject` names: a record's key, or that of a variable."""
        bare = self.types.bare(ctype)
        match bare:
            case Pointer(target):
                slot = self._pointer(target, subject)
                return [] if slot is None else [slot]
            case Array(element, length):
                return self._repeated(self.slots(element, subject), length or 0, self.types.size(element))
            case Named(Tag.STRUCT, key):
                record = self.types.program.records.get(key)
                return [] if record is None else self._members(record, subject or key)
            case Named(Tag.UNION, key):
                record = self.types.program.records.get(key)
                return [] if record is None else self._alternatives(record, subject or key)
            case _:
                return []

    def _members(self, record: Record, subject: str) -> list[Slot]:
        found = []
        for member in record.members:
            if member.width is None and not isinstance(self.types.bare(member.type), Primitive):
                own = f"{subject}.{member.name}" if member.name else subject
                # What is said of a member of a record is said of it wherever that record stands.
                inner = self.types.record(member.type) if not member.name else None
                known = self._known(own, f"{record.key}.{member.name}" if inner is None else inner.key)
                for slot in self.slots(member.type, known):
                    found.append(self._placed(slot, member.offset // 8, record, member))
        element = self._element(subject)
        return found if element is None else [self._to_node(slot, element) for slot in found]

    def _element(self, subject: str) -> str | None:
        """What the nodes are that `subject`, a list's head or the link inside an element, is linked with."""
        said = self.decisions.value(Topic.ELEMENT, subject)
        if said is not None:
            return None if said == "-" else said
        return subject if any(each.value == subject for each in self.decisions.of(Topic.ELEMENT)) else None

    def _known(self, own: str, general: str) -> str:
        said = (Topic.PAYLOAD, Topic.ELEMENT, Topic.LENGTH, Topic.UNION)
        return own if any(self.decisions.value(topic, own) is not None for topic in said) else general

    def _placed(self, slot: Slot, offset: int, record: Record, member: Member) -> Slot:
        slot = self._resolved(replace(slot, offset=slot.offset + offset) if offset else slot, offset, record)
        if slot.extent != "counted" or slot.count[1]:
            return replace(slot, count=(slot.count[0] + offset, slot.count[1])) if slot.count[1] else slot
        sibling = self.decisions.value(Topic.LENGTH, f"{record.key}.{member.name}")
        counter = next((each for each in record.members if each.name == sibling), None)
        if counter is None or counter.width is not None:
            self.ask(Topic.LENGTH, f"{record.key}.{member.name}", f"{record.key} has no member {sibling} that counts")
            return replace(slot, extent="one")
        return replace(slot, count=(counter.offset // 8, counter.size // 8))

    def _resolved(self, slot: Slot, offset: int, record: Record) -> Slot:
        """Turn conditions on siblings into tests of bits; those of an inner record move with it."""
        if not (slot.tests or slot.conditions):
            return slot
        moved = tuple(replace(test, bit=test.bit + 8 * offset) for test in slot.tests)
        own = tuple(self._test(slot, record, sibling, wanted) for sibling, wanted in slot.conditions)
        return replace(slot, tests=(*moved, *(test for test in own if test is not None)), conditions=())

    def _test(self, slot: Slot, record: Record, sibling: str, wanted: str) -> Test | None:
        member = next((each for each in record.members if each.name == sibling), None)
        if member is not None and wanted in self.types.program.functions:
            return Test(member.offset, 64, function=wanted)
        number = self.constant(wanted)
        if member is None or number is None:
            self.ask(Topic.PAYLOAD, slot.name, f"{record.key} has no {sibling} that could be {wanted}")
            return None
        return Test(member.offset, member.width if member.width is not None else member.size, number)

    def constant(self, text: str) -> int | None:
        """Return the value of a number or an enumeration constant of the old version."""
        if text.lstrip("-").isdigit():
            return int(text)
        for enum in self.types.program.enums.values():
            for name, value in enum.constants:
                if name == text:
                    return value
        return None

    def _repeated(self, inner: list[Slot], length: int, size: int) -> list[Slot]:
        found = []
        for slot in inner:
            if slot.repeat == 1:
                found.append(replace(slot, repeat=length, stride=size))
            elif length <= _EXPANDED:
                found += [self._shifted(slot, row * size) for row in range(length)]
            else:
                self.ask(Topic.CODE, slot.name, f"{slot.name} is an array of arrays of arrays, which is not walked")
        return found if length else []

    @staticmethod
    def _shifted(slot: Slot, by: int) -> Slot:
        count = (slot.count[0] + by, slot.count[1]) if slot.count[1] else slot.count
        return replace(slot, offset=slot.offset + by, count=count)

    def _alternatives(self, record: Record, subject: str) -> list[Slot]:
        """The pointers of a union: those that stand at the same place whichever member is meant."""
        each = [self.slots(member.type, f"{record.key}.{member.name}") for member in record.members]
        if not any(each):
            return []
        places = [{(slot.offset, slot.repeat, slot.stride) for slot in slots} for slots in each]
        if all(place == places[0] for place in places):
            same = all(slots == each[0] for slots in each)
            return each[0] if same else [replace(slot, target=None) for slot in each[0]]
        known = next((n for n, m in enumerate(record.members) if f"{record.key}.{m.name}" in self._context), None)
        if known is not None:
            return each[known]
        said = self.decisions.value(Topic.UNION, subject)
        if said == "address":
            merged = {slot.offset: replace(slot, target=None) for slots in each for slot in slots}
            return list(merged.values())
        if said is not None and "=" in said:
            return self._conditional(record, each, said)
        chosen = next((number for number, member in enumerate(record.members) if member.name == said), None)
        if chosen is not None:
            return each[chosen]
        if said is None and not is_foreign(record.coord):
            names = tuple(member.name for member in record.members if member.name)
            self.ask(
                Topic.UNION, subject, f"{subject} holds a pointer or something else: which?", (*names, *UNION_FORMS)
            )
        return []

    @staticmethod
    def _conditional(record: Record, each: list[list[Slot]], said: str) -> list[Slot]:
        """Pointers under conditions on siblings of the union, which its holder resolves: `list=it.type == LIST`."""
        found = []
        for name, sibling, value in conditions(said):
            number = next((n for n, member in enumerate(record.members) if member.name == name), None)
            if number is not None:
                found += [replace(slot, conditions=((sibling, value),)) for slot in each[number]]
        return found

    def _pointer(self, target: CType, subject: str) -> Slot | None:
        bare = self.types.bare(target)
        if isinstance(bare, Function):
            return None
        if isinstance(bare, Primitive) and bare.name == "void":
            return self._untyped(Slot(subject, 0), subject)
        slot = Slot(subject, 0, type=pointed_type(self.types, target))
        if isinstance(bare, Primitive):
            return slot
        said = self.decisions.value(Topic.PAYLOAD, subject) or ""
        if not self.is_interesting(bare) or said == "-":
            return slot
        slot = replace(slot, context=context_of(said) or ())
        return self._sized(replace(slot, target=bare), bare, subject)

    def _to_node(self, slot: Slot, element: str) -> Slot:
        """A list's pointer: it leads to a member inside the element."""
        key, _, name = element.rpartition(".")
        record = self.types.program.records.get(key)
        member = next((each for each in record.members if each.name == name), None) if record is not None else None
        if record is None or member is None:
            self.ask(Topic.ELEMENT, slot.name, f"{element} is no member of a type of the old version")
            return slot
        return replace(slot, target=Named(record.tag, key), back=member.offset // 8, untyped=True)

    def _untyped(self, slot: Slot, subject: str) -> Slot:
        within = self._context.get(subject)
        said = self.decisions.value(Topic.PAYLOAD, subject) if within is None else within
        if said is None or said == "-":
            return slot
        said, _, test = said.partition(" when ")
        record = self.types.program.records.get(said)
        if record is None:
            self.ask(Topic.PAYLOAD, subject, f"{said} is no type of the old version")
            return slot
        wanted = replace(slot, target=Named(record.tag, said), untyped=True, fresh=within is not None)
        if test:
            pairs = (part.partition("=") for part in test.split(" and "))
            wanted = replace(wanted, conditions=tuple((one.strip(), other.strip()) for one, _, other in pairs))
        return wanted if said in self.interesting else slot

    def _sized(self, slot: Slot, target: CType, subject: str) -> Slot:
        said = self.decisions.value(Topic.LENGTH, subject)
        if said is None:
            counters = self.counters(subject)
            many = isinstance(target, Pointer) or (counters and not self._links_to_itself(target))
            if (
                many and subject
            ):  # without one a type alone is described; what holds such a pointer is asked about by name
                question = f"how many objects stand where {subject} ({spell(target)} *) leads?"
                self.ask(Topic.LENGTH, subject, question, ("one", "allocation", *counters))
            return slot
        if said in ("one", "allocation"):
            return replace(slot, extent=said)
        return replace(slot, extent="counted")

    def counters(self, subject: str) -> tuple[str, ...]:
        """Return the members beside the member `subject` that may say how many objects stand where it leads."""
        key, _, name = subject.rpartition(".")
        record = self.types.program.records.get(key)
        if record is None or record.tag is Tag.UNION:
            return ()
        names = [member.name for member in record.members]
        at = names.index(name) if name in names else len(names)
        found = []
        for number, member in enumerate(record.members):
            scalar = self.types.scalar(member.type)
            whole = scalar is not None and scalar.kind is ScalarKind.INTEGER and member.width is None
            near = abs(number - at) == 1 or member.name.startswith(name)
            if near and whole and COUNTS.search(member.name):
                found.append(member.name)
        return tuple(found)

    def _links_to_itself(self, target: CType) -> bool:
        """Whether objects of a record are linked one to the next, so that a pointer leads to one of them."""
        record = self.types.record(target)
        cores = (self.types.core(member.type) for member in record.members) if record is not None else ()
        return record is not None and any(isinstance(core, Named) and core.key == record.key for core in cores)

    def ask(self, topic: Topic, subject: str, question: str, choices: tuple[str, ...] = ()) -> None:
        self.open.setdefault((topic, subject), Open(topic, subject, question, choices))
