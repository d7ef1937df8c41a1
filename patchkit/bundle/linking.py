"""From the new version's objects and the pairing to a payload."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from patchkit.bundle import payload as rows
from patchkit.bundle.converting import DOWN, Names
from patchkit.bundle.elf import STT_SECTION
from patchkit.bundle.executable import Executable, Thing
from patchkit.bundle.image import (
    ENTRY_SIZE,
    STUB_SIZE,
    Layout,
    References,
    Resolver,
    Spot,
    got_size,
    is_function,
    pages,
    unwind_rows,
)
from patchkit.bundle.initial import Initial, equal_constants
from patchkit.bundle.keys import Identity, Sort, is_clone
from patchkit.bundle.objects import Definition, Home, ObjectFile, Piece, Program, function_at_start, functions_of
from patchkit.bundle.pairing import Pairing, Refusal
from patchkit.bundle.payload import NONE, NOWHERE, Kind, Target
from patchkit.errors import InputError
from patchkit.model.decision import Way
from patchkit.transform.migration import PLANS, Side


@dataclass(slots=True)
class Linked:
    """The outcome of linking: all that a payload holds but the tables of old code, and what was decided on the way."""

    image: bytes
    segments: tuple[int, int, int, int]
    olds: list[rows.Old]
    news: list[rows.New]
    imports: list[rows.Import]
    relocations: list[rows.Relocation]
    patches: list[rows.Patch]
    new_functions: list[rows.FunctionRow]
    expects: list[rows.Expect]
    unwind: list[rows.Unwind]
    old_index: dict[Identity, int]
    adopted: int = 0
    constants: int = 0
    fresh: int = 0
    plan: int = NOWHERE
    down: int = NOWHERE


class Linker(Resolver):
    """One linking. `unpatchable` are old functions whose entry cannot become a jump."""

    def __init__(
        self,
        program: Program,
        old: Executable,
        new: Executable,
        pairing: Pairing,
        unpatchable: frozenset[Identity],
        names: Names | None = None,
    ) -> None:
        self.program = program
        self.old, self.new = old, new
        self.pairing = pairing
        self.unpatchable = unpatchable
        self.olds: list[rows.Old] = []
        self.old_index: dict[Identity, int] = {}
        self.imports: list[rows.Import] = []
        self.import_index: dict[str, int] = {}
        self.adopted: dict[Identity, Thing] = {}  # by identity in the new version
        self.refusals: list[Refusal] = []
        self.layout = Layout()
        self.entry_offsets: dict[Identity, int] = {}
        self.versions = {symbol.name: symbol.version for symbol in new.elf.dynamic_symbols}
        self.initial, self.brought = Initial(old), Initial(new)
        self.names = names  # of the update's own C
        self.initial_at: dict[tuple[Side, Identity], int] = {}

    def decide(self) -> list[Refusal]:
        """Decide what is kept and what is new, and return what forbids the update. Comes before `link`."""
        for each in self.program.objects:
            for piece in each.pieces.values():
                if not self._adopts(piece) and piece.home is not Home.THREAD:
                    self.layout.add(piece)
        return self.refusals

    def link(self) -> Linked:
        """Lay out and bind. Raises InputError for what cannot be bound at all."""
        functions = functions_of(self.program.objects)
        entered = self._functions_with_entries(functions)
        starts, sizes, got, stubs, entries = self._segments(len(entered))
        for home, segment in ((Home.TEXT, 0), (Home.RODATA, 2), (Home.DATA, 3)):
            for piece in self.layout.pieces[home]:
                piece.offset += starts[segment]
        bss = starts[3] + -(-self.layout.sizes[Home.DATA] // 64) * 64
        for piece in self.layout.pieces[Home.BSS]:
            piece.offset += bss
        stored = bss if self.layout.sizes[Home.DATA] else starts[3]
        image = bytearray(stored)
        for home in (Home.TEXT, Home.RODATA, Home.DATA):
            for piece in self.layout.pieces[home]:
                image[piece.offset : piece.offset + len(piece.content)] = piece.content
        self._write_entries(image, entered, entries)
        references = References(image, self, got, stubs)
        for home in (Home.TEXT, Home.RODATA, Home.DATA):
            for piece in self.layout.pieces[home]:
                references.bind(piece)
        expects, expected = self._expectations(image, starts[2])
        relocations = sorted([*references.rows, *expected], key=lambda row: row.place)
        return Linked(
            image=bytes(image),
            segments=sizes,
            olds=self.olds,
            news=self._news(functions),
            imports=self.imports,
            relocations=relocations,
            patches=self._patches(functions),
            new_functions=self._function_rows(functions),
            expects=expects,
            unwind=sorted(unwind_rows(image, self.layout.pieces[Home.RODATA]), key=lambda row: row.start),
            old_index=self.old_index,
            adopted=sum(thing.kind in (Kind.VARIABLE, Kind.TLS) for thing in self.adopted.values()),
            constants=sum(thing.kind is Kind.CONST for thing in self.adopted.values()),
            plan=self._plan(PLANS[Way.UP]),
            down=self._plan(PLANS[Way.DOWN]),
            fresh=sum(
                piece.variable is not None for home in (Home.DATA, Home.BSS) for piece in self.layout.pieces[home]
            ),
        )

    # -- what is kept, what is new

    def _adopts(self, piece: Piece) -> bool:
        """Whether references to `piece` go to the running program's own object."""
        identity = piece.variable
        if identity is None:
            if piece.home in (Home.DATA, Home.BSS) and piece.size:
                self._refuse_mixture(piece)
            return False
        if identity in self.pairing.moved:
            return False
        former = self._former(identity)
        mutable = piece.home in (Home.DATA, Home.BSS, Home.THREAD)
        if former is None:
            if piece.home is Home.THREAD:
                self._refuse("PKD207", identity, "it is thread-local and new, and running threads have no place for it")
            return False
        if piece.home is Home.THREAD or former.kind is Kind.TLS:
            if former.kind is not Kind.TLS or piece.home is not Home.THREAD or former.size != piece.size:
                self._refuse("PKD207", identity, "it is thread-local, and its size or storage changed")
            self.adopted[identity] = former
            return True
        if mutable and former.kind is Kind.VARIABLE and identity not in self.pairing.replaced:
            if former.size != piece.size:
                self._refuse("PKX601", identity, f"its size changed from {former.size} to {piece.size} bytes")
            self.adopted[identity] = former
            return True
        if not mutable and former.kind is Kind.CONST and equal_constants(piece, former, self.program, self):
            self.adopted[identity] = former
            return True
        if former.kind is Kind.VARIABLE:
            self.pairing.replaced.add(identity)
        return False

    def _refuse(self, rule: str, identity: Identity, text: str) -> None:
        self.refusals.append(Refusal(rule, identity.text, f"{identity.text}: {text}"))

    def _refuse_mixture(self, piece: Piece) -> None:
        self.refusals.append(
            Refusal(
                "PKD205",
                f"{piece.unit}:{piece.section}",
                f"section {piece.section} of {piece.unit} holds mutable data that no single variable stands for",
                "remove the section attribute, or the assembly that fills the section",
            )
        )

    # -- where symbols are

    def former_function(self, identity: Identity) -> Thing | None:
        """Return the old function that `identity` follows, if its entry leads to the new code after the switch."""
        former = self.old.things.get(self.pairing.former.get(identity, identity))
        usable = former is not None and former.kind is Kind.FUNCTION and former.identity not in self.unpatchable
        return former if usable else None

    def use_old(self, thing: Thing) -> int:
        """Return the index of `thing` in the table of olds."""
        index = self.old_index.get(thing.identity)
        if index is None:
            index = self.old_index[thing.identity] = len(self.olds)
            self.olds.append(
                rows.Old(thing.identity.key, thing.place & NOWHERE, thing.size, thing.identity.text, thing.kind)
            )
        return index

    def use_stray(self, identity: Identity) -> int | None:
        """Return the index of an old thing whose address must not be in a frame that is moved, or None."""
        thing = self.old.things.get(identity)
        if thing is None or thing.kind is Kind.TLS:
            return None
        index = self.old_index.get(identity)
        if index is None:
            index = self.use_old(thing)
            self.olds[index] = replace(self.olds[index], optional=True)
        return index

    def spot(self, source: ObjectFile, symbol: int, addend: int, *, taken: bool) -> Spot:
        """See `Resolver`."""
        definition = self._definition(source, symbol)
        row = source.elf.symbols[symbol]
        if row.type == STT_SECTION:
            piece = source.pieces.get(row.section)
            if piece is None:
                raise InputError(f"{source.unit} refers to a section that is not loaded")
            return self._in_piece(piece, addend, taken=taken and addend == 0)
        if definition is None:
            return self._outside(source, symbol, addend)
        if definition.piece is None:
            raise InputError(
                f"{source.unit} refers to the absolute symbol {definition.symbol}, which is not known here"
            )
        if is_function(definition) and taken and addend == 0 and definition.identity is not None:
            entry = self._entry(definition.identity)
            if entry is not None:
                return entry
        return self._in_piece(definition.piece, definition.value + addend, taken=False)

    def _definition(self, source: ObjectFile, symbol: int) -> Definition | None:
        """What a symbol stands for; code of the way back means the old version by what it does not define itself."""
        found = self.program.definition(source, symbol)
        if found is not None and source.unit.startswith(DOWN):
            own = found.piece is not None and found.piece.unit.startswith(DOWN)
            return found if own else None
        return found

    def _in_piece(self, piece: Piece, offset: int, *, taken: bool) -> Spot:
        if piece.variable is not None and piece.variable in self.adopted:
            return Spot(Target.OLD, self.use_old(self.adopted[piece.variable]), offset)
        if taken and piece.home is Home.TEXT and offset == 0:
            entry = self._entry(function_at_start(piece))
            if entry is not None:
                return entry
        if piece.offset < 0:
            raise InputError(f"{piece.unit} refers to section {piece.section}, which is not loaded")
        return Spot(Target.SELF, 0, piece.offset + offset)

    def _entry(self, identity: Identity | None) -> Spot | None:
        if identity is None:
            return None
        former = self.former_function(identity)
        if former is not None:
            return Spot(Target.OLD, self.use_old(former), 0)
        offset = self.entry_offsets.get(identity)
        return Spot(Target.SELF, 0, offset) if offset is not None else None

    def _outside(self, source: ObjectFile, symbol: int, addend: int) -> Spot:
        name, weak = source.undefined[symbol]
        named = self._named_by(source, symbol)
        if named is not None:
            return self._named(*named, addend, by_entry=source.unit.startswith(DOWN))
        for sort in (Sort.FUNCTION, Sort.VARIABLE):
            thing = self.old.things.get(Identity(sort, name))
            if thing is not None:
                return Spot(Target.OLD, self.use_old(thing), addend)
        local = next((t for t in self.old.things.values() if t.symbol == name and name == "__dso_handle"), None)
        if local is not None:
            return Spot(Target.OLD, self.use_old(local), addend)
        index = self.import_index.get(name)
        if index is None:
            index = self.import_index[name] = len(self.imports)
            self.imports.append(rows.Import(name, self.versions.get(name, ""), weak))
        return Spot(Target.IMPORT, index, addend)

    def _named(self, side: Side, identity: Identity, addend: int, *, by_entry: bool) -> Spot:
        """Where a variable or function is that the update's C has a name of its own for."""
        entry = self._entry(identity) if side is Side.NEW and by_entry and identity.sort is Sort.FUNCTION else None
        if entry is not None:
            return entry
        if side in (Side.INITIAL, Side.BROUGHT):
            return Spot(Target.SELF, 0, self.initial_at[side, identity] + addend)
        if side is Side.OLD:
            thing = self.old.things.get(identity)
            if thing is None:
                raise InputError(f"the running program has no {identity.text}, which the update converts")
            return Spot(Target.OLD, self.use_old(thing), addend)
        placed, former = self.program.placed(identity), self._former(identity)
        if placed is not None:
            return self._in_piece(placed[0], placed[1] + addend, taken=False)
        if former is not None:  # nothing uses it in the new version; it goes on for the way back
            return Spot(Target.OLD, self.use_old(former), addend)
        raise InputError(f"the new version has no {identity.text}, which the update fills")

    def is_gone(self, source: ObjectFile, symbol: int) -> bool:
        """See `Resolver`: the compiler left it out of the old version, or the new one has a constant in its place."""
        named = self._named_by(source, symbol)
        if named is None or named[1].sort is not Sort.VARIABLE or named[0] in (Side.INITIAL, Side.BROUGHT):
            return False
        side, identity = named
        if side is Side.OLD:
            return identity not in self.old.things or identity in self._succeeded
        return self.program.placed(identity) is None and self._former(identity) is None

    @cached_property
    def _succeeded(self) -> frozenset[Identity]:
        """The old variables in whose place the new version has some of its own, without a value that goes there."""
        pieces = (piece for home in (Home.RODATA, Home.DATA, Home.BSS) for piece in self.layout.pieces[home])
        own = {each.variable for each in pieces if each.variable is not None} - self.pairing.moved
        return frozenset(map(self.former_identity, own))

    def _named_by(self, source: ObjectFile, symbol: int) -> tuple[Side, Identity] | None:
        return self.names.find(source.undefined[symbol][0]) if self.names and symbol in source.undefined else None

    def _former(self, identity: Identity) -> Thing | None:
        return self.old.things.get(self.former_identity(identity))

    def thread_local(self, source: ObjectFile, symbol: int) -> Spot | None:
        """See `Resolver`."""
        named = self._named_by(source, symbol)
        if named is not None:
            side, own = named
            known = self.old.things.get(own) if side is Side.OLD else self.adopted.get(own)
            return None if known is None else Spot(Target.OLD, self.use_old(known), 0)
        definition = self.program.definition(source, symbol)
        identity = (
            definition.identity if definition is not None else Identity(Sort.VARIABLE, source.undefined[symbol][0])
        )
        if identity is None and definition is not None and definition.piece is not None:
            identity = definition.piece.variable
        thing = self.adopted.get(identity) if identity is not None else None
        if thing is None:
            raise InputError(
                f"{source.unit} uses a thread-local variable that the running program does not have (PKD207)",
                hint="threads that run have no place for it: keep it in memory that a thread allocates",
            )
        return Spot(Target.OLD, self.use_old(thing), 0)

    # -- layout

    def _functions_with_entries(self, functions: Iterable[Definition]) -> list[Definition]:
        """The functions that have no entry in the running program and get a slot of their own."""
        found: dict[Identity, Definition] = {}
        for each in functions:
            if each.identity is not None and not is_clone(each.symbol) and self.former_function(each.identity) is None:
                found.setdefault(each.identity, each)
        return [found[identity] for identity in sorted(found)]

    def _segments(self, entries: int) -> tuple[list[int], tuple[int, int, int, int], int, int, int]:
        used = [piece for home in (Home.TEXT, Home.RODATA, Home.DATA) for piece in self.layout.pieces[home]]
        slots, stubs = got_size(used)
        stubs_at = -(-self.layout.sizes[Home.TEXT] // STUB_SIZE) * STUB_SIZE
        got_at = -(-self.layout.sizes[Home.RODATA] // 8) * 8
        self.expected_at = got_at + 8 * slots
        data = -(-self.layout.sizes[Home.DATA] // 64) * 64 + self.layout.sizes[Home.BSS]
        sizes = (
            pages(stubs_at + STUB_SIZE * stubs),
            pages(ENTRY_SIZE * entries),
            pages(self.expected_at + self.initial.room([*self._replaced(), *(each for _, each in self._looked_at())])),
            pages(data),
        )
        starts = [sum(sizes[:index]) for index in range(4)]
        at = starts[2] + self.expected_at + self.initial.room(self._replaced())
        for side, thing in self._looked_at():
            self.initial_at[side, thing.identity] = at
            at += (thing.size + 7) & ~7
        return starts, sizes, starts[2] + got_at, starts[0] + stubs_at, starts[1]

    def _write_entries(self, image: bytearray, entered: list[Definition], start: int) -> None:
        for number, definition in enumerate(entered):
            assert definition.piece is not None
            assert definition.identity is not None
            at = start + ENTRY_SIZE * number
            code = definition.piece.offset + definition.value
            image[at : at + 5] = b"\xe9" + struct.pack("<i", code - (at + 5))
            self.entry_offsets[definition.identity] = at

    def _plan(self, name: str) -> int:
        """Where the tables of a conversion of state begin in the image."""
        found = self.program.shared.get(name) if self.names is not None else None
        return NOWHERE if found is None or found.piece is None else found.piece.offset + found.value

    # -- tables

    def _replaced(self) -> list[Thing]:
        pairs = map(self._former, sorted(self.pairing.replaced))
        return [thing for thing in pairs if thing is not None and thing.kind is Kind.VARIABLE]

    def _looked_at(self) -> list[tuple[Side, Thing]]:
        """The variables of which the update's C looks at the initial content."""
        found = []
        for side, version in ((Side.INITIAL, self.old), (Side.BROUGHT, self.new)):
            for identity in self.names.at_start(side) if self.names is not None else ():
                if identity in version.things:
                    found.append((side, version.things[identity]))
        return found

    def former_identity(self, identity: Identity) -> Identity:
        """See `Namer`."""
        return self.pairing.former.get(identity, identity)

    def moves(self, identity: Identity) -> bool:
        """See `Namer`."""
        return identity in self.pairing.moved

    def _expectations(self, image: bytearray, start: int) -> tuple[list[rows.Expect], list[rows.Relocation]]:
        """Write what the replaced variables held at the start, so that the runtime can compare.

        Pointers to what has no name (string literals) are left out: they differ where the process came by updates.
        """
        expects: list[rows.Expect] = []
        relocations: list[rows.Relocation] = []
        at = start + self.expected_at
        for thing in self._replaced():
            image[at : at + thing.size] = self.initial.content(thing)
            index = self.use_old(thing)
            done = 0
            for pointer in self.initial.pointers(thing):
                if pointer.thing is not None:
                    place, old = at + pointer.offset, self.use_old(pointer.thing)
                    relocations.append(
                        rows.Relocation(place, pointer.addend, old, rows.RelocationKind.ABS64, Target.OLD)
                    )
                    continue
                if pointer.offset > done:
                    expects.append(rows.Expect(at + done, pointer.offset - done, index, done))
                done = pointer.offset + 8
            if thing.size > done:
                expects.append(rows.Expect(at + done, thing.size - done, index, done))
            at += (thing.size + 7) & ~7
        for side, thing in self._looked_at():
            place = self.initial_at[side, thing.identity]
            held = (self.initial if side is Side.INITIAL else self.brought).content(thing)
            image[place : place + thing.size] = held
        return expects, relocations

    def _patches(self, functions: Iterable[Definition]) -> list[rows.Patch]:
        found: dict[int, int] = {}
        for each in functions:
            former = self.former_function(each.identity) if each.identity and not is_clone(each.symbol) else None
            if former is not None and each.piece is not None:
                found[self.use_old(former)] = each.piece.offset + each.value
        return [rows.Patch(code, old) for old, code in sorted(found.items(), key=lambda row: self.olds[row[0]].place)]

    def _news(self, functions: Iterable[Definition]) -> list[rows.New]:
        news: dict[Identity, rows.New] = {}
        for each in functions:
            if each.identity is None or is_clone(each.symbol) or each.piece is None:
                continue
            former = self.former_function(each.identity)
            old = self.use_old(former) if former is not None else NONE
            entry = NOWHERE if former is not None else self.entry_offsets[each.identity]
            place = each.piece.offset + each.value
            news[each.identity] = rows.New(
                each.identity.key, place, entry, each.size, old, each.identity.text, Kind.FUNCTION
            )
        for home in (Home.RODATA, Home.DATA, Home.BSS):
            for piece in self.layout.pieces[home]:
                if piece.variable is not None:
                    kind = Kind.CONST if home is Home.RODATA else Kind.VARIABLE
                    news[piece.variable] = rows.New(
                        piece.variable.key, piece.offset, NOWHERE, piece.size, NONE, piece.variable.text, kind
                    )
        for identity, thing in self._carried(news):
            news[identity] = rows.New(
                identity.key, NOWHERE, NOWHERE, thing.size, self.use_old(thing), identity.text, thing.kind
            )
        return [news[identity] for identity in sorted(news)]

    def _carried(self, news: dict[Identity, rows.New]) -> Iterator[tuple[Identity, Thing]]:
        """What goes on in the running program: adopted things, and what start files and libraries brought."""
        yield from self.adopted.items()
        for identity in sorted(self.new.things.keys() - news.keys() - self.adopted.keys()):
            thing = self.old.things.get(identity)
            if thing is not None and self.new.things[identity].kind is thing.kind:
                yield identity, thing

    def _function_rows(self, functions: Iterable[Definition]) -> list[rows.FunctionRow]:
        found = []
        for each in functions:
            assert each.piece is not None
            assert each.identity is not None
            keys = {identity.key for identity in self.program.mentioned(each)} - {each.identity.key}
            place = each.piece.offset + each.value
            found.append(rows.FunctionRow(each.identity.key, place, each.size, each.symbol, tuple(sorted(keys))))
        return sorted(found, key=lambda row: row.place)
