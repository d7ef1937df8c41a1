"""C that converts an object of a changed record, member by member, each statement with its reason."""

from functools import cached_property

from patchkit.diff.ctypes_compare import relate
from patchkit.diff.library_objects import library_object
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, Types, is_foreign
from patchkit.model.change import Verdict
from patchkit.model.ctype import Array, CType, Named, Pointer, Tag
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Member, Record
from patchkit.transform.arrays import convert_array, is_raw_copy
from patchkit.transform.changed import Changed
from patchkit.transform.enumerations import Renumbering
from patchkit.transform.headers import Header
from patchkit.transform.layouts import is_raw, loosely_placed
from patchkit.transform.members import Matcher, Source, Story, tell
from patchkit.transform.migration import Side, sides_of
from patchkit.transform.names import conversion_name, rest_name, transformer_name
from patchkit.transform.places import Place, merged, whole
from patchkit.transform.pointers import convert_disguised, convert_pointer
from patchkit.transform.scalars import convert_scalar
from patchkit.transform.starts import begin, begin_with
from patchkit.transform.statements import Context, Conversion, copy, zero
from patchkit.transform.unions import convert_union

_ALIGNED = 8  # bytes, of what a conversion is given
_BITS = """\
/* Writes a value that fits, which compilers do not see, to a bit-field with a sign. */
#define PK_BITS(member, value) \\
    do { \\
        _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \\"-Wconversion\\"") \\
        _Pragma("GCC diagnostic ignored \\"-Wsign-conversion\\"") \\
        (member) = (value); \\
        _Pragma("GCC diagnostic pop") \\
    } while (0)
"""


class Conversions:
    """All conversions of a pair, with the types that they speak of."""

    def __init__(self, pair: Pair, changed: Changed, decisions: Decisions) -> None:
        self.pair = pair
        self.changed = changed
        self.decisions = decisions
        self.sides = sides_of(decisions.way)
        self.old_header = Header(self.sides[0], pair.old_types)
        self.new_header = Header(self.sides[1], pair.new_types)
        self.enums = Renumbering(decisions, self.old_header.names, self.new_header.names)
        self.matcher = Matcher(pair, decisions)
        self.done: dict[str, Conversion] = {}

    @cached_property
    def loose(self) -> dict[Side, frozenset[str]]:
        """By side, the keys of records of which objects may lie anywhere."""
        return {Side.OLD: loosely_placed(self.pair.old_types), Side.NEW: loosely_placed(self.pair.new_types)}

    def convert(self, old_key: str, new_key: str) -> Conversion:
        """Return the conversion of a record, made once."""
        found = self.done.get(old_key)
        if found is None:
            by_hand = self.decisions.value(Topic.CODE, old_key) is not None
            found = self.done[old_key] = Conversion(old_key, new_key, by_hand)
            self.old_header.add(old_key)
            self.new_header.add(new_key)
            asked = len(self.enums.open)
            self._convert(found)
            found.open += self.enums.open[asked:]
            found.runs = merged(found.runs)
        return found

    def text(self) -> str:
        """Return the C of all conversions that were asked for."""
        parts = [f"static pk_conversion {conversion_name(each.old)};" for each in self.done.values()]
        bodies = [self._function(each) for each in self.done.values()]
        bits = [_BITS] if any("PK_BITS(" in body for body in bodies) else []
        return "\n".join([*parts, "", *bits, *self.enums.functions.values(), *bodies])

    def _convert(self, made: Conversion) -> None:
        before, after = self.pair.old.records[made.old], self.pair.new.records[made.new]
        at = self._context(made, tell(self.pair, before, after))
        old, new = whole(self.sides[0], before), whole(self.sides[1], after)
        if before.tag is not after.tag:
            at.ask_for_code(f"{made.old} was a {before.tag} and is a {after.tag} now")
        elif before.tag is Tag.UNION:
            convert_union(at, old, new, (before, after), "same union")
        else:
            self._members(at, (before, after), (old, new))

    def _context(self, made: Conversion, story: Story) -> Context:
        return Context(
            self.pair,
            self.changed,
            self.decisions,
            self.old_header,
            self.new_header,
            made,
            story,
            self.convert,
            self.enums.name,
            self.value,
        )

    # -- functions

    def _function(self, made: Conversion) -> str:
        name, old, new = self._typed(made)
        sizes = self.pair.old.records[made.old].size, self.pair.new.records[made.new].size
        own, kind = (rest_name(made.old, self.decisions.way), "int") if made.by_hand else (name, "static int")
        lines = [
            f"/* {made.old}: {sizes[0]} bytes become {sizes[1]} */",
            *([f"pk_conversion {own};"] if made.by_hand else ()),
            f"{kind} {own}(struct pk_migration *migration, const void *from, void *to) {{",
            *self._pointer(self.sides[0], f"const {old}", "from", self._alignment(Side.OLD, made.old)),
            *self._pointer(self.sides[1], new, "to", self._alignment(Side.NEW, made.new)),
            "    (void)migration, (void)old, (void)new;",
            *made.lines,
            "    return 0;",
            "}",
            "",
        ]
        if made.by_hand:
            written, (one, other) = transformer_name(made.old, self.decisions.way), self.sides
            lines += [
                f"int {written}(struct pk_migration *migration, const {old} *{one}, {new} *{other});",
                f"static int {name}(struct pk_migration *migration, const void *from, void *to) {{",
                f"    return {written}(migration, from, to); /* decided: a programmer converts it */",
                "}",
                "",
            ]
        return "\n".join(lines)

    def _alignment(self, side: Side, key: str) -> int:
        """What an object of a record is aligned to at least, 0 where its type alone says it.

        It may lie in a packed record; and while it is converted it may stand aside, where it is aligned to no more
        than a word.
        """
        record = (self.pair.old if side is Side.OLD else self.pair.new).records[key]
        return 1 if key in self.loose[side] else _ALIGNED if record.align > _ALIGNED else 0

    @staticmethod
    def _pointer(name: str, ctype: str, value: str, align: int) -> tuple[str, ...]:
        """Declare `old` or `new`."""
        if not align:
            return (f"    {ctype} *{name} = {value};",)
        return (
            f"    typedef {ctype} {name}_object __attribute__((aligned({align})));",
            f"    {name}_object *{name} = {value};",
        )

    def _typed(self, made: Conversion) -> tuple[str, str, str]:
        old, new = self.old_header.names.record(made.old), self.new_header.names.record(made.new)
        return conversion_name(made.old), old, new

    # -- members of records

    def _members(self, at: Context, records: tuple[Record, Record], places: tuple[Place, Place]) -> None:
        matching = self.matcher.match(records, places)
        for source in matching.sources:
            self._from(at, source)
        for place in matching.dropped:
            self._drop(at, place)

    def _from(self, at: Context, source: Source) -> None:
        """Write the value of one new member."""
        new = source.new
        said = at.said(Topic.INITIAL, new.subject)
        overridden = said is not None and not isinstance(at.new_types.bare(new.type), Array)
        if said is not None and source.old is not None and overridden:
            begin_with(at, new, said, f"decided, in place of {source.old.subject}")
        elif source.old is not None:
            self.value(at, source.old, new, source.reason)
        elif source.opened:
            for inner in source.opened:
                self._from(at, inner)
        elif source.asks and said is None:
            for subject in source.asks:
                question = f"does {subject} go on as {new.subject}?"
                at.ask(Topic.MEMBER, subject, question, (new.name, "-"), new.name)
            zero(at.made, new, "until it is decided")
        else:
            self._begin(at, new)

    def _begin(self, at: Context, new: Place) -> None:
        path = new.subject.removeprefix(f"{at.made.new}.")
        renamed, replaced = at.story.renamed.get(path), at.story.replaced.get(path)
        if at.said(Topic.INITIAL, new.subject) is not None:
            begin(at, new)
        elif renamed is not None and renamed.old is not None:
            subject = f"{at.made.old}.{renamed.old.name.replace('[]', '')}"
            if at.said(Topic.MEMBER, subject) is not None:
                begin(at, new)
                return
            choices = (new.name, "-")
            evidence = at.story.evidence
            at.ask(Topic.MEMBER, subject, renamed.question, choices, new.name, renamed.grade, evidence)
            zero(at.made, new, "until it is decided")
        elif replaced is not None:
            at.ask_for_code(replaced.text)
            zero(at.made, new, "for transform.c")
        else:
            begin(at, new)

    def _drop(self, at: Context, old: Place) -> None:
        """Say what becomes of a member that the version to come does not have."""
        path = old.subject.removeprefix(f"{at.made.old}.")
        edit, split = at.story.removed.get(path), at.story.split.get(path)
        if split is not None:
            at.ask_for_code(split.text)
        elif at.said(Topic.MEMBER, old.subject) is not None:
            at.made.line(f"/* decided: {old.subject} is dropped */")
        elif edit is not None and edit.verdict >= Verdict.CONFIRM:
            at.ask(Topic.MEMBER, old.subject, edit.question, ("-",), "-")
        elif path not in {each.old.name for each in at.story.renamed.values() if each.old is not None}:
            at.made.line(f"/* {old.subject} is gone, and its value with it */")

    # -- values

    def value(self, at: Context, old: Place, new: Place, reason: str) -> None:
        """Write the statements that make a new member from the old one it continues."""
        before, after = at.old_types.bare(old.type), at.new_types.bare(new.type)
        one, other = at.old_types.scalar(before), at.new_types.scalar(after)
        as_bytes = self._is_bytes(at.old_types, old) or self._is_bytes(at.new_types, new)
        if as_bytes and at.pair.same(before, after) and old.size == new.size:
            copy(at.made, old, new, f"{reason} and type")
            at.run(old, new)
        elif as_bytes:
            at.ask_for_code(f"{old.subject} {relate(at.pair, old.type, new.type).text}")
            zero(at.made, new, "for transform.c")
        elif isinstance(before, Array) and isinstance(after, Array):
            convert_array(at, old, new, reason)
        elif _record(at.old_types, before) is not None and _record(at.new_types, after) is not None:
            self._nested(at, old, new, reason)
        elif isinstance(before, Pointer) and isinstance(after, Pointer):
            convert_pointer(at, old, new, reason)
        elif one is not None and other is not None and one.size and other.size:
            if ScalarKind.POINTER in (one.kind, other.kind):
                convert_disguised(at, old, new, reason)
            else:
                convert_scalar(at, old, new, reason)
        elif at.pair.same(before, after) and old.size == new.size:
            copy(at.made, old, new, f"{reason} and type")
            at.run(old, new)
        else:
            at.ask_for_code(f"{old.subject} {relate(at.pair, old.type, new.type).text}")
            zero(at.made, new, "for transform.c")

    @staticmethod
    def _is_bytes(types: Types, place: Place) -> bool:
        """Whether a header has bytes in the place of a type that not every compiler knows."""
        bits = place.size * 8 if place.width is None else place.width
        return is_raw(types, Member(place.name, place.type, place.bit, bits, place.width))

    def _nested(self, at: Context, old: Place, new: Place, reason: str) -> None:
        before, after = _record(at.old_types, old.type), _record(at.new_types, new.type)
        assert before is not None
        assert after is not None
        if is_foreign(before.coord) or is_foreign(after.coord):
            self._foreign(at, old, new, reason)
        elif before.tag is Tag.UNION and before.tag is after.tag and self._continues(before, after):
            convert_union(at, old, new, (before, after), reason)
        elif before.tag is after.tag and (before.parent or after.parent):
            self._members(at, (before, after), (old, new))  # it has no name, so no conversion of its own
        elif not self._continues(before, after):
            at.ask_for_code(f"{old.subject} {relate(at.pair, old.type, new.type).text}")
            zero(at.made, new, "for transform.c")
        elif is_raw_copy(at, old.type, new.type):
            copy(at.made, old, new, f"{reason} and type")
            at.run(old, new)
        else:
            self._call(at, old, new, (before, after), reason)

    def _continues(self, before: Record, after: Record) -> bool:
        return self.pair.records.forward.get(before.key) == after.key or bool(before.parent and after.parent)

    def _call(self, at: Context, old: Place, new: Place, records: tuple[Record, Record], reason: str) -> None:
        """Let the conversion of a record that lies inside do it."""
        before, after = records
        inner = self.convert(before.key, after.key)
        name = conversion_name(before.key)
        at.made.line(f"if ({name}(migration, {old.address}, {new.address}))", f"{reason}; {before.key}")
        at.made.line("    return 1;")
        at.made.runs += [(old.offset + start, new.offset + to, size) for start, to, size in inner.runs]
        at.made.pinned += [f"{old.subject}, in it {each}" for each in inner.pinned]

    def _foreign(self, at: Context, old: Place, new: Place, reason: str) -> None:
        """What belongs to the system or a library is kept as it is, and some of it only where it is."""
        library = library_object(at.old_types, old.type)
        if old.size != new.size or not at.pair.same(at.old_types.bare(old.type), at.new_types.bare(new.type)):
            at.ask_for_code(f"{old.subject} {relate(at.pair, old.type, new.type).text}")
            zero(at.made, new, "for transform.c")
            return
        if library or at.old_types.holds_pointer(old.type):
            at.made.pinned.append(f"{old.subject} ({library or at.old_types.bare(old.type)})")
            reason = f"{reason} and type; only right where the object does not move"
        copy(at.made, old, new, reason)
        at.run(old, new)


def _record(types: Types, ctype: CType) -> Record | None:
    """The record that a type is, not one that it is an array of."""
    bare = types.bare(ctype)
    return types.program.records.get(bare.key) if isinstance(bare, Named) and bare.tag is not Tag.ENUM else None
