"""The code of a linked program, where operands are addresses."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from patchkit.bundle.elf import Relocation
from patchkit.bundle.executable import Executable
from patchkit.bundle.frames import Description, read_frames
from patchkit.bundle.instructions import Instruction, Role, Value, read_code, split_code, without_padding
from patchkit.bundle.keys import Identity, Sort
from patchkit.bundle.sides import Function, Place, Reference, What, renamed, without_got
from patchkit.errors import InputError

_PC_RELATIVE_POINTER = 0x1B  # DW_EH_PE_pcrel | DW_EH_PE_sdata4
_GLOB_DAT, _JUMP_SLOT, _RELATIVE = 6, 7, 8  # relocation types of the x86-64 psABI


class ExecutableCode:
    """The functions of a linked program."""

    def __init__(self, executable: Executable) -> None:
        self.executable = executable
        self._slots = {
            row.offset: self._name(row)
            for row in executable.elf.dynamic_relocations()
            if row.type in (_GLOB_DAT, _JUMP_SLOT)
        }

    def _name(self, row: Relocation) -> str:
        return self.executable.elf.dynamic_symbols[row.symbol].name

    @cached_property
    def functions(self) -> dict[tuple[Identity, str], Function]:
        """All of them, by identity and symbol."""
        stretches = [each for each in self.executable.stretches if each.size]
        lines = ((address, text) for _, address, text in read_code(self.executable.elf.path))
        found = split_code(lines, {each.place: each.place + each.size for each in stretches})
        frames = {each.start: each for each in self._frames()}
        result: dict[tuple[Identity, str], Function] = {}
        for each in stretches:
            code = without_padding(found.get(each.place, ()))
            result[each.identity, each.symbol] = Function(
                each.identity, each.symbol, each.place, each.size, code, self._bound, frames.get(each.place)
            )
        return result

    def _frames(self) -> Iterator[Description]:
        section = self.executable.elf.section(".eh_frame")
        if section is None:
            return iter(())
        data = self.executable.elf.content(section)

        def start_of(at: int, encoding: int) -> int | None:
            if encoding != _PC_RELATIVE_POINTER:
                return None
            return section.address + at + int.from_bytes(data[at : at + 4], "little", signed=True)

        return read_frames(data, start_of)

    def _bound(self, instruction: Instruction) -> Instruction:
        """The form that an instruction has before a linker that knows better than the GOT rewrites it."""
        for value in instruction.variables:
            if value.role is Role.PLACE and value.number in self._slots:
                return without_got(instruction, self._slots[value.number])
        return instruction

    def place(self, function: Function, instruction: Instruction, number: int) -> Place | None:
        """Return where operand `number` of an instruction leads."""
        return instruction.variables[number]

    def leads_to(self, place: Place, like: Reference, former: Identity | None) -> int | None:
        """Return how many bytes into the thing that `like` means the place is; None where it is elsewhere.

        `former` is who the thing is in this version.
        """
        assert isinstance(place, Value)
        if like.what is What.IMPORT:
            named = place.symbol.partition("@")[0] == like.symbol and "+" not in place.symbol
            things = (self.executable.things.get(Identity(sort, like.symbol)) for sort in Sort)
            own = next((each for each in things if each is not None), None)
            if named or own is None:
                return 0 if named else None
            return place.number - own.place
        if like.what is What.CODE and former is not None:
            function = self.functions.get((former, renamed(like, former)))
            inside = function is not None and 0 <= place.number - function.start < max(function.size, 1)
            return place.number - function.start if function is not None and inside else None
        thing = self.executable.things.get(former) if former is not None else None
        if thing is None:
            return None
        offset = (place.number - thing.place + (1 << 63)) % (1 << 64) - (1 << 63)
        return offset if like.offset == offset or 0 <= offset <= thing.size else None

    def content(self, place: Place, size: int) -> bytes | None:
        """Return `size` bytes at `place`."""
        assert isinstance(place, Value)
        try:
            return self.executable.elf.bytes_at(place.number, size)
        except InputError:
            return None

    def text(self, place: Place, most: int) -> bytes | None:
        """Return the text at `place` up to its NUL, at most `most` bytes."""
        for size in (most, 1):
            data = self.content(place, size)
            if data is not None:
                return data.partition(b"\0")[0]
        return None

    def table(self, place: Place, stride: int, count: int) -> list[Place]:
        """Return where the words of a table of jumps lead: relative to its start with 4 bytes each, absolute with 8."""
        data = self.content(place, stride * count)
        assert isinstance(place, Value)
        if data is None:
            return []
        rows = [int.from_bytes(data[at : at + stride], "little", signed=True) for at in range(0, len(data), stride)]
        if stride == 4:
            return [Value(Role.BRANCH, place.number + row) for row in rows]
        relative = self._relative
        return [Value(Role.BRANCH, relative.get(place.number + 8 * number, row)) for number, row in enumerate(rows)]

    def landing(self, parts: Mapping[str, Function], place: Place) -> tuple[str, int] | None:
        """Return the part, by what its symbol has more than the function's, and the instruction that `place` is."""
        assert isinstance(place, Value)
        for suffix, part in parts.items():
            index = part.index_of(place.number)
            if index >= 0:
                return suffix, index
        return None

    def function_at(self, place: Place) -> Function | None:
        """Return the function that starts at `place`."""
        assert isinstance(place, Value)
        return self._by_start.get(place.number)

    @cached_property
    def _by_start(self) -> dict[int, Function]:
        return {each.start: each for each in self.functions.values()}

    @cached_property
    def _relative(self) -> dict[int, int]:
        return {row.offset: row.addend for row in self.executable.elf.dynamic_relocations() if row.type == _RELATIVE}
