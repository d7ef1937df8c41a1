"""Random records with a random second version, and what becomes of a value of the first: a model of conversions.

Nothing here uses patchkit: the model says what its users are promised. A value is an int or float, a list for an array,
a dict for a struct or union. `Refusal` is raised for a value that has no place in the new version.
"""

import struct as packing
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

MOVED = 4096  # bytes by which the runtime of the tests moves what pointers lead to

Value = Any
Map = Callable[[Value], Value]


class Refusal(Exception):
    """A live value that ends the update."""


@dataclass(frozen=True)
class Scalar:
    """A single value: `kind` is int, float, bool, enum, pointer or function. Integers have a width where in bits."""

    c: str
    kind: str
    bits: int
    signed: bool = True
    width: int = 0
    constants: tuple[tuple[str, int], ...] = ()

    @property
    def range(self) -> tuple[int, int]:
        bits = self.width or self.bits
        if self.kind == "bool":
            return 0, 1
        return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if self.signed else (0, (1 << bits) - 1)


@dataclass(frozen=True)
class Array:
    element: "Type"
    length: int


@dataclass(frozen=True)
class Record:
    """A struct, or a union; `tag` is empty for one without a name, `attributes` are GNU C."""

    tag: str
    members: tuple[tuple[str, "Type"], ...]
    union: bool = False
    attributes: str = ""


Type = Scalar | Array | Record

INTEGERS = [
    Scalar(c, "int", bits, signed)
    for c, bits, signed in (
        ("char", 8, True),
        ("signed char", 8, True),
        ("unsigned char", 8, False),
        ("short", 16, True),
        ("unsigned short", 16, False),
        ("int", 32, True),
        ("unsigned", 32, False),
        ("long", 64, True),
        ("unsigned long", 64, False),
    )
]
FLOATS = [Scalar("float", "float", 32), Scalar("double", "float", 64)]
BOOL = Scalar("_Bool", "bool", 8, False)
POINTERS = [
    Scalar(f"{c} *", "pointer", 64, False) for c in ("char", "void", "const int", "volatile long", "struct far")
]
CODE = Scalar("int (*)(int)", "function", 64, False)
_BASES = [Scalar("int", "int", 32), Scalar("unsigned", "int", 32, False), Scalar("unsigned long", "int", 64, False)]
_NUMBERS = [0, 3, 5, 6, 7, 9, 10, 11, 12, 13]  # none a power of two, so that no enumeration is one of flags


def declare(ctype: Type, name: str) -> str:
    """Return a C declaration."""
    match ctype:
        case Scalar(kind="function"):
            return f"int (*{name})(int)"
        case Scalar():
            return f"{ctype.c} {name}{f' : {ctype.width}' if ctype.width else ''}"
        case Array(element, length):
            return declare(element, f"{name}[{length}]")
        case Record():
            return f"{keyword(ctype)} {name}" if ctype.tag else f"{keyword(ctype)} {body(ctype)} {name}"


def keyword(record: Record) -> str:
    return f"{'union' if record.union else 'struct'} {record.tag}".strip()


def body(record: Record) -> str:
    """Return what is between the braces of a record, with its attributes."""
    return f"{{ {' '.join(declare(each, name) + ';' for name, each in record.members)} }}{record.attributes}"


@dataclass
class Evolution:
    """A pair of versions of one record, with what a test has to decide and what becomes of values."""

    old: Record
    new: Record
    convert: Map
    answers: dict[str, str]
    named: list[tuple[Record, Record]]  # records that these hold, in order
    enums: list[tuple[str, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]]


@dataclass
class Generator:
    """Makes pairs; `number` keeps the names of one apart from those of another."""

    random: Random
    number: int
    answers: dict[str, str] = field(default_factory=dict)
    named: list[tuple[Record, Record, Map]] = field(default_factory=list)
    enums: list[tuple[str, tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]] = field(default_factory=list)
    names: int = 0

    def pair(self) -> Evolution:
        """Return a record with its second version."""
        old = self._struct(f"r{self.number}", 0)
        new, convert = self._evolve_struct(old, f"struct r{self.number}")
        return Evolution(old, new, convert, self.answers, [(one, other) for one, other, _ in self.named], self.enums)

    def _name(self, letter: str = "m") -> str:
        self.names += 1
        return f"{letter}{self.number}_{self.names}"

    def _chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    # -- the first version

    def _struct(self, tag: str, depth: int) -> Record:
        members: list[tuple[str, Type]] = []
        for _ in range(self.random.randint(1, 7 - 2 * depth)):
            members += self._member(depth)
        return Record(tag, tuple(members), attributes=self._attributes(tag))

    def _attributes(self, tag: str) -> str:
        if not tag or not self._chance(15):
            return ""
        return " __attribute__((packed))" if self._chance(60) else " __attribute__((aligned(64)))"

    def _member(self, depth: int) -> list[tuple[str, Type]]:
        roll = self.random.randrange(100)
        if roll < 8 and depth < 2:
            return [("", self._struct("", depth + 1))]
        if roll < 16:
            return self._bit_fields()
        if roll < 26:
            return self._union()
        return [(self._name(), self._type(depth))]

    def _bit_fields(self) -> list[tuple[str, Type]]:
        found: list[tuple[str, Type]] = []
        for _ in range(self.random.randint(1, 4)):
            base = self.random.choice(_BASES)
            width = self.random.randint(1, min(base.bits, 40))
            found.append((self._name("b"), Scalar(base.c, "int", base.bits, base.signed, width)))
        return found

    def _union(self) -> list[tuple[str, Type]]:
        """A union of plain values, of pointers, or one with the member that tells what is in it."""
        roll = self.random.randrange(3)
        if roll == 0:
            members = [(self._name("u"), self.random.choice(INTEGERS + FLOATS)) for _ in range(3)]
            return [(self._name(), Record("", tuple(members), union=True))]
        if roll == 1:
            members = [(self._name("p"), self.random.choice(POINTERS)) for _ in range(2)]
            return [(self._name(), Record("", tuple(members), union=True))]
        kind = self._name("k")
        chosen = [("t", self.random.choice(POINTERS)), ("t", self.random.choice(INTEGERS)), ("t", FLOATS[1])]
        members = [(self._name(letter), each) for letter, each in chosen]
        return [(kind, INTEGERS[5]), (f"{self._name('tagged')}_{kind}", Record("", tuple(members), union=True))]

    def _type(self, depth: int) -> Type:
        roll = self.random.randrange(100)
        if roll < 40:
            return self.random.choice([*INTEGERS, *FLOATS, BOOL])
        if roll < 50:
            return self._enum()
        if roll < 62:
            return self.random.choice([*POINTERS, CODE])
        if roll < 80 or depth >= 2:
            element = self._type(2) if depth >= 1 or self._chance(70) else self._type(depth + 1)
            return Array(element, self.random.randint(1, 4))
        if roll < 88 and self.named:
            return self.random.choice(self.named)[0]
        if roll < 94:
            return self._struct("", depth + 1)
        tag = self._name("s")
        old = self._struct(tag, depth + 1)
        new, convert = self._evolve_struct(old, f"struct {tag}")
        self.named.append((old, new, convert))
        return old

    def _enum(self) -> Scalar:
        names = [self._name("C") for _ in range(self.random.randint(2, 4))]
        tag = self._name("e")
        old = tuple(zip(names, sorted(self.random.sample(_NUMBERS, len(names))), strict=True))
        new = old
        if self._chance(60):
            more = [*names, self._name("C")]
            self.random.shuffle(more)
            new = tuple(zip(more, self.random.sample(_NUMBERS, len(more)), strict=True))
        self.enums.append((tag, old, new))
        return Scalar(f"enum {tag}", "enum", 32, False, 0, old)

    # -- the second version

    def _evolve_struct(self, old: Record, key: str) -> tuple[Record, Map]:
        """Return the new record; `key` is what its members' names begin with in decisions."""
        made: list[tuple[str, Type, Map]] = []
        for position, (name, ctype) in enumerate(old.members):
            made += self._evolve_member(old, position, name, ctype, key)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            made.append(self._added(key))
        if self._chance(40):
            self.random.shuffle(made)
        if old.tag and self._chance(25):
            made = self._grouped(made, old, key)
        made = made or [self._added(key)]
        new = Record(old.tag, tuple((name, each) for name, each, _ in made), attributes=self._attributes(old.tag))
        return new, lambda value: {place: convert(value) for place, (_, _, convert) in enumerate(made)}

    def _evolve_member(
        self, record: Record, position: int, name: str, ctype: Type, key: str
    ) -> list[tuple[str, Type, Map]]:
        def take(value: Value, inner: Map) -> Value:
            return inner(value[position])

        if not name:
            assert isinstance(ctype, Record)
            new, inner = self._evolve_struct(ctype, key)
            return [("", new, lambda value: take(value, inner))]
        if self._chance(8) and "tagged" not in name:
            self.answers[f"member {key}.{name}"] = "-"
            return []
        after = name
        if self._chance(12) and not _is_unnamed(ctype):
            after = self._name("n")
            self.answers[f"member {key}.{name}"] = after
        if "tagged" in name and isinstance(ctype, Record):
            return [self._evolve_tagged(position, (name, after), ctype, key)]
        new_type, inner = self._evolve(ctype, f"{key}.{name}", f"{key}.{after}", after)
        return [(after, new_type, lambda value: take(value, inner))]

    def _evolve_tagged(self, position: int, names: tuple[str, str], union: Record, key: str) -> tuple[str, Type, Map]:
        kind = "k" + names[0].partition("_k")[2]
        conditions = "; ".join(f"{name}=it->{kind} == {number}" for number, (name, _) in enumerate(union.members))
        self.answers[f"union {key}.{names[0]}"] = conditions
        parts = [
            (name, *self._evolve(each, f"{key}.{names[0]}.{name}", f"{key}.{names[1]}.{name}", name))
            for name, each in union.members
        ]
        self.random.shuffle(parts)
        new = Record("", tuple((name, each) for name, each, _ in parts), union=True)
        numbers = {name: number for number, (name, _) in enumerate(union.members)}

        def convert(value: Value) -> Value:
            chosen = value[position - 1]
            for place, (name, _, inner) in enumerate(parts):
                if numbers[name] == chosen:
                    return {place: inner(value[position][numbers[name]])}
            raise Refusal

        return names[1], new, convert

    def _added(self, key: str) -> tuple[str, Type, Map]:
        name, ctype = self._name("x"), self.random.choice([*INTEGERS, FLOATS[1], POINTERS[0], BOOL])
        value = 0 if ctype.kind in ("pointer", "bool") else self.random.randint(0, 100)
        self.answers[f"initial {key}.{name}"] = str(value)
        return name, ctype, lambda _: float(value) if ctype.kind == "float" else value

    def _grouped(self, made: list[tuple[str, Type, Map]], old: Record, key: str) -> list[tuple[str, Type, Map]]:
        """Put members that did not change into a struct, which is what flat members are told apart by: their names."""
        known = dict(old.members)
        flat = [
            (name, ctype, convert)
            for name, ctype, convert in made
            if name
            and isinstance(ctype, Scalar)
            and known.get(name) == ctype
            and ctype.kind != "enum"
            and f"member {key}.{name}" not in self.answers
        ]
        if len(flat) < 2:
            return made
        inside = self.random.sample(flat, 2)
        box = Record("", tuple((name, each) for name, each, _ in inside))
        converts = [convert for _, _, convert in inside]
        taken = {name for name, _, _ in inside}
        rest = [each for each in made if each[0] not in taken]
        return [*rest, (self._name("g"), box, lambda v: {n: convert(v) for n, convert in enumerate(converts)})]

    # -- values

    def _evolve(self, ctype: Type, old_key: str, new_key: str, name: str) -> tuple[Type, Map]:
        match ctype:
            case Scalar():
                return self._evolve_scalar(ctype)
            case Array():
                return self._evolve_array(ctype, old_key, new_key, name)
            case Record(tag) if tag:
                return next((new, convert) for old, new, convert in self.named if old is ctype)
            case Record(union=True):
                return self._evolve_union(ctype)
            case Record():
                return self._evolve_struct(ctype, old_key)

    def _now(self, ctype: Scalar) -> Scalar:
        if ctype.kind != "enum":
            return ctype
        new = next(new for tag, _, new in self.enums if f"enum {tag}" == ctype.c)
        return Scalar(ctype.c, "enum", 32, False, 0, new)

    def _evolve_scalar(self, old: Scalar) -> tuple[Type, Map]:
        new = self._now(old)
        if old.width:
            if self._chance(50):
                base = self.random.choice(_BASES)
                width = self.random.randint(1, min(base.bits, 40))
                new = Scalar(base.c, "int", base.bits, base.signed, width if self._chance(80) else 0)
        elif old.kind in ("int", "float", "bool") and self._chance(40):
            new = self.random.choice([*INTEGERS, *FLOATS, BOOL])
        elif old.kind == "enum" and self._chance(15):
            new = self.random.choice(INTEGERS)
        return new, lambda value: convert_scalar(old, new, value)

    def _evolve_union(self, union: Record) -> tuple[Type, Map]:
        members = list(union.members)
        pointers = all(isinstance(each, Scalar) and each.kind == "pointer" for _, each in members)
        if not pointers and self._chance(40):
            members.append((self._name("u"), self.random.choice(INTEGERS)))

        def convert(value: Value) -> Value:
            ((place, held),) = value.items()
            return {place: held + MOVED if pointers and held else held}

        return Record("", tuple(members), union=True), convert

    def _evolve_array(self, old: Array, old_key: str, new_key: str, name: str) -> tuple[Type, Map]:
        length = self.random.choice([old.length, old.length, max(1, old.length - 1), old.length + 2])
        element, inner = self._evolve(old.element, old_key, new_key, name)
        if isinstance(old.element, Array):
            length = old.length  # one bound at a time: a question has one subject
        text = old.element == INTEGERS[0]
        bytes_ = old.element in INTEGERS[1:3]
        if length < old.length and not text and (not bytes_ or element != old.element):
            self.answers[f"member {old_key}"] = self.answers.get(f"member {old_key}", name)
        if length > old.length:
            self.answers[f"initial {new_key}"] = "0"

        def convert(value: Value) -> Value:
            tested = f"member {old_key}" not in self.answers
            if length < old.length and text and 0 not in value[:length]:
                raise Refusal
            if length < old.length and not text and tested and any(value[length:]):
                raise Refusal
            return [inner(each) for each in value[:length]] + [empty(element)] * (length - old.length)

        return Array(element, length), convert


def _is_unnamed(ctype: Type) -> bool:
    """Whether decisions about what is inside name the member that it is."""
    while isinstance(ctype, Array):
        ctype = ctype.element
    return isinstance(ctype, Record) and not ctype.tag and not ctype.union


def empty(ctype: Type) -> Value:
    """Return the value whose bytes are zero."""
    match ctype:
        case Scalar(kind="float"):
            return 0.0
        case Scalar():
            return 0
        case Array(element, length):
            return [empty(element)] * length
        case Record(members=members, union=True):
            return {0: empty(members[0][1])}
        case Record(members=members):
            return {place: empty(each) for place, (_, each) in enumerate(members)}


def convert_scalar(old: Scalar, new: Scalar, value: Value) -> Value:
    """Return the new value of a single one, or refuse it."""
    if old.kind == "pointer":
        return value + MOVED if value else 0
    if old.kind == "function":
        return value
    if old.kind == new.kind == "enum":
        names, values = {number: name for name, number in old.constants}, dict(new.constants)
        if old.constants != new.constants and any(values.get(name) != number for name, number in old.constants):
            if value not in names or names[value] not in values:
                raise Refusal
            return values[names[value]]
        return value
    if new.kind == "float":
        wanted = _single(float(value)) if new.bits == 32 else float(value)
        if wanted != value:
            raise Refusal
        return wanted
    if value != int(value) or not new.range[0] <= value <= new.range[1]:
        raise Refusal
    return int(value)


def _single(value: float) -> float:
    try:
        return float(packing.unpack("f", packing.pack("f", value))[0])
    except OverflowError:
        return float("inf")


def pick(random: Random, ctype: Type) -> Value:
    """Return a value: often at the ends of what a type can hold, often one that other types can hold too."""
    match ctype:
        case Scalar(kind="float"):
            number = random.choice([0.0, 1.0, -1.0, 0.5, 255.0, 65536.0, 16777217.0, 1e10, -2147483648.0])
            return _single(number) if ctype.bits == 32 else number
        case Scalar(kind="pointer" | "function"):
            return random.choice([0, 16, 4096, 1 << 40])
        case Scalar(kind="enum"):
            return random.choice([number for _, number in ctype.constants] * 8 + [99])
        case Scalar():
            least, greatest = ctype.range
            small = [each for each in (0, 1, 1, 2, 7) if each <= greatest]
            return random.choice([*small, *small, *small, least, greatest])
        case Array(element, length):
            return [pick(random, element) for _ in range(length)]
        case Record(members=members, union=True):
            place = random.randrange(len(members))
            return {place: pick(random, members[place][1])}
        case Record(members=members):
            found = {place: pick(random, each) for place, (_, each) in enumerate(members)}
            for place, (name, each) in enumerate(members):
                if "tagged" in name and isinstance(each, Record):
                    held = random.randrange(len(each.members))
                    found[place] = {held: pick(random, each.members[held][1])}
                    found[place - 1] = held
            return found
