"""One pass over a unit: which of its entries matter, and how they are nested."""

from patchkit.read.elf import dwarf
from patchkit.read.elf.abbrev import Abbrev, Value, read_attributes
from patchkit.read.elf.bytesread import uleb
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.unit import LEAF, Entry, Unit

_MOST_ENTRIES = 1_000_000  # far more than gcc writes for SQLite in one file


def load(unit: Unit) -> None:
    """Read the entries of `unit`. Raises Malformed, IndexError or struct.error where they are no tree."""
    if not unit.entries:
        _Scan(unit).run()


class _Scan:
    """One pass over a unit's entries, keeping those that matter."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.data = unit.space.info
        self.end = unit.end - unit.space.base
        self.shift = unit.offset - unit.space.base
        self.layout = unit.layout
        self.table = unit.space.abbrevs.at(unit.abbrev_offset, unit.layout)

    def run(self) -> None:
        unit, data, table, layout, base = self.unit, self.data, self.table, self.layout, self.unit.space.base
        entries: dict[int, Entry] = {}
        stack: list[list[Entry]] = [[]]
        function_level = 0  # how deep the stack is inside the outermost function, 0 outside of functions
        position = unit.first - base
        while position < self.end:
            start = position
            code, position = data[position], position + 1
            if code >= 0x80:
                code, position = uleb(data, start)
            if code == 0:
                stack.pop()
                if len(stack) <= 1:
                    break
                if len(stack) < function_level:
                    function_level = 0
                continue
            abbrev = table.get(code)
            if abbrev is None:
                raise Malformed(f"the entry at {start:#x} has no abbreviation")
            if not (abbrev.nested if function_level else abbrev.wanted):
                position = self._step_over(abbrev, position)
                continue
            attributes, position = read_attributes(data, position, abbrev, layout)
            entry = Entry(unit, start + base, abbrev, attributes, [] if abbrev.children else LEAF)
            entries[start + base] = entry
            if len(entries) > _MOST_ENTRIES:
                raise Malformed("it has more entries than any compiler writes for one source")
            stack[-1].append(entry)
            if abbrev.children:
                if abbrev.tag == dwarf.TAG_SUBPROGRAM:
                    if dwarf.AT_DECLARATION in attributes:
                        position = self._after_children(abbrev, attributes.get(dwarf.AT_SIBLING), position)
                        continue
                    function_level = function_level or len(stack) + 1
                stack.append(entry.children)
            elif len(stack) == 1:
                break
        if position > self.end or len(stack) > 1:
            raise Malformed("the unit ends inside an entry")
        unit.entries = entries

    def _step_over(self, abbrev: Abbrev, position: int) -> int:
        attributes, position = read_attributes(self.data, position, abbrev, self.layout)
        if not abbrev.children:
            return position
        return self._after_children(abbrev, attributes.get(dwarf.AT_SIBLING), position)

    def _after_children(self, abbrev: Abbrev, sibling: Value | None, position: int) -> int:
        """Return the position after the children that begin at `position`."""
        depth = 1
        while True:
            if isinstance(sibling, int):
                relative = abbrev.forms[dwarf.AT_SIBLING] in dwarf.RELATIVE_FORMS
                target = sibling + self.shift if relative else sibling
                if not position <= target <= self.end:
                    raise Malformed(f"an entry before {position:#x} has a sibling that does not follow it")
                position, depth = target, depth - 1
            if depth == 0:
                return position
            code, position = uleb(self.data, position)
            if code == 0:
                depth, sibling = depth - 1, None
                continue
            found = self.table.get(code)
            if found is None or position > self.end:
                raise Malformed(f"the entry before {position:#x} has no abbreviation")
            abbrev = found
            attributes, position = read_attributes(self.data, position, abbrev, self.layout)
            sibling = attributes.get(dwarf.AT_SIBLING) if abbrev.children else None
            depth += abbrev.children
