"""The reader itself: opens the file, reads unit after unit, and makes one `Program` of what they say."""

from pathlib import Path

from patchkit.model.program import Coord, Enum, Facet, Gap, Origin, Program, Record, Typedef, Unit as SourceUnit
from patchkit.read.elf.adopt import adopt_names
from patchkit.read.elf.assemble import belonging, by_key, merge_definitions, merge_objects
from patchkit.read.elf.collect import Collector, Facts
from patchkit.read.elf.failure import BROKEN
from patchkit.read.elf.image import guarded, read_image
from patchkit.read.elf.opening import REBUILD, Reading, open_units, reason_of, without_debug_information
from patchkit.read.elf.rename import Renamer, freed_keys
from patchkit.read.elf.separate import find_debug_file
from patchkit.read.elf.types import Definition
from patchkit.read.elf.unit import Unit
from patchkit.read.elf.variants import content_of, tell_apart

UNSEEN = (Facet.MACROS, Facet.BODIES, Facet.INITIALISERS, Facet.REFERENCES, Facet.UNUSED_TYPES)
_MOST_GAPS = 200


def read_program(path: Path, label: str, root: str) -> Program:
    """Return the program in the file at `path`: see `read_elf`."""
    image = read_image(path)
    debug = image
    if "info" not in image.sections:
        found = find_debug_file(image)
        if found is None:
            raise without_debug_information(image)
        debug = found
    with guarded(debug.path):
        return _program(open_units(debug, root), path, label)


def _program(reading: Reading, path: Path, label: str) -> Program:
    facts = _read_all(reading)
    if not facts and not reading.gaps:
        raise without_debug_information(reading.image)
    definitions = merge_definitions(facts)
    variables = merge_objects(variable for each in facts for variable in each.variables)
    functions = merge_objects(function for each in facts for function in each.functions)
    kept = belonging(definitions, variables.values(), functions.values())
    freed = freed_keys(kept)
    if freed:
        renamer = Renamer(freed)
        kept = [renamer.definition(each) for each in kept]
        variables = {key: renamer.object(each) for key, each in variables.items()}
        functions = {key: renamer.object(each) for key, each in functions.items()}
    return Program(
        label=label,
        origin=Origin.ELF,
        root=reading.root,
        machine=reading.image.machine,
        units=reading.sources(),
        records=by_key(each for each in kept if isinstance(each, Record)),
        enums=by_key(each for each in kept if isinstance(each, Enum)),
        typedefs=by_key(each for each in kept if isinstance(each, Typedef)),
        variables=by_key(variables.values()),
        functions=by_key(functions.values()),
        gaps=tuple(reading.gaps),
        unseen=UNSEEN,
    )


def _read_all(reading: Reading) -> list[Facts]:
    """Read every unit, and again those in which a type is called otherwise than the unit alone tells."""
    reading.forest.survey()
    pool: dict[object, Definition] = {}
    collector = reading.collector({})
    read: list[tuple[Unit, SourceUnit | None, Facts]] = []
    for unit, source in reading.units:
        found = _read_unit(reading, collector, unit, source)
        if found is not None:
            found.definitions = [(offset, _pooled(pool, definition)) for offset, definition in found.definitions]
            read.append((unit, source, found))
    reading.units = [(unit, source) for unit, source, _ in read]
    adopted = adopt_names([facts for _, _, facts in read])
    for offset, name in adopted.items():
        reading.forest.keys.adopt(offset, name)
    if adopted:
        read = _read_again(reading, read, {}, set(adopted))
    final = tell_apart([facts for _, _, facts in read])
    if final:
        read = _read_again(reading, read, final, set(final))
    facts = [each for _, _, each in read]
    adopt_names(facts)  # once more, for the units that were read again
    return facts


def _read_again(
    reading: Reading, read: list[tuple[Unit, SourceUnit | None, Facts]], final: dict[int, str], changed: set[int]
) -> list[tuple[Unit, SourceUnit | None, Facts]]:
    """Read the units again that hold the definitions at the offsets `changed`; all of them where they share types."""
    collector = reading.collector(final)
    result = []
    for unit, source, facts in read:
        again = None
        if reading.forest.shared or any(offset in changed for offset, _ in facts.definitions):
            again = _read_unit(reading, collector, unit, source)
        result.append((unit, source, facts if again is None else again))
    return result


def _pooled(pool: dict[object, Definition], definition: Definition) -> Definition:
    return pool.setdefault((definition.key, definition.coord, content_of(definition)), definition)


def _read_unit(reading: Reading, collector: Collector, unit: Unit, source: SourceUnit | None) -> Facts | None:
    try:
        return collector.read(unit)
    except BROKEN as problem:
        place = source.source if source is not None and source.source else str(reading.image.path)
        if len(reading.gaps) < _MOST_GAPS:
            reading.gaps.append(Gap(Coord(place), reason_of(problem, "the unit"), REBUILD))
        return None
