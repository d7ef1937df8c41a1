"""The reader itself: opens the file, reads unit after unit, and makes one `Program` of what they say."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.errors import InputError
from patchkit.model.program import Coord, Enum, Facet, Gap, Origin, Program, Record, Typedef, Unit as SourceUnit
from patchkit.read.elf import dwarf
from patchkit.read.elf.abbrev import AbbrevTables
from patchkit.read.elf.assemble import belonging, by_key, merge_definitions, merge_objects
from patchkit.read.elf.collect import Collector, Facts
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.forest import Forest
from patchkit.read.elf.headers import read_units
from patchkit.read.elf.image import Image, guarded, read_image
from patchkit.read.elf.intern import Interner
from patchkit.read.elf.lines import source_path
from patchkit.read.elf.names import is_c, language_name
from patchkit.read.elf.paths import common_root, relative
from patchkit.read.elf.separate import find_alternate, find_debug_file
from patchkit.read.elf.types import Definition
from patchkit.read.elf.unit import Space, Unit
from patchkit.read.elf.variants import content_of, tell_apart

UNSEEN = (Facet.MACROS, Facet.BODIES, Facet.INITIALISERS, Facet.REFERENCES, Facet.UNUSED_TYPES)
# What damaged bytes make our own reading raise.
_BROKEN = (Malformed, IndexError, KeyError, ValueError, OverflowError, RecursionError, AssertionError, struct.error)
_SMALL_SCALARS = {"i386": 4}  # the largest alignment of a basic type inside a record, where it is not 16
_BUILD = "build with -g, or record the build and read the source: patchkit record -- make"
_TOO_MANY = 200
_LINK_TIME = "<artificial>"  # the unit in which gcc says where link-time optimisation left what other units define


@dataclass(slots=True)
class _Reading:
    """A file on its way to a program."""

    image: Image
    root: str
    forest: Forest
    units: list[tuple[Unit, SourceUnit]]
    others: list[Unit]  # units that stand for no source, and hold types or places for those that do
    gaps: list[Gap]
    interner: Interner = field(default_factory=Interner)

    def collector(self, final: Mapping[int, str]) -> Collector:
        return Collector(
            self.forest,
            self.root,
            self.interner,
            final,
            scalar=_SMALL_SCALARS.get(self.image.machine, 16),
            thread_local=self.image.thread_local,
        )


def read_program(path: Path, label: str) -> Program:
    """Return the program in the file at `path`: see `read_elf`."""
    image = read_image(path)
    debug = image
    if "info" not in image.sections:
        found = find_debug_file(image)
        if found is None:
            raise _without_debug_information(image)
        debug = found
    with guarded(debug.path):
        return _program(_open(debug), path, label)


def _without_debug_information(image: Image) -> InputError:
    if "dwo" in image.notes:
        return InputError(f"{image.path} holds only split debug information", hint="compile without -gsplit-dwarf")
    if "lto" in image.notes:
        return InputError(
            f"{image.path} is an object for link-time optimisation, whose debug information the linker makes",
            hint="name the linked program instead",
        )
    if image.has_symbols:
        return InputError(f"{image.path} has no debug information, so layouts cannot be proved (PKB807)", hint=_BUILD)
    return InputError(
        f"{image.path} is stripped: it has neither symbols nor debug information, so layouts cannot be proved (PKB807)",
        hint=f"name the file as it was before strip, install its debug file under /usr/lib/debug, or {_BUILD}",
    )


def _space(image: Image) -> Space:
    sections = image.sections
    info, types = sections["info"], sections.get("types", b"")
    return Space(
        info=info + types if types else info,
        types_at=len(info),
        abbrevs=AbbrevTables(sections.get("abbrev", b"")),
        strings=sections.get("str", b""),
        line=sections.get("line", b""),
        line_strings=sections.get("line_str", b""),
        string_offsets=sections.get("str_offsets", b""),
        little=image.little,
    )


def _open(image: Image) -> _Reading:
    space = _space(image)
    units, problems = read_units(space)
    if image.alternate_link is not None:
        alternate = _space(find_alternate(image))
        alternate.base = len(space.info)
        space.alternate = alternate
        shared, more = read_units(alternate)
        units, problems = units + shared, problems + more
    gaps = [Gap(Coord(str(image.path)), problem, "build the program again") for problem in problems]
    if not units and not gaps:
        raise InputError(f"{image.path} has no debug information, so layouts cannot be proved (PKB807)", hint=_BUILD)
    named, others = _sort_units(image, units, gaps)
    root = common_root(source_path(unit) for unit in named)
    shown = [(unit, _source_unit(unit, root)) for unit in named]
    return _Reading(image, root, Forest(units), shown, others, gaps)


def _sort_units(image: Image, units: list[Unit], gaps: list[Gap]) -> tuple[list[Unit], list[Unit]]:
    """Return the compile units in C, and the units that only hold types; note the others as gaps."""
    named: list[Unit] = []
    others: list[Unit] = []
    for unit in units:
        try:
            top = unit.top()
            split = dwarf.AT_DWO_NAME in top.attributes or dwarf.AT_GNU_DWO_NAME in top.attributes
            if split or top.tag == dwarf.TAG_SKELETON_UNIT:
                raise InputError(
                    f"{image.path} leaves its debug information in .dwo files ({top.name or 'a unit'})",
                    hint="compile without -gsplit-dwarf",
                )
            if top.tag != dwarf.TAG_COMPILE_UNIT:
                others.append(unit)
                continue
            source, language = source_path(unit), top.number(dwarf.AT_LANGUAGE) or 0
        except _BROKEN as problem:
            gaps.append(Gap(Coord(str(image.path)), _reason(problem, f"the unit at {unit.offset:#x}")))
            continue
        if top.name == _LINK_TIME:
            others.append(unit)
        elif is_c(language):
            named.append(unit)
        else:
            reason = f"is written in {language_name(language)}, which is not read"
            gaps.append(Gap(Coord(source or str(image.path)), reason, "only what is written in C can be updated"))
    return named, others


def _source_unit(unit: Unit, root: str) -> SourceUnit:
    producer = unit.top().text(dwarf.AT_PRODUCER)
    compiler, *options = producer.split(" -")
    # What is left matters to layout or code: neither diagnostics nor debug information do.
    kept = [option for option in options if not option.startswith(("g", "W")) and "-prefix-map" not in option]
    flags = tuple(f"-{option.strip()}" for option in kept)
    return SourceUnit(relative(source_path(unit), root), flags, compiler)


def _reason(problem: Exception, what: str) -> str:
    text = str(problem) if isinstance(problem, Malformed) else f"its bytes make no sense ({type(problem).__name__})"
    return f"{what} has damaged debug information: {text}"


def _program(reading: _Reading, path: Path, label: str) -> Program:
    facts = _read_all(reading)
    if not facts and not reading.gaps:
        raise InputError(f"{path} has no debug information, so layouts cannot be proved (PKB807)", hint=_BUILD)
    definitions = merge_definitions(facts)
    variables = merge_objects(variable for each in facts for variable in each.variables)
    functions = merge_objects(function for each in facts for function in each.functions)
    kept = belonging(definitions, variables.values(), functions.values())
    return Program(
        label=label,
        origin=Origin.ELF,
        root=reading.root,
        machine=reading.image.machine,
        units=tuple(source for _, source in reading.units),
        records=by_key(each for each in kept if isinstance(each, Record)),
        enums=by_key(each for each in kept if isinstance(each, Enum)),
        typedefs=by_key(each for each in kept if isinstance(each, Typedef)),
        variables=by_key(variables.values()),
        functions=by_key(functions.values()),
        gaps=tuple(reading.gaps),
        unseen=UNSEEN,
    )


def _read_all(reading: _Reading) -> list[Facts]:
    """Read every unit, and once more those in which a name means something else than in most."""
    read: list[tuple[Unit, Facts]] = []
    failed: list[SourceUnit] = []
    pool: dict[object, Definition] = {}
    collector = reading.collector({})
    if any(unit.top().tag == dwarf.TAG_PARTIAL_UNIT for unit in reading.others):
        _name_all(reading)
    for unit, source in [*reading.units, *((unit, None) for unit in reading.others)]:
        facts = _read_unit(reading, collector, unit, source)
        if facts is None:
            if source is not None:
                failed.append(source)
            continue
        facts.definitions = [(offset, _pooled(pool, definition)) for offset, definition in facts.definitions]
        read.append((unit, facts))
    reading.units = [(unit, source) for unit, source in reading.units if source not in failed]
    final = tell_apart([facts.definitions for _, facts in read])
    if not final:
        return [facts for _, facts in read]
    sources = {unit.offset: source for unit, source in reading.units}
    collector = reading.collector(final)
    result: list[Facts] = []
    for unit, facts in read:
        if any(offset in final for offset, _ in facts.definitions):
            again = _read_unit(reading, collector, unit, sources.get(unit.offset))
            facts = again if again is not None else facts
        result.append(facts)
    return result


def _pooled(pool: dict[object, Definition], definition: Definition) -> Definition:
    return pool.setdefault((definition.key, definition.coord, content_of(definition)), definition)


def _name_all(reading: _Reading) -> None:
    """Where units share types, a type may be named by another unit than the one that holds it."""
    for unit in reading.forest.units:
        try:
            reading.forest.enter(unit)
        except _BROKEN:
            continue  # reading it will say so
        finally:
            reading.forest.leave(unit)


def _read_unit(reading: _Reading, collector: Collector, unit: Unit, source: SourceUnit | None) -> Facts | None:
    try:
        return collector.read(unit)
    except _BROKEN as problem:
        place = source.source if source is not None and source.source else str(reading.image.path)
        if len(reading.gaps) < _TOO_MANY:
            reading.gaps.append(Gap(Coord(place), _reason(problem, "the unit"), "build the program again"))
        return None
