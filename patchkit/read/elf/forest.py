"""All units of a file, and their entries by offset."""

from bisect import bisect_right
from collections.abc import Sequence

from patchkit.read.elf import dwarf
from patchkit.read.elf.failure import BROKEN, Malformed
from patchkit.read.elf.keys import Keys
from patchkit.read.elf.scan import load
from patchkit.read.elf.unit import Entry, Unit


class Forest:
    """All units of a file, and their entries by global offset. A unit's entries are read when they are asked for.

    `shared` says that units hold types for others, as dwz arranges them.
    """

    def __init__(self, units: Sequence[Unit], *, shared: bool) -> None:
        self.units = sorted(units, key=lambda unit: unit.offset)
        self.shared = shared
        self._starts = [unit.offset for unit in self.units]
        self._named: set[int] = set()
        self._broken: set[int] = set()
        self._current: dict[int, Entry] = {}
        self._crossed: set[int] = set()  # units that others refer to, which stay loaded
        self._importers: dict[int, list[Unit]] = {}
        self.keys = Keys(self._find, shared=shared)

    def survey(self) -> None:
        """Note of shared units who uses what, which takes a pass over all of them."""
        imports: dict[int, list[int]] = {}
        for unit in self.units if self.shared else ():
            try:
                self.enter(unit)
                found = (entry for entry in unit.entries.values() if entry.tag == dwarf.TAG_IMPORTED_UNIT)
                places = [place for entry in found if (place := entry.reference(dwarf.AT_IMPORT)) is not None]
                imports[unit.first] = places
            except BROKEN:
                continue  # reading it will say so
            finally:
                self.leave(unit)
        for unit in self.units:
            waiting, seen = [unit.first], {unit.first}
            while waiting:
                for place in imports.get(waiting.pop(), ()):
                    if place not in seen:
                        seen.add(place)
                        waiting.append(place)
                        self._importers.setdefault(place, []).append(unit)

    def users(self, unit: Unit) -> Sequence[Unit]:
        """Return the compile units that `unit` is read for: itself, or those that import it."""
        importers = self._importers.get(unit.first, ())
        return [each for each in importers if each.top().tag == dwarf.TAG_COMPILE_UNIT] or [unit]

    def enter(self, unit: Unit) -> None:
        """Make `unit` the one that is read now."""
        self._load(unit)
        self._current = unit.entries

    def leave(self, unit: Unit) -> None:
        """Let the memory go that `unit` takes, unless others refer to it."""
        self._current = {}
        if unit.offset not in self._crossed:
            unit.forget()

    def entry(self, offset: int) -> Entry:
        """Return the entry at `offset`. Raises Malformed where there is none that matters."""
        found = self._current.get(offset)
        if found is None:
            found = self._elsewhere(offset)
            if found is None:
                raise Malformed(f"an entry refers to {offset:#x}, where no type or variable is")
        return found

    def original(self, offset: int) -> Entry:
        """Return the entry at `offset` that another one is a copy of; a variable in a function may be one too."""
        found = self._find(offset)
        if found is None:
            index = bisect_right(self._starts, offset) - 1
            found = self.units[index].variable(offset) if index >= 0 else None
        if found is None:
            raise Malformed(f"an entry is a copy of that at {offset:#x}, where no variable or function is")
        return found

    def _find(self, offset: int) -> Entry | None:
        return self._current.get(offset) or self._elsewhere(offset)

    def _elsewhere(self, offset: int) -> Entry | None:
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset >= self.units[index].end:
            return None
        unit = self.units[index]
        if unit.entries is self._current:
            return None
        self._crossed.add(unit.offset)
        self._load(unit)
        return unit.entries.get(offset)

    def _load(self, unit: Unit) -> None:
        if unit.offset in self._broken:
            raise Malformed("it refers to a unit that cannot be read")
        try:
            load(unit)
        except BROKEN:
            self._broken.add(unit.offset)
            raise
        if unit.offset not in self._named:
            self._named.add(unit.offset)
            saved, self._current = self._current, unit.entries
            self.keys.add(unit)
            self._current = saved
