"""Call frame information: how the caller's registers are found again from any instruction of a function.

Source: DWARF 5, section 6.4; Linux Standard Base, .eh_frame. As patchkit/runtime/src/unwind.c reads it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Rule = tuple[str, object]

_POINTER_SIZES = {0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8}
_ADVANCES = {0x02: 1, 0x03: 2, 0x04: 4}
RBP, RSP = 6, 7


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds at an instruction: the canonical frame address and where each register of the caller is."""

    cfa: Rule
    registers: tuple[tuple[int, Rule], ...]

    @property
    def base(self) -> tuple[int, int] | None:
        """Register and offset whose sum is the canonical frame address; None where it is computed otherwise."""
        if self.cfa[0] != "register":
            return None
        register, offset = self.cfa[1] if isinstance(self.cfa[1], tuple) else (0, 0)
        return int(register), int(offset)


@dataclass(frozen=True, slots=True)
class Description:
    """The frames of one function, by the addresses from which they hold on."""

    start: int
    size: int
    places: tuple[int, ...]
    frames: tuple[Frame, ...]

    def at(self, place: int) -> Frame | None:
        """Return the frame of the instruction that holds `place`, relative to the function's start."""
        index = bisect_right(self.places, place) - 1
        return self.frames[index] if 0 <= place < self.size and index >= 0 else None


class _Bytes:
    """A place in the section; what runs out of its end raises IndexError."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def fixed(self, size: int, *, signed: bool = False) -> int:
        if self.at + size > self.end:
            raise IndexError
        value = int.from_bytes(self.data[self.at : self.at + size], "little", signed=signed)
        self.at += size
        return value

    def uleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.fixed(1)
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value

    def sleb(self) -> int:
        value = shift = 0
        while True:
            byte = self.fixed(1)
            value |= (byte & 127) << shift
            shift += 7
            if not byte & 128:
                return value - (1 << shift) if byte & 64 else value

    def block(self) -> bytes:
        size = self.uleb()
        self.at += size
        if self.at > self.end:
            raise IndexError
        return self.data[self.at - size : self.at]


@dataclass(frozen=True, slots=True)
class _Common:
    code_align: int
    data_align: int
    encoding: int
    augmented: bool
    program: tuple[int, int]


def read_frames(data: bytes, start_of: Callable[[int, int], int | None]) -> Iterator[Description]:
    """Yield what the section .eh_frame in `data` describes.

    `start_of` returns the address of the function that a description is of, from the offset and the encoding of its
    field; None leaves it out. A description that cannot be read is left out too.
    """
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        if length in (0, 0xFFFFFFFF):
            return
        back = int.from_bytes(data[at + 4 : at + 8], "little")
        if back:
            try:
                found = _description(data, at, at + 4 + length, at + 4 - back, start_of)
            except (IndexError, KeyError):
                found = None
            if found is not None:
                yield found
        at += 4 + length


def _common(data: bytes, at: int) -> _Common:
    source = _Bytes(data, at + 8, at + 4 + int.from_bytes(data[at : at + 4], "little"))
    version = source.fixed(1)
    end = data.index(0, source.at)
    augmentation = data[source.at : end].decode("latin-1")
    source.at = end + 1
    code_align, data_align = source.uleb(), source.sleb()
    source.fixed(1) if version == 1 else source.uleb()
    encoding = 0
    if augmentation.startswith("z"):
        size = source.uleb()
        behind = source.at + size
        for letter in augmentation[1:]:
            if letter == "R":
                encoding = source.fixed(1)
            elif letter == "P":
                source.at += _POINTER_SIZES[source.fixed(1) & 15]
            elif letter == "L":
                source.fixed(1)
            else:
                raise KeyError(letter)
        source.at = behind
    elif augmentation:
        raise KeyError(augmentation)
    return _Common(code_align, data_align, encoding, augmentation.startswith("z"), (source.at, source.end))


def _description(
    data: bytes, at: int, end: int, common_at: int, start_of: Callable[[int, int], int | None]
) -> Description | None:
    common = _common(data, common_at)
    start = start_of(at + 8, common.encoding)
    if start is None:
        return None
    width = _POINTER_SIZES[common.encoding & 15]
    source = _Bytes(data, at + 8 + width, end)
    size = source.fixed(width)
    if common.augmented:
        source.block()
    machine = _Machine(common)
    machine.run(_Bytes(data, *common.program))
    machine.initial = dict(machine.rules)
    machine.run(source)
    machine.note()
    return Description(start, size, tuple(machine.places), tuple(machine.frames))


class _Machine:
    """Runs call frame instructions and keeps what held where."""

    def __init__(self, common: _Common) -> None:
        self.common = common
        self.place = 0
        self.cfa: Rule = ("none", 0)
        self.rules: dict[int, Rule] = {}
        self.initial: Mapping[int, Rule] = {}
        self.kept: list[tuple[Rule, dict[int, Rule]]] = []
        self.places: list[int] = []
        self.frames: list[Frame] = []

    def note(self) -> None:
        """Keep what holds from here on."""
        frame = Frame(self.cfa, tuple(sorted(self.rules.items())))
        if self.places and self.places[-1] == self.place:
            self.frames[-1] = frame
            return
        self.places.append(self.place)
        self.frames.append(frame)

    def run(self, source: _Bytes) -> None:
        """Run all instructions of `source`."""
        while source.at < source.end:
            code = source.fixed(1)
            low = code & 63
            if code >> 6 == 1:
                self._advance(low)
            elif code >> 6 == 2:
                self._saved(low, source.uleb())
            elif code >> 6 == 3:
                self._restore(low)
            elif code in _ADVANCES:
                self._advance(source.fixed(_ADVANCES[code]))
            else:
                self._extended(code, source)

    def _advance(self, delta: int) -> None:
        self.note()
        self.place += delta * self.common.code_align

    def _restore(self, register: int) -> None:
        if register in self.initial:
            self.rules[register] = self.initial[register]
        else:
            self.rules.pop(register, None)

    def _saved(self, register: int, factored: int) -> None:
        self.rules[register] = ("at", factored * self.common.data_align)

    def _extended(self, code: int, source: _Bytes) -> None:
        match code:
            case 0x00:
                pass
            case 0x05 | 0x11:
                register = source.uleb()
                self._saved(register, source.uleb() if code == 0x05 else source.sleb())
            case 0x06:
                self._restore(source.uleb())
            case 0x07:
                self.rules[source.uleb()] = ("undefined", 0)
            case 0x08:
                self.rules.pop(source.uleb(), None)
            case 0x09:
                register = source.uleb()
                self.rules[register] = ("register", source.uleb())
            case 0x0A:
                self.kept.append((self.cfa, dict(self.rules)))
            case 0x0B:
                self.cfa, self.rules = self.kept.pop()
            case 0x0C | 0x12:
                register = source.uleb()
                offset = source.uleb() if code == 0x0C else source.sleb() * self.common.data_align
                self.cfa = ("register", (register, offset))
            case 0x0D | 0x0E | 0x13:
                self._change_cfa(code, source)
            case 0x0F:
                self.cfa = ("expression", source.block())
            case 0x10 | 0x16:
                register = source.uleb()
                self.rules[register] = ("at expression" if code == 0x10 else "expression", source.block())
            case 0x2E:
                source.uleb()
            case _:
                raise KeyError(code)

    def _change_cfa(self, code: int, source: _Bytes) -> None:
        register, offset = self.cfa[1] if isinstance(self.cfa[1], tuple) else (RSP, 0)
        if code == 0x0D:
            register = source.uleb()
        elif code == 0x0E:
            offset = source.uleb()
        else:
            offset = source.sleb() * self.common.data_align
        self.cfa = ("register", (register, offset))
