"""C that converts an object of a changed record, member by member, each statement with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, Types, is_foreign
from patchkit.model.ctype import Array, CType, Function, Named, Pointer, Tag, spell
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Enum, Member, Record
from patchkit.transform.changed import Changed
from patchkit.transform.headers import Header
from patchkit.transform.migration import Side
from patchkit.transform.names import conversion_name, plain, transformer_name, type_name
from patchkit.transform.shapes import Open

Run = tuple[int, int, int]  # old offset, new offset, size; bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A member on the way down: its C expression, its type, its offset in bytes from the start of the object, its name
    in decisions.
    """

    text: str
    type: CType
    offset: int
    subject: str
    width: int | None = None

    @property
    def name(self) -> str:
        """The member's own name."""
        return self.subject.rsplit(".", 1)[-1]

    @property
    def address(self) -> str:
        """A C expression for where it is; the whole object is known by a pointer."""
        return self.text if self.text in (Side.OLD, Side.NEW) else f"&{self.text}"


@dataclass(slots=True)
class Conversion:
    """The function that converts one record, as it is written: its lines, where old parts went, what is open."""

    old: str
    new: str
    lines: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    open: list[Open] = field(default_factory=list)
    depth: int = 1

    def line(self, text: str) -> None:
        """Add a line at the depth of the block."""
        self.lines.append("    " * self.depth + text)


class Conversions:
    """All conversions of a pair, with the types that they speak of."""

    def __init__(self, pair: Pair, changed: Changed, decisions: Decisions) -> None:
        self.pair = pair
        self.changed = changed
        self.decisions = decisions
        self.old_header = Header(Side.OLD, pair.old_types)
        self.new_header = Header(Side.NEW, pair.new_types)
        self.enums: dict[tuple[str, str], str] = {}
        self.done: dict[str, Conversion] = {}

    def convert(self, old_key: str, new_key: str) -> Conversion:
        """Return the conversion of a record, made once."""
        found = self.done.get(old_key)
        if found is None:
            found = self.done[old_key] = Conversion(old_key, new_key)
            self.old_header.add(old_key)
            self.new_header.add(new_key)
            self._record(found, self._whole(Side.OLD, old_key), self._whole(Side.NEW, new_key))
            found.runs = merged(found.runs)
        return found

    def text(self) -> str:
        """Return the C of all conversions that were asked for."""
        parts = [f"static pk_conversion {conversion_name(each.old)};" for each in self.done.values()]
        parts += ["", *self.enums.values()]
        parts += [self._function(each) for each in self.done.values()]
        return "\n".join(parts)

    def _whole(self, side: Side, key: str) -> Place:
        program = self.pair.old if side is Side.OLD else self.pair.new
        return Place(side, Named(program.records[key].tag, key), 0, key)

    def _function(self, made: Conversion) -> str:
        name = conversion_name(made.old)
        old, new = type_name(Side.OLD, made.old), type_name(Side.NEW, made.new)
        rest = f"{name.replace('pk_convert_', 'pk_convert_rest_')}"
        hand = self.decisions.value(Topic.CODE, made.old) is not None
        sizes = self.pair.old.records[made.old].size, self.pair.new.records[made.new].size
        start = f"int {rest}" if hand else f"static int {name}"
        head = [
            f"/* {made.old}: {sizes[0]} bytes become {sizes[1]} */",
            *([f"pk_conversion {rest};"] if hand else ()),
            f"{start}(struct pk_migration *migration, const void *from, void *to) {{",
            f"    const {old} *old = from;",
            f"    {new} *new = to;",
            "    (void)migration;",
        ]
        lines = [*head, *made.lines, "    return 0;", "}", ""]
        if hand:
            written = transformer_name(made.old)
            lines += [
                f"int {written}(struct pk_migration *migration, const {old} *old, {new} *new);",
                f"static int {name}(struct pk_migration *migration, const void *from, void *to) {{",
                f"    return {written}(migration, from, to);",
                "}",
                "",
            ]
        return "\n".join(lines)

    # -- records

    def _record(self, made: Conversion, old: Place, new: Place) -> None:
        before, after = self.pair.old_types.record(old.type), self.pair.new_types.record(new.type)
        assert before is not None
        assert after is not None
        if before.tag is Tag.UNION or after.tag is Tag.UNION:
            self._union(made, (old, before), (new, after))
            return
        olds = {place.name: place for place in self._members(before, old, self.pair.old_types)}
        for place in self._members(after, new, self.pair.new_types):
            source = self._source(before, olds, place)
            if source is None:
                self._initial(made, place)
            else:
                self._member(made, source, place)

    def _members(self, record: Record, holder: Place, types: Types) -> Iterator[Place]:
        """The members of a record; those of unnamed structs stand among them, as they do in C."""
        for member in record.members:
            inner = types.record(member.type)
            if member.name:
                yield _inside(holder, member)
            elif inner is not None:
                unnamed = Place(holder.text, member.type, holder.offset + member.offset // 8, holder.subject)
                if inner.tag is Tag.UNION:
                    yield replace(unnamed, text=_at(holder, member, types is self.pair.old_types), subject=inner.key)
                else:
                    yield from self._members(inner, unnamed, types)

    def _source(self, before: Record, olds: dict[str, Place], place: Place) -> Place | None:
        """The old member that a new one continues: by decision, else by name."""
        name = place.name
        for other, candidate in olds.items():
            said = self.decisions.value(Topic.MEMBER, candidate.subject)
            if said is not None and said.rsplit(".", 1)[-1] == name:
                return candidate
            if said is not None and other == name:
                return None
        return olds.get(name)

    def _initial(self, made: Conversion, place: Place) -> None:
        said = self.decisions.value(Topic.INITIAL, place.subject)
        if said is None:
            made.open.append(
                Open(Topic.INITIAL, place.subject, f"which value has {place.subject} in objects that exist?")
            )
            return
        if said.strip() == "0" or said.strip() == "NULL":
            made.line(f"/* {place.text} stays 0: decided */")
        elif self.pair.new_types.scalar(place.type) is not None:
            made.line(f"{place.text} = {said}; /* decided: new */")
        else:
            made.open.append(Open(Topic.CODE, place.subject, f"{place.subject} is no single value: write its start"))

    # -- members

    def _member(self, made: Conversion, old: Place, new: Place) -> None:
        before, after = self.pair.old_types.bare(old.type), self.pair.new_types.bare(new.type)
        if isinstance(before, Array) and isinstance(after, Array):
            self._array(made, (old, before), (new, after))
        elif self.pair.old_types.record(before) is not None and self.pair.new_types.record(after) is not None:
            self._nested(made, old, new, before, after)
        elif isinstance(before, Pointer) and isinstance(after, Pointer):
            self._pointer(made, (old, before), (new, after))
        elif self.pair.old_types.scalar(before) is not None and self.pair.new_types.scalar(after) is not None:
            self._scalar(made, old, new)
        elif self.pair.same(before, after):
            self._bytes(made, old, new, "same type")
        else:
            self._unknown(made, old, new)

    def _unknown(self, made: Conversion, old: Place, new: Place) -> None:
        text = f"{old.subject} was {spell(old.type)} and is {spell(new.type)}"
        made.open.append(Open(Topic.CODE, made.old, text))
        made.line(f"/* {text}: for transform.c */")

    def _bytes(self, made: Conversion, old: Place, new: Place, reason: str) -> None:
        size = self._size(old.type, self.pair.old_types)
        made.line(f"__builtin_memcpy({new.address}, {old.address}, {size}); /* {reason} */")
        made.runs.append((old.offset, new.offset, size))

    def _nested(self, made: Conversion, old: Place, new: Place, before: CType, after: CType) -> None:
        one, other = self.pair.old_types.record(before), self.pair.new_types.record(after)
        assert one is not None
        assert other is not None
        if is_foreign(one.coord) or is_foreign(other.coord):
            if one.size == other.size:
                self._bytes(made, old, new, "foreign, kept as it is")
            else:
                self._unknown(made, old, new)
        elif one.parent or other.parent:
            self._record(made, old, new)  # an unnamed one has no conversion of its own
        elif self.pair.records.forward.get(one.key) == other.key:
            if one.key not in self.changed.records and not self.pair.old_types.holds_pointer(before):
                self._bytes(made, old, new, "same type")
                return
            inner = self.convert(one.key, other.key)
            made.line(f"if ({conversion_name(one.key)}(migration, &{old.text}, &{new.text})) /* {one.key} */")
            made.line("    return 1;")
            made.runs += [(old.offset + start, new.offset + to, size) for start, to, size in inner.runs]
        else:
            self._unknown(made, old, new)

    def _pointer(self, made: Conversion, old: tuple[Place, Pointer], new: tuple[Place, Pointer]) -> None:
        (source, before), (place, after) = old, new
        if isinstance(self.pair.old_types.bare(before.target), Function):
            if not self.pair.same(before, after):
                made.line("/* what it leads to has the new type: functions keep their addresses */")
            made.line(f"{place.text} = {source.text}; /* a function's address stays */")
        elif self.pair.same(before, after) or self._continues(before.target, after.target):
            made.line(f"{place.text} = pk_forward(migration, {source.text}); /* same type */")
        else:
            self._unknown(made, source, place)
            return
        made.runs.append((source.offset, place.offset, 8))

    def _continues(self, old: CType, new: CType) -> bool:
        """Whether pointers of one type may be taken for the other: qualifiers apart, one continues the other."""
        return self.pair.same(self.pair.old_types.bare(old), self.pair.new_types.bare(new))

    def _scalar(self, made: Conversion, old: Place, new: Place) -> None:
        before, after = self.pair.old_types.scalar(old.type), self.pair.new_types.scalar(new.type)
        assert before is not None
        assert after is not None
        if old.width is None and new.width is None:
            made.runs.append((old.offset, new.offset, min(before.size, after.size)))
        old_enum, new_enum = self.pair.old_types.enum(old.type), self.pair.new_types.enum(new.type)
        if old_enum is not None and new_enum is not None and old_enum.key in self.changed.enums:
            self._enum(made, old, new, (old_enum, new_enum))
            return
        target = self.new_header.scalar(new.type)
        self.old_header.scalar(old.type)
        same = (before.kind, before.size, before.signed) == (after.kind, after.size, after.signed)
        widened = before.kind is after.kind and after.size > before.size and (after.signed or not before.signed)
        if after.kind is ScalarKind.FLOAT and before.kind is ScalarKind.FLOAT:
            widened = after.size >= before.size
        narrower = (new.width or after.size * 8) < (old.width or before.size * 8)
        if same and not narrower:
            made.line(f"{new.text} = {self._cast(target, old, new)}; /* same type */")
        elif widened and not narrower:
            made.line(f"{new.text} = ({target}){old.text}; /* wider */")
        else:
            made.line(f"{new.text} = ({target}){self._masked(old, new)}; /* as far as it fits */")
            made.line(f"if ({self._lost(old, new)})")
            text = f"{new.subject}: a value does not fit {spell(new.type)}"
            made.line(f'    return pk_refuse(migration, "{text}", (int64_t){old.text});')

    def _cast(self, target: str, old: Place, new: Place) -> str:
        if new.width is not None:
            return self._masked(old, new)
        old_enum = self.pair.old_types.enum(old.type)
        return f"({target}){old.text}" if old_enum is not None else old.text

    @staticmethod
    def _masked(old: Place, new: Place) -> str:
        # Without the mask gcc warns that a bit-field may be too narrow, which the check below finds out.
        return f"({old.text} & {hex((1 << new.width) - 1)})" if new.width is not None else old.text

    def _lost(self, old: Place, new: Place) -> str:
        before = self.old_header.scalar(old.type)
        return f"({before}){new.text} != {old.text} || ({old.text} < ({before})1) != ({new.text} < 1)"

    # -- enumerations

    def _enum(self, made: Conversion, old: Place, new: Place, enums: tuple[Enum, Enum]) -> None:
        before, after = enums
        name = f"pk_enum_{plain(before.key.split(' ', 1)[-1])}"
        if (before.key, after.key) not in self.enums:
            self.enums[before.key, after.key] = self._enum_function(name, before, after, made)
        target = self.new_header.scalar(new.type)
        self.old_header.scalar(old.type)
        made.line("{ /* by the names of the constants */")
        made.line("    int64_t value;")
        made.line(f'    if ({name}(migration, "{old.subject}", (int64_t){old.text}, &value))')
        made.line("        return 1;")
        mask = f" & {hex((1 << new.width) - 1)}" if new.width is not None else ""
        made.line(f"    {new.text} = ({target})(value{mask});" if not mask else f"    {new.text} = value{mask};")
        made.line("}")

    def _enum_function(self, name: str, old: Enum, new: Enum, made: Conversion) -> str:
        values, lines, seen = dict(new.constants), list[str](), set[int]()
        for constant, value in old.constants:
            said = self.decisions.value(Topic.CONSTANT, f"{old.key}.{constant}")
            target = values.get(constant if said is None else said)
            if value in seen or said == "-":
                continue
            if target is None and said is not None and said.lstrip("-").isdigit():
                target = int(said)
            if target is not None:
                seen.add(value)
                lines.append(f"    case {value}: *ret = {target}; return 0; /* {constant} */")
        return "\n".join(
            [
                f"static int {name}(struct pk_migration *migration, const char *what, int64_t value, int64_t *ret) {{",
                "    switch (value) {",
                *lines,
                "    default: return pk_refuse(migration, what, value);",
                "    }",
                "}",
                "",
            ]
        )

    # -- arrays and unions

    def _array(self, made: Conversion, old: tuple[Place, Array], new: tuple[Place, Array]) -> None:
        (source, before), (place, after) = old, new
        have, want = before.length or 0, after.length or 0
        count = min(have, want)
        if not have or not want:
            if have != want or before.length is None:
                self._unknown(made, source, place)
            return
        index = f"at{made.depth}"
        step = self._size(before.element, self.pair.old_types), self._size(after.element, self.pair.new_types)
        inner = Conversion(made.old, made.new, depth=made.depth + 1)
        element = (
            Place(f"{source.text}[{index}]", before.element, 0, source.subject),
            Place(f"{place.text}[{index}]", after.element, 0, place.subject),
        )
        self._member(inner, *element)
        made.open += inner.open
        made.line(f"for (size_t {index} = 0; {index} < {count}; {index}++) {{ /* {have} elements were, {want} are */")
        made.lines += inner.lines
        made.line("}")
        if have > want:
            self._tail(made, source, place, before, (count, have))
        if want > have:
            self._new_tail(made, place)
        for row in range(count):
            made.runs += [
                (source.offset + row * step[0] + start, place.offset + row * step[1] + to, size)
                for start, to, size in inner.runs
            ]

    def _tail(self, made: Conversion, source: Place, place: Place, before: Array, rows: tuple[int, int]) -> None:
        """What falls off must be empty; a text must still end."""
        size = self._size(before.element, self.pair.old_types)
        made.line(f"for (size_t byte = {rows[0] * size}; byte < {rows[1] * size}; byte++)")
        made.line(f"    if (((const unsigned char *)&{source.text})[byte])")
        made.line(
            f'        return pk_refuse(migration, "{source.subject} holds more than the new one can", (int64_t)byte);'
        )
        if self.pair.old_types.is_char(before.element):
            made.line(f"if ({place.text}[{rows[0] - 1}])")
            made.line(
                f'    return pk_refuse(migration, "{place.subject} has no room for the end of its text", {rows[0]});'
            )

    def _new_tail(self, made: Conversion, place: Place) -> None:
        said = self.decisions.value(Topic.INITIAL, place.subject)
        if said is None and not self.pair.new_types.is_char(self.pair.new_types.element(place.type)):
            question = f"which value have the new elements of {place.subject} in objects that exist?"
            made.open.append(Open(Topic.INITIAL, place.subject, question))
        elif said is not None and said.strip() not in ("0", "NULL"):
            made.open.append(
                Open(Topic.CODE, place.subject, f"the new elements of {place.subject} are not 0: write them")
            )
        else:
            made.line(f"/* new elements of {place.subject} stay 0 */")

    def _union(self, made: Conversion, old: tuple[Place, Record], new: tuple[Place, Record]) -> None:
        (source, before), (place, after) = old, new
        said = self.decisions.value(Topic.UNION, source.subject) or self.decisions.value(Topic.UNION, before.key)
        words = [m for m in before.members if self.pair.old_types.holds_pointer(m.type)]
        same = not self._differs(before, after)
        if same and not words:
            self._bytes(made, source, place, "no member leads anywhere")
        elif same and (said == "address" or (said is None and self._all_pointers(before))):
            self._bytes(made, source, place, "the word is forwarded below" if words else "same type")
            name = f"word{made.depth}"
            made.line(f"{{ void *{name};")
            made.line(f"__builtin_memcpy(&{name}, {place.address}, sizeof {name});")
            made.line(f"{name} = pk_forward(migration, {name}); /* every member has a pointer there */")
            made.line(f"__builtin_memcpy({place.address}, &{name}, sizeof {name}); }}")
        elif said is not None and any(member.name == said for member in before.members):
            self._chosen(made, old, new, said)
        else:
            question = f"{source.subject} is a union: which member does it hold?"
            made.open.append(Open(Topic.UNION, source.subject, question, tuple(m.name for m in before.members)))

    def _all_pointers(self, record: Record) -> bool:
        return all(isinstance(self.pair.old_types.bare(member.type), Pointer) for member in record.members)

    def _differs(self, before: Record, after: Record) -> bool:
        return before.size != after.size or any(
            one.name != other.name or not self.pair.same(one.type, other.type) or self.changed.holds(one.type)
            for one, other in zip(before.members, after.members, strict=False)
        )

    def _chosen(self, made: Conversion, old: tuple[Place, Record], new: tuple[Place, Record], name: str) -> None:
        (source, before), (place, after) = old, new
        one = next(member for member in before.members if member.name == name)
        other = next((member for member in after.members if member.name == name), None)
        if other is None:
            self._unknown(made, source, place)
            return
        self._member(made, _inside(source, one), _inside(place, other))

    def _size(self, ctype: CType, types: Types) -> int:
        bare = types.bare(ctype)
        if isinstance(bare, Array):
            return (bare.length or 0) * self._size(bare.element, types)
        record, scalar = types.record(bare), types.scalar(bare)
        return record.size if record is not None else scalar.size if scalar is not None else 0


def _inside(place: Place, member: Member) -> Place:
    joint = "->" if place.text in (Side.OLD, Side.NEW) else "."
    subject, offset = f"{place.subject}.{member.name}", place.offset + member.offset // 8
    return Place(f"{place.text}{joint}{member.name}", member.type, offset, subject, member.width)


def _at(holder: Place, member: Member, old: bool) -> str:
    """A C expression for a member that has no name: the bytes where it is."""
    constant = "const " if old else ""
    place = f"({constant}char *){holder.address} + {member.offset // 8}"
    return f"(*({constant}unsigned char (*)[{member.size // 8}])({place}))"


def merged(runs: list[Run]) -> list[Run]:
    """Return runs in the order of the old object, joined where they follow each other on both sides."""
    found: list[Run] = []
    for start, to, size in sorted(runs):
        if found and found[-1][0] + found[-1][2] == start and found[-1][1] + found[-1][2] == to:
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + size)
        elif not found or start >= found[-1][0] + found[-1][2]:
            found.append((start, to, size))
    return found
