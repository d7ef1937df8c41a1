"""generated/migrate.c: the tables by which the runtime finds, converts and forwards the state of a running program."""

import re
from dataclasses import dataclass, field

from patchkit.diff.pair import Pair
from patchkit.model.ctype import CType, Named, Pointer, Tag, spell
from patchkit.model.decision import Decisions, Topic, Way
from patchkit.model.program import Enum, Linkage, Variable
from patchkit.transform.arrays import ALLOCATION
from patchkit.transform.catalogue import Catalogue
from patchkit.transform.changed import Changed
from patchkit.transform.conversion import Conversions
from patchkit.transform.migration import PLANS, Alias, Side
from patchkit.transform.names import HOOKS, conversion_name, transformer_name
from patchkit.transform.roots import (
    Successor,
    Table,
    dimensions,
    extent,
    moved_variables,
    severed_variables,
    successors,
    table_of,
    thread_variables,
)
from patchkit.transform.shapes import Context, Graph, Open, Slot, Test
from patchkit.transform.symbols import function_symbol, symbol
from patchkit.transform.tails import kept_tail, tail_table
from patchkit.transform.variables import (
    dimension_function,
    element_function,
    enum_function,
    merge_function,
    row_function,
    scalar_function,
)


@dataclass(frozen=True, slots=True)
class Written:
    """What was generated; `moved` and `layouts` are as in `Migration`. While anything is `open`, nothing is bundled."""

    text: str
    old_header: str
    new_header: str
    symbols: str
    aliases: dict[str, Alias]
    moved: dict[str, str]
    severed: frozenset[str]
    layouts: dict[str, frozenset[str]]
    open: tuple[Open, ...]
    converted: frozenset[str]  # old keys of the changed records that `text` has a table of


def write_migration(pair: Pair, decisions: Decisions) -> Written:
    """Return the C that carries the state of the old version of `pair` over to the new one."""
    changed = Changed(pair, decisions)
    moved = moved_variables(pair, changed, decisions)
    conversions = Conversions(pair, changed, decisions)
    writer = _Writer(pair, changed, decisions, frozenset(moved), conversions)
    roots: list[str] = []
    if changed.records or changed.enums or moved:  # or nothing has to be found
        roots += [row for each in successors(pair, changed, decisions) for row in writer.root(each, moved)]
        roots += [row for each in thread_variables(pair) for row in writer.thread_root(each)]
    shapes = writer.shapes()
    catalogue = Catalogue(pair, conversions.old_header, conversions.new_header)
    typed, converting = _with_variables(catalogue, conversions)
    text = "\n".join(
        [
            _HEAD,
            *(f"extern unsigned char {name}[];" for name in sorted(writer.aliases.keys() - writer.of_threads)),
            *(f"extern {_THREAD} unsigned char {name}[];" for name in sorted(writer.of_threads)),
            *(f"{line}" for line in sorted(writer.declared)),
            *typed,
            "",
            converting,
            *writer.functions,
            *shapes,
            "static const struct pk_root roots[] = {",
            *roots,
            "    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},",
            "};",
            "",
            _plan(len(writer.keys), len(roots), writer.hooks(), decisions.way),
        ]
    )
    layouts = {key: _members(pair, key) for key in changed.records}
    writer.ask_for_missing()
    asked = {(each.topic, each.subject): each for made in conversions.done.values() for each in made.open}
    found = tuple({**asked, **writer.graph.open}.values())
    texts = {header.side: header.text() for header in (conversions.old_header, conversions.new_header)}
    severed = severed_variables(pair, decisions)
    aliases = {**catalogue.aliases, **writer.aliases}
    headers = texts[Side.OLD], texts[Side.NEW], catalogue.text()
    tabled = {ctype.key for ctype, _, _ in writer.keys if isinstance(ctype, Named)}
    converted = frozenset(tabled & changed.records.keys())
    return Written(text, *headers, aliases, moved, severed, layouts, found, converted)


def _with_variables(catalogue: Catalogue, conversions: Conversions) -> tuple[list[str], str]:
    """Return declarations of the variables that decided values name, and the conversions, which call them by these.

    The tables call a variable by its symbol too, as mere bytes.
    """
    text, found = conversions.text(), dict[str, str]()

    def renamed(match: "re.Match[str]") -> str:
        name = match.group()
        alias = catalogue.aliases.get(name)
        if alias is None or alias.function:
            return name
        header = conversions.old_header if alias.side is conversions.old_header.side else conversions.new_header
        variable = header.types.program.variables[alias.key]
        found[name] = f'extern {header.object(variable.type, f"{name}__typed")} __asm__("{name}");'
        return f"{name}__typed"

    text = _VARIABLE.sub(renamed, text)
    return sorted(found.values()), text


# The program's own variables of threads are at a fixed distance from the thread pointer.
_THREAD = '_Thread_local __attribute__((tls_model("initial-exec")))'
_VARIABLE = re.compile(r"\bpk_(?:old|new)__\w+")
_HEAD = """\
/* Written by patchkit: how the state of the version that runs becomes that of the other. Do not edit. */
#include <patchkit_migration.h>
#include <string.h>

#include "old.h"
#include "new.h"
"""


def _plan(shapes: int, roots: int, hooks: dict[str, str], way: Way) -> str:
    return "\n".join(
        [
            *(f"int {name}(struct pk_migration *migration);" for name in hooks.values()),
            f"const struct pk_plan {PLANS[way]} = {{",
            "    .shapes = shapes,",
            f"    .shape_count = {shapes},",
            f"    .root_count = {roots},",
            "    .roots = roots,",
            *(f"    .{when} = {name}," for when, name in hooks.items()),
            "};",
            "",
        ]
    )


def _members(pair: Pair, key: str) -> frozenset[str]:
    """The names by which code reaches the members of an old record."""
    return frozenset(member.name for member in pair.old.records[key].members if member.name)


_Key = tuple[CType, str, Context]


@dataclass(slots=True)
class _Writer:
    pair: Pair
    changed: Changed
    decisions: Decisions
    moved: frozenset[str]
    conversions: Conversions
    keys: list[_Key] = field(default_factory=list)  # of shapes, by their numbers
    aliases: dict[str, Alias] = field(default_factory=dict)
    of_threads: set[str] = field(default_factory=set)  # those of them that each thread has of its own
    declared: set[str] = field(default_factory=set)
    functions: list[str] = field(default_factory=list)
    pointed: set[str] = field(default_factory=set)  # records that a followed pointer leads to
    tails: set[int] = field(default_factory=set)  # numbers of shapes that end with a flexible array
    graph: Graph = field(init=False)

    @property
    def sides(self) -> tuple[Side, Side]:
        """The version that is left, and the one that is come to."""
        return self.conversions.sides

    def __post_init__(self) -> None:
        self.graph = Graph(self.changed, self.decisions, self.moved)

    def number(self, ctype: CType, subject: str = "", context: Context = ()) -> int:
        """Return the number of the shape of an element type, of its own where decisions name the variable `subject`."""
        bare = self.graph.types.canonical(self.graph.types.bare(ctype))
        wanted = bare, subject if self._is_named(subject) else "", context
        if wanted not in self.keys:
            self.keys.append(wanted)
        return self.keys.index(wanted)

    def _is_named(self, subject: str) -> bool:
        return bool(subject) and any(
            each.subject == subject or each.subject.startswith(f"{subject}.")
            for each in self.decisions.answers.values()
            if each.topic in (Topic.PAYLOAD, Topic.ELEMENT, Topic.LENGTH, Topic.UNION)
        )

    # -- variables

    def root(self, each: Successor, moved: dict[str, str]) -> list[str]:
        """Return the rows of one variable, one for each instance; none where nothing in it matters."""
        old = each.old
        element, count = extent(self.pair, each.part_type or old.type, old=True)
        if (each.part or old.key) not in moved and not self.graph.slots(element, old.key):
            return []
        units = ("",) if old.linkage is Linkage.EXTERNAL else old.units
        return [self._row(each, unit, element, count) for unit in units]

    def _row(self, each: Successor, unit: str, element: CType, count: int) -> str:
        old, new = each.old, each.new
        place = self._alias(self.sides[0], old, unit)
        number = self.number(element, old.key)
        if (each.part or old.key) not in self.moved:
            return f'    {{"{old.name}", {place}, 0, {number}, {count}, 0, 0, 0, 0, 0, 0}},'
        successor, new_count = extent(self.pair, each.type, old=False)
        to = self._alias(self.sides[1], new, unit if unit in new.units or new.linkage is not Linkage.EXTERNAL else "")
        start = f"{to} + {each.offset}" if each.offset else to
        table = table_of(self.decisions, old.key)
        kept = each.constant or (table is not None and table.what == "new")
        flags = "PK_NEW_CONTENT" if kept else "0"
        name = place.removeprefix(f"pk_{self.sides[0]}__") + each.part.removeprefix(old.key).replace(".", "__")
        if each.part:
            place = f"{place} + {each.start}"
        counts = (count, new_count)
        row = "0"
        sizes = dimensions(self.graph.types, each.part_type or old.type), dimensions(self.pair.new_types, each.type)
        if sizes[0][1:] != sizes[1][1:] and len(sizes[0]) == len(sizes[1]):
            row = f"row_{name}"
            self.functions.append(dimension_function(row, place, self._old_size(element), *sizes))
        convert = "0" if kept else self._value(name, old, (element, successor), counts, row if row != "0" else "")
        if table is not None and table.key:
            convert, row = self._table(name, (old, new), (place, to, unit), (element, successor), counts, table)
        size = self._new_size(successor)
        rest = f"{start}, {number}, {count}, {new_count}, {size}, {flags}, {convert}, {row}, 0"
        return f'    {{"{old.name}", {place}, {rest}}},'

    def _alias(self, side: Side, variable: Variable, unit: str) -> str:
        name = symbol(side, variable, unit)
        self.aliases[name] = Alias(side, variable.key, unit)
        return name

    def thread_root(self, variable: Variable) -> list[str]:
        """Return the rows of a variable that each thread has of its own, where it may lead to what moves."""
        element, count = extent(self.pair, variable.type, old=True)
        if not self.graph.slots(element, variable.key):
            return []
        units = ("",) if variable.linkage is Linkage.EXTERNAL else variable.units
        return [self._thread_row(variable, unit, self.number(element, variable.key), count) for unit in units]

    def _thread_row(self, variable: Variable, unit: str, number: int, count: int) -> str:
        place = self._alias(self.sides[0], variable, unit)
        self.of_threads.add(place)
        function = f"own_{place}"
        self.functions.append(f"static void *{function}(void) {{ return {place}; }}\n")
        return f'    {{"{variable.name}", 0, 0, {number}, {count}, 0, 0, 0, 0, 0, {function}}},'

    def _old_size(self, ctype: CType) -> int:
        return self.graph.types.size(ctype) or 1

    def _new_size(self, ctype: CType) -> int:
        record, scalar = self.pair.new_types.record(ctype), self.pair.new_types.scalar(ctype)
        return record.size if record is not None else scalar.size if scalar is not None else 0

    def _value(
        self, name: str, old: Variable, types: tuple[CType, CType], counts: tuple[int, int], row: str = ""
    ) -> str:
        """A function that converts a variable which is no record, or whose elements get other numbers by `row`."""
        element, successor = types
        before, after = self.graph.types.scalar(element), self.pair.new_types.scalar(successor)
        carried = self.changed.carried(old.key)
        enums = carried or self._enums(types)
        same = self.pair.same(element, successor) and not self.changed.holds_changed_enum(element) and not carried
        if not row and (self.graph.types.record(element) or same):
            return "0"
        function = f"convert_{name}"
        copy = self._element_copy(element, same=same) if row else ""
        if copy:
            sizes = self._old_size(element), self.pair.new_types.size(successor) or 1
            self.functions.append(element_function(function, old, copy, sizes, counts[0], row))
        elif before is None or after is None or isinstance(element, Pointer):
            text = f"the type of {old.name} changed from {spell(element)} to {spell(successor)}"
            self.graph.ask(Topic.CODE, old.key, text)
        elif enums is not None:
            self.functions.append(enum_function(function, old, enums, (before, after), counts, row))
        else:
            self.functions.append(scalar_function(function, old, before, after, counts, row))
        return function

    def _enums(self, types: tuple[CType, CType]) -> tuple[Enum, Enum] | None:
        before, after = self.graph.types.enum(types[0]), self.pair.new_types.enum(types[1])
        return None if before is None or after is None else (before, after)

    def _element_copy(self, element: CType, *, same: bool) -> str:
        """C that takes one element over from `old` to `new`; empty where it is no record and has another type now."""
        record = self.graph.types.record(element)
        if record is not None and record.key in self.changed.records:
            self.conversions.convert(record.key, self.changed.records[record.key])
            return f"if ({conversion_name(record.key)}(migration, old, new))\n            return 1;"
        if same and isinstance(element, Pointer):
            return "*(void **)(void *)new = pk_forward(migration, *(void *const *)(const void *)old);"
        if same and not self.graph.types.holds_pointer(element):
            return f"memcpy(new, old, {self._old_size(element)});"
        return ""

    def _table(
        self,
        name: str,
        variables: tuple[Variable, Variable],
        places: tuple[str, str, str],
        types: tuple[CType, CType],
        counts: tuple[int, int],
        table: Table,
    ) -> tuple[str, str]:
        """The functions that match rows, and that take live content over where it is merged."""
        old, _ = variables
        before, after = self.graph.types.record(types[0]), self.pair.new_types.record(types[1])
        keys = [
            next((member for member in record.members if member.name == table.key), None)
            for record in (before, after)
            if record is not None
        ]
        if before is None or after is None or len(keys) != 2 or keys[0] is None or keys[1] is None:
            self.graph.ask(Topic.TABLE, old.key, f"the rows of {old.name} have no member {table.key}")
            return "0", "0"
        row, text = f"row_{name}", isinstance(self.graph.types.bare(keys[0].type), Pointer)
        self.functions.append(
            row_function(row, places[1], (before.size, after.size), counts[1], (keys[0], keys[1]), text)
        )
        if table.what != "merge":
            return "0", row
        initial = self._alias(Side.INITIAL if self.decisions.way is Way.UP else Side.BROUGHT, old, places[2])
        merge = f"merge_{name}"
        self.functions.append(merge_function(merge, row, initial, self.pair, (before, after), counts[0]))
        return merge, row

    # -- shapes

    def shapes(self) -> list[str]:
        """Return the tables of all shapes, which following pointers makes more of."""
        tables, counts = list[str](), list[int]()
        while len(counts) < len(self.keys):
            ctype, subject, context = self.keys[len(counts)]
            slots = self.graph.seen(ctype, subject, context)
            tables += self._slot_table(len(counts), slots)
            tables += self._tail_table(len(counts), ctype, context)
            counts.append(len(slots))
        rows = [self._shape(n, ctype, counts[n], tables) for n, (ctype, _, _) in enumerate(self.keys)]
        return [*tables, "static const struct pk_shape shapes[] = {", *rows, "};", ""]

    def _slot_table(self, number: int, slots: list[Slot]) -> list[str]:
        if not slots:
            return []
        rows = [f"    {self._slot(slot)}," for slot in slots]
        return [f"static const struct pk_slot slots_{number}[] = {{", *rows, "};"]

    def _tail_table(self, number: int, ctype: CType, context: Context) -> list[str]:
        """The table of the flexible array at the end of a record, where it has to be followed or converted."""
        if not isinstance(ctype, Named) or ctype.tag is not Tag.STRUCT:
            return []
        successor = self.changed.records.get(ctype.key)
        if successor:
            tail = self.conversions.convert(ctype.key, successor).tail
        else:
            tail = kept_tail(self.graph, ctype, self.sides[0])
        if tail is None:
            return []
        walked = self.graph.slots(tail.element, tail.subject) or self.changed.holds(tail.element)
        shape = self.number(tail.element, tail.subject, context) if walked else None
        room = self._allocator(ctype)[2]
        if tail.count == ALLOCATION and room == "0":
            question = f"what tells how large the block of a {ctype.key} is? ALLOCATE RELEASE ROOM"
            self.graph.ask(Topic.ALLOCATOR, ctype.key, question)
            return []
        self.tails.add(number)
        self.conversions.old_header.add(ctype.key)
        return tail_table(number, ctype.key, tail, shape, room, self.conversions.old_header)

    def _slot(self, slot: Slot) -> str:
        target = "PK_NO_SHAPE" if slot.target is None else str(self.number(slot.target, "", slot.context))
        core = self.graph.types.bare(slot.target) if slot.target is not None else None
        if isinstance(core, Named):
            self.pointed.add(core.key)
        extent = {"one": "PK_ONE", "allocation": "PK_ALLOCATION", "counted": "PK_COUNTED"}[slot.extent]
        offset, size = slot.count
        flags = "PK_UNTYPED" if slot.untyped else "0"
        kind = "0" if slot.type is None else f'"{slot.type}"'
        where = (
            f"{slot.offset}, {slot.repeat}, {slot.stride}, {target}, {slot.back}, {extent}, {offset}, {size}, {flags}"
        )
        tests = ", ".join(f"{{{test.bit}, {test.width}, {test.value}, {self._function(test)}}}" for test in slot.tests)
        return f'{{"{slot.name}", {kind}, {where}, {{{tests or "{0, 0, 0, 0}"}}}}}'

    def _function(self, test: Test) -> str:
        """Return a name for the function of the old version that a pointer must lead to, by its entry."""
        if not test.function:
            return "0"
        function = self.pair.old.functions[test.function]
        unit = function.units[0] if function.linkage is not Linkage.EXTERNAL and function.units else ""
        name = function_symbol(self.sides[0], unit, function.name)
        self.aliases[name] = Alias(self.sides[0], test.function, unit, function=True)
        return name

    def _shape(self, number: int, ctype: CType, slots: int, tables: list[str]) -> str:
        size = new_size = self.graph.types.size(ctype)
        name, convert, runs = spell(ctype), "0", 0
        if isinstance(ctype, Named) and ctype.key in self.changed.records:
            successor = self.changed.records[ctype.key]
            new_size = self.pair.new.records[successor].size
            made = self.conversions.convert(ctype.key, successor)
            convert, runs = conversion_name(ctype.key), len(made.runs)
            rows = ", ".join(f"{{{start}, {to}, {length}}}" for start, to, length in made.runs)
            tables.append(f"static const struct pk_run runs_{number}[] = {{{rows or '{0, 0, 0}'}}};")
        slot_table = f"slots_{number}" if slots else "0"
        run_table = f"runs_{number}" if convert != "0" else "0"
        functions = ", ".join(self._allocator(ctype))
        tail = f"&tail_{number}" if number in self.tails else "0"
        laid_out = f"{size}, {new_size}, {slot_table}, {slots}, {runs}, {run_table}, {convert}"
        return f'    {{"{name}", {laid_out}, {functions}, {tail}}},'

    def hooks(self) -> dict[str, str]:
        """Return the programmer's functions that run before anything is found and after all is converted."""
        way = self.decisions.way
        return {
            when: transformer_name(when, way) for when in HOOKS if self.decisions.value(Topic.CODE, when) is not None
        }

    def ask_for_missing(self) -> None:
        """Ask about changed records of which no path leads to an object."""
        met = {ctype.key for ctype, _, _ in self.keys if isinstance(ctype, Named)}
        met |= self.conversions.done.keys()
        for key in self.changed.records:
            record = self.pair.old.records[key]
            if key not in met and not record.parent and self.decisions.value(Topic.ALLOCATOR, key) != "-":
                question = f"nothing says where objects of {key} are; `-` says that none outlive a function"
                self.graph.ask(Topic.ALLOCATOR, key, question, ("-",))

    def _allocator(self, ctype: CType) -> tuple[str, str, str]:
        """What makes and frees objects of a shape, and tells how large their allocation is."""
        key = ctype.key if isinstance(ctype, Named) else spell(ctype)
        said = (self.decisions.value(Topic.ALLOCATOR, key) or "").split()
        if len(said) < 2:
            if key in self.changed.records and not said and key in self.pointed:
                question = (
                    f"what makes and frees objects of {key}? ALLOCATE RELEASE, and ROOM where their block is known"
                )
                self.graph.ask(Topic.ALLOCATOR, key, question)
            return "0", "0", "0"
        allocate, release, room = said[0], said[1], said[2] if len(said) > 2 else "0"
        self.declared.add(f"extern void *{allocate}(size_t);")
        self.declared.add(f"extern void {release}(void *);")
        if room != "0":
            self.declared.add(f"extern size_t {room}(void *);")
        return allocate, release, room
