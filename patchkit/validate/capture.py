"""Sample objects from a program's memory: found from its variables as a migration finds them, spelled as values."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from patchkit.diff.types import Types
from patchkit.model.ctype import Array, CType, Named, Pointer, Tag
from patchkit.model.program import Record
from patchkit.transform.shapes import Context, Graph, Slot, Test
from patchkit.validate.samples import FORMAT, flexible
from patchkit.validate.values import Value, decode

Read = Callable[[int, int], bytes | None]
_MOST_OBJECTS = 200_000  # that are looked at
_MOST_ELEMENTS = 65_536  # of one array
_TEXT = 256  # bytes of a text
_OTHERS = 8  # objects of other types that are taken along, for each that is wanted


@dataclass(frozen=True, slots=True)
class Spot:
    """An object to look at; `subject` is the key of a variable, `context` the container that it was found in."""

    ctype: CType
    place: int
    subject: str = ""
    context: Context = ()


@dataclass(slots=True)
class Capture:
    """A walk through memory. `found` are the places of the objects of the record `wanted`, at most `most`."""

    graph: Graph
    read: Read
    wanted: str
    most: int
    found: list[int] = field(default_factory=list)
    _seen: set[tuple[int, CType, Context]] = field(default_factory=set)
    _waiting: deque[Spot] = field(default_factory=deque)
    _slots: dict[tuple[CType, str, Context], list[Slot]] = field(default_factory=dict)
    _inside: dict[CType, list[int]] = field(default_factory=dict)
    _others: dict[tuple[int, str], str] = field(default_factory=dict)  # names of what the found objects lead to

    @property
    def types(self) -> Types:
        """Those of the version that runs."""
        return self.graph.types

    @property
    def looked(self) -> int:
        """How many objects were looked at."""
        return len(self._seen)

    def walk(self, roots: Iterable[Spot]) -> None:
        """Look from the variables `roots` until enough objects were found."""
        self._waiting.extend(roots)
        while self._waiting and len(self.found) < self.most and len(self._seen) < _MOST_OBJECTS:
            self._visit(self._waiting.popleft())

    def _visit(self, spot: Spot) -> None:
        bare = self.types.canonical(self.types.bare(spot.ctype))
        key = spot.place, bare, spot.context
        if key in self._seen:
            return
        self._seen.add(key)
        if bare not in self._inside:
            self._inside[bare] = list(self._wanted_in(bare, 0))
        for offset in self._inside[bare]:
            place = spot.place + offset
            if place not in self.found and len(self.found) < self.most and self.read(place, 1) is not None:
                self.found.append(place)
        shape = bare, spot.subject, spot.context
        if shape not in self._slots:
            self._slots[shape] = self.graph.seen(spot.ctype, spot.subject, spot.context)
        for slot in self._slots[shape]:
            if slot.target is not None:
                self._follow(slot, slot.target, spot.place)

    def _wanted_in(self, ctype: CType, offset: int) -> Iterator[int]:
        """Yield where objects of the record that is wanted lie inside one of `ctype`."""
        bare = self.types.bare(ctype)
        if isinstance(bare, Array):
            step = self.types.size(bare.element)
            first = list(self._wanted_in(bare.element, offset))
            for number in range(min(bare.length or 0, _MOST_ELEMENTS) if first else 0):
                yield from (each + number * step for each in first)
            return
        record = self.types.record(bare) if not isinstance(bare, Pointer) else None
        if record is None:
            return
        if record.key == self.wanted:
            yield offset
        for member in record.members if record.tag is Tag.STRUCT else ():
            if member.width is None:
                yield from self._wanted_in(member.type, offset + member.offset // 8)

    def _follow(self, slot: Slot, target: CType, holder: int) -> None:
        step = self.types.size(target)
        for number in range(min(slot.repeat, _MOST_ELEMENTS)):
            own = holder + number * slot.stride
            place = self._number(own + slot.offset, 8)
            if not place or not all(self._holds(test, own) for test in slot.tests):
                continue
            count = self._number(own + slot.count[0], slot.count[1]) if slot.extent == "counted" else 1
            for element in range(min(count, _MOST_ELEMENTS)):
                self._waiting.append(Spot(target, place - slot.back + element * step, "", slot.context))

    def _holds(self, test: Test, holder: int) -> bool:
        if test.function:  # where it is would have to be looked up; what a wrong type would show is worse than nothing
            return False
        word = self._number(holder + test.bit // 8, (test.bit % 8 + test.width + 7) // 8)
        return word >> test.bit % 8 & (1 << test.width) - 1 == test.value & (1 << test.width) - 1

    def _number(self, place: int, size: int) -> int:
        data = self.read(place, size)
        return int.from_bytes(data, "little") if data is not None else 0

    # -- values

    def book(self) -> dict[str, Value]:
        """Return what was found as the content of a file of samples, with objects that they lead to."""
        record = self.types.program.records[self.wanted]
        objects = {str(number): self._object(record, place) for number, place in enumerate(self.found, 1)}
        told = 0
        while told < len(self._others):  # spelling one may name others
            (place, key), name = list(self._others.items())[told]
            objects[name] = self._object(self.types.program.records[key], place)
            told += 1
        return {"format": FORMAT, "objects": {key: each for key, each in objects.items() if each is not None}}

    def _object(self, record: Record, place: int) -> Value:
        count, start, step = self._tail(record, place)
        data = self.read(place, max(record.size, start + count * step))
        if data is None:
            return None
        value = decode(self.types, record, data, self._spell, count)
        return {"type": record.key, "at": f"{place:#x}", "value": value}

    def _tail(self, record: Record, place: int) -> tuple[int, int, int]:
        """How many elements stand at the end of an object, where they begin, and the bytes of one."""
        last = flexible(self.types, record)
        if last is None:
            return 0, 0, 0
        counters = self.graph.counters(f"{record.key}.{last[0]}")
        counter = next((each for each in record.members if each.name in counters), None)
        count = self._number(place + counter.offset // 8, counter.size // 8) if counter is not None else 0
        return min(count, _MOST_ELEMENTS), last[1], last[2]

    def _spell(self, place: int, ctype: CType) -> Value:
        if not place:
            return None
        size = self.types.program.records[self.wanted].size
        for number, start in enumerate(self.found, 1):
            if start <= place < start + size:
                return f"&{number}" + (f"+{place - start}" if place > start else "")
        bare = self.types.bare(ctype)
        target = bare.target if isinstance(bare, Pointer) else None
        text = self._text(place) if target is not None and self.types.is_char(target) else None
        if text is not None:
            return {"text": text}
        led_to = self.types.bare(target) if target is not None else None
        record = self.types.record(led_to) if isinstance(led_to, Named) else None
        name = self._other(record, place) if record is not None else ""
        return f"&{name}" if name else {"address": f"{place:#x}"}

    def _other(self, record: Record, place: int) -> str:
        """The name of an object that leads on from what was found, empty where it is too far or is none."""
        key = place, record.key
        if key not in self._others:
            if len(self._others) >= _OTHERS * len(self.found) or self.read(place, record.size) is None:
                return ""
            self._others[key] = f"o{len(self._others) + 1}"
        return self._others[key]

    def _text(self, place: int) -> str | None:
        """The text at a place, None where none ends soon."""
        sizes = (_TEXT >> halved for halved in range(9))  # less than that may be left of a mapping
        data = next((each for size in sizes if (each := self.read(place, size)) is not None), b"")
        text, end, _ = data.partition(b"\0")
        try:
            return text.decode("utf-8") if end else None
        except UnicodeDecodeError:
            return None


def roots_of(graph: Graph, places: Mapping[str, int], base: int) -> Iterator[Spot]:
    """Yield the variables that have a place."""
    variables = graph.types.program.variables
    for key, place in places.items():
        ctype = variables[key].type
        yield Spot(ctype, place + base, key)
