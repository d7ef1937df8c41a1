"""The code of a version's objects, where relocations say what operands lead to."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from patchkit.bundle.elf import STT_FUNC, STT_SECTION, Relocation
from patchkit.bundle.frames import Description, read_frames
from patchkit.bundle.image import R_32, R_32S, R_64, R_GOTPCREL, R_GOTPCRELX, R_GOTTPOFF, R_REX_GOTPCRELX, R_TPOFF32
from patchkit.bundle.instructions import Instruction, Role, Value, read_code, split_code, without_padding
from patchkit.bundle.keys import Identity
from patchkit.bundle.objects import Definition, Home, ObjectFile, Piece, Program, functions_of
from patchkit.bundle.sides import Function, Place, Reference, What, renamed, without_got

_GOT = frozenset({R_GOTPCREL, R_GOTPCRELX, R_REX_GOTPCRELX})
_WORDS = {R_64: 8, R_32: 4, R_32S: 4, R_TPOFF32: 4}  # absolute ones and their width in bytes


class ObjectCode:
    """The functions of a version's objects."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._by_piece: dict[int, list[Definition]] = {}
        for each in functions_of(program.objects):
            self._by_piece.setdefault(id(each.piece), []).append(each)
        for listed in self._by_piece.values():
            listed.sort(key=lambda each: each.value)

    @cached_property
    def functions(self) -> dict[tuple[Identity, str], Function]:
        """All of them, by identity and symbol."""
        found: dict[tuple[Identity, str], Function] = {}
        for source in self.program.objects:
            for each in self._functions(source):
                found.setdefault((each.identity, each.symbol), each)
        return found

    def _functions(self, source: ObjectFile) -> Iterator[Function]:
        names: dict[str, Piece] = {}
        twice: set[str] = set()
        for piece in source.pieces.values():
            if piece.home is Home.TEXT:
                twice |= {piece.section} & names.keys()
                names[piece.section] = piece
        lines: dict[str, list[tuple[int, str]]] = {}
        for section, address, text in read_code(source.elf.path):
            lines.setdefault(section, []).append((address, text))
        frames = self._frames(source)
        for section, rows in lines.items():
            if section not in names or section in twice:
                continue
            piece = names[section]
            own = [each for each in self._by_piece.get(id(piece), ()) if each.size]
            code = split_code(rows, {each.value: each.value + each.size for each in own})
            for each in own:
                yield _function(each, piece, code.get(each.value, []), frames.get((id(piece), each.value)))

    def _frames(self, source: ObjectFile) -> dict[tuple[int, int], Description]:
        found: dict[tuple[int, int], Description] = {}
        for section in source.pieces.values():
            if section.section != ".eh_frame":
                continue
            rows = {row.offset: row for row in section.relocations}
            where: list[tuple[int, int]] = []

            def start_of(
                at: int, encoding: int, rows: dict[int, Relocation] = rows, where: list[tuple[int, int]] = where
            ) -> int | None:
                row = rows.get(at)
                reference = self.reference(source, row, row.addend) if row is not None else None
                if reference is None or reference.piece is None or encoding & 15 not in (3, 11):
                    return None
                where.append((id(reference.piece), self._start(reference)))
                return 0

            for number, each in enumerate(read_frames(section.content, start_of)):
                found[where[number]] = each
        return found

    def _start(self, reference: Reference) -> int:
        own = self._by_piece.get(id(reference.piece), ())
        function = next((each for each in own if each.symbol == reference.symbol), None)
        return reference.offset + (function.value if function is not None else 0)

    def reference(self, source: ObjectFile, row: Relocation, offset: int) -> Reference:
        """Return what lies `offset` bytes behind the symbol of a relocation."""
        symbol = source.elf.symbols[row.symbol]
        definition = self.program.definition(source, row.symbol)
        if symbol.type == STT_SECTION and symbol.section in source.pieces:
            return self._in_piece(source.pieces[symbol.section], offset, None)
        if definition is None or definition.piece is None:
            return Reference(What.IMPORT, None, symbol.name, offset)
        named = definition.identity if definition.type != STT_FUNC else None
        if named is not None and definition.piece.home is not Home.TEXT:
            what = What.THREAD if definition.piece.home is Home.THREAD else What.DATA
            return Reference(what, named, definition.symbol, offset, definition.piece)
        return self._in_piece(definition.piece, definition.value + offset, definition)

    def _in_piece(self, piece: Piece, offset: int, wanted: Definition | None) -> Reference:
        if piece.home is Home.TEXT:
            own = self._by_piece.get(id(piece), [])
            found = wanted if wanted is not None and wanted.type == STT_FUNC else None
            index = bisect_right(own, offset, key=lambda each: each.value) - 1
            if found is None and index >= 0:
                found = own[index]
            if found is not None:
                return Reference(What.CODE, found.identity, found.symbol, offset - found.value, piece)
        elif piece.variable is not None:
            what = What.THREAD if piece.home is Home.THREAD else What.DATA
            return Reference(what, piece.variable, piece.variable.name, offset, piece)
        return Reference(What.ANONYMOUS, None, piece.section, offset, piece)

    def place(self, function: Function, instruction: Instruction, number: int) -> Reference | None:
        """Return where operand `number` of an instruction leads, None for a plain number."""
        rows = function.relocations.get(instruction.start, ())
        piece, value = function.piece, instruction.variables[number]
        assert piece is not None
        assert piece.source is not None
        for row in rows:
            width = _WORDS.get(row.type)
            if width is None:
                if value.role in (Role.BRANCH, Role.PLACE) or (row.type == R_GOTTPOFF and value.role is Role.IMMEDIATE):
                    return self.reference(piece.source, row, row.addend + instruction.end - row.offset)
                continue
            last = row.offset + width == instruction.end
            has_immediate = any(each.role is Role.IMMEDIATE for each in instruction.variables)
            wanted = (Role.IMMEDIATE,) if last and has_immediate else (Role.OFFSET, Role.ABSOLUTE)
            if value.role in wanted:
                return self.reference(piece.source, row, row.addend)
        return None

    def leads_to(self, place: Place, like: Reference, former: Identity | None) -> int | None:
        """See `Side.leads_to`."""
        assert isinstance(place, Reference)
        if place.what is not like.what:
            return None
        if like.what is What.IMPORT:
            return place.offset if place.symbol == like.symbol else None
        if like.what is What.CODE and former is not None and place.symbol != renamed(like, former):
            return None
        return place.offset if place.identity == former else None

    def content(self, place: Place, size: int) -> bytes | None:
        """Return `size` bytes at `place`."""
        assert isinstance(place, Reference)
        if place.piece is None or place.offset < 0 or place.offset + size > place.piece.size:
            return None
        data = place.piece.content[place.offset : place.offset + size]
        return data + bytes(size - len(data))

    def text(self, place: Place, most: int) -> bytes | None:
        """See `Side.text`."""
        assert isinstance(place, Reference)
        if place.piece is None:
            return None
        return place.piece.content[place.offset : place.offset + most].partition(b"\0")[0]

    def table(self, place: Place, stride: int, count: int) -> list[Place]:
        """See `Side.table`. What does not lead to code ends a table; a `count` of 0 asks for all of it."""
        assert isinstance(place, Reference)
        piece = place.piece
        if piece is None or piece.source is None:
            return []
        rows = {row.offset: row for row in piece.relocations}
        found: list[Place] = []
        at = place.offset
        while at in rows and (not count or len(found) < count):
            offset = rows[at].addend - (at - place.offset if stride == 4 else 0)
            target = self.reference(piece.source, rows[at], offset)
            if target.what is not What.CODE:
                break
            found.append(target)
            at += stride
        return found

    def landing(self, parts: Mapping[str, Function], place: Place) -> tuple[str, int] | None:
        """See `Side.landing`."""
        assert isinstance(place, Reference)
        for suffix, part in parts.items():
            if place.what is What.CODE and (place.identity, place.symbol) == (part.identity, part.symbol):
                index = part.index_of(part.start + place.offset)
                return (suffix, index) if index >= 0 else None
        return None

    def function_at(self, place: Place) -> Function | None:
        """See `Side.function_at`."""
        assert isinstance(place, Reference)
        if place.what is not What.CODE or place.identity is None or place.offset:
            return None
        return self.functions.get((place.identity, place.symbol))


def _function(
    definition: Definition, piece: Piece, code: Iterable[tuple[int, int, str]], frame: Description | None
) -> Function:
    lines = without_padding(code)
    starts = [start for start, _, _ in lines]
    rows: dict[int, list[Relocation]] = {}
    for row in piece.relocations:
        index = bisect_right(starts, row.offset) - 1
        if index >= 0:
            rows.setdefault(starts[index], []).append(row)
    assert definition.identity is not None
    relocations = {start: tuple(listed) for start, listed in rows.items()}

    def bind(instruction: Instruction) -> Instruction:
        return _bound(instruction, relocations.get(instruction.start, ()))

    place = definition.value, definition.size
    return Function(definition.identity, definition.symbol, *place, lines, bind, frame, piece, relocations)


def _bound(instruction: Instruction, rows: Sequence[Relocation]) -> Instruction:
    """The form that a linker gives to an instruction which goes through the GOT without need."""
    if any(row.type in _GOT for row in rows):
        return without_got(instruction, "")
    if any(row.type == R_GOTTPOFF for row in rows) and instruction.shape.startswith("mov R,%"):
        value = Value(Role.IMMEDIATE, 0)
        shape = "mov $" + instruction.shape[5:]
        return Instruction(instruction.start, instruction.end, "mov", shape, instruction.text, (value,))
    return instruction
