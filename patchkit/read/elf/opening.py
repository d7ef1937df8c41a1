"""From an ELF file to the units in it that are to be read, with their names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from patchkit.errors import InputError
from patchkit.model.program import Coord, Gap, Unit as SourceUnit
from patchkit.read.elf import dwarf
from patchkit.read.elf.abbrev import AbbrevTables
from patchkit.read.elf.collect import LINK_TIME, Collector
from patchkit.read.elf.coverage import uncovered
from patchkit.read.elf.failure import BROKEN, Malformed
from patchkit.read.elf.forest import Forest
from patchkit.read.elf.headers import read_units
from patchkit.read.elf.image import Image
from patchkit.read.elf.intern import Interner
from patchkit.read.elf.lines import source_path
from patchkit.read.elf.names import is_c, language_name
from patchkit.read.elf.paths import common_root, relative
from patchkit.read.elf.separate import find_alternate
from patchkit.read.elf.unit import Space, Unit

_SHARED_UNITS = frozenset({dwarf.TAG_PARTIAL_UNIT, dwarf.TAG_TYPE_UNIT})
_SMALL_SCALARS = {"i386": 4}  # the largest alignment of a basic type inside a record, where it is not 16
_BUILD = "build with -g, or record the build and read the source: patchkit record -- make"
REBUILD = "build the program again"


@dataclass(slots=True)
class Reading:
    """A file on its way to a program."""

    image: Image
    root: str
    forest: Forest
    units: list[tuple[Unit, SourceUnit | None]]  # no source: a unit that holds types or places for others
    gaps: list[Gap]
    interner: Interner = field(default_factory=Interner)

    def sources(self) -> tuple[SourceUnit, ...]:
        """Return the units that stand for a source."""
        return tuple(source for _, source in self.units if source is not None)

    def collector(self, final: Mapping[int, str]) -> Collector:
        """Return a reader of units; `final` as in `Collector`."""
        return Collector(
            self.forest,
            self.root,
            self.interner,
            final,
            scalar=_SMALL_SCALARS.get(self.image.machine, 16),
            thread_local=self.image.thread_local,
        )


def without_debug_information(image: Image) -> InputError:
    """Return the error that says why `image` tells nothing, and what to do."""
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


def open_units(image: Image, root: str) -> Reading:
    """Return the units of `image`. Raises InputError where it has none that can be read.

    An empty `root` is found from their sources.
    """
    space = _space(image)
    units, problems = read_units(space)
    if image.alternate_link is not None:
        alternate = _space(find_alternate(image))
        alternate.base = len(space.info)
        space.alternate = alternate
        shared, more = read_units(alternate)
        units, problems = units + shared, problems + more
    gaps = [Gap(Coord(str(image.path)), problem, REBUILD) for problem in problems]
    if not units and not gaps:
        raise InputError(f"{image.path} has no debug information, so layouts cannot be proved (PKB807)", hint=_BUILD)
    named, others = _sort_units(image, units, gaps)
    if not gaps:  # what is damaged is missed too
        gaps += uncovered(str(image.path), image.sources, map(source_path, named), _BUILD)
    root = root or common_root(source_path(unit) for unit in named)
    shown: list[tuple[Unit, SourceUnit | None]] = [(unit, _source_unit(unit, root)) for unit in named]
    forest = Forest(units, shared=any(unit.top().tag in _SHARED_UNITS for unit in others))
    return Reading(image, root, forest, shown + [(unit, None) for unit in others], gaps)


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
        except BROKEN as problem:
            gaps.append(Gap(Coord(str(image.path)), reason_of(problem, f"the unit at {unit.offset:#x}")))
            continue
        if top.name == LINK_TIME:
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


def reason_of(problem: Exception, what: str) -> str:
    """Return what is wrong with `what`, in which `problem` was raised."""
    text = str(problem) if isinstance(problem, Malformed) else f"its bytes make no sense ({type(problem).__name__})"
    return f"{what} has damaged debug information: {text}"
