"""The members of a record as code names them, and as they are drawn: unnamed aggregates opened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from patchkit.diff.types import Types
from patchkit.model.change import PlacedMember
from patchkit.model.ctype import CType, Named, Tag, spell
from patchkit.model.program import Member, Record


@dataclass(frozen=True, slots=True)
class Slot:
    """A member in the name space of a record.

    `member` bears the dotted name and the offset that it has from the outermost record; `name` is its own name alone.
    `inside` tells the unnamed aggregates around it, outermost first; `owner` is the record whose name space it is in.
    """

    name: str
    member: Member
    owner: Record
    inside: tuple[Record, ...] = ()

    @property
    def path(self) -> str:
        """The dotted name from the record that is being compared."""
        return self.member.name

    @property
    def scope(self) -> str:
        """What stands before its own name in the path."""
        return self.path.removesuffix(self.name)

    @property
    def in_union(self) -> bool:
        """Whether it shares its bytes with other members of the record."""
        return self.owner.tag is Tag.UNION or any(record.tag is Tag.UNION for record in self.inside)

    @property
    def union(self) -> Record | None:
        """The innermost union whose member it is, if any."""
        around = (self.owner, *self.inside)
        return next((record for record in reversed(around) if record.tag is Tag.UNION), None)


def slots(types: Types, record: Record, prefix: str = "", base: int = 0) -> dict[str, Slot]:
    """Return the members of `record` by name; those of unnamed members belong to it (C11 6.7.2.1p13)."""
    found: dict[str, Slot] = {}
    for slot in _open(types, record, record, prefix, base, ()):
        found.setdefault(slot.path, slot)
    return found


def _open(
    types: Types, owner: Record, record: Record, prefix: str, base: int, inside: tuple[Record, ...]
) -> Iterator[Slot]:
    for member in record.members:
        if member.name:
            placed = (
                replace(member, name=prefix + member.name, offset=member.offset + base) if prefix or base else member
            )
            yield Slot(member.name, placed, owner, inside)
            continue
        inner = types.record(member.type) if member.width is None else None
        if inner is not None:
            yield from _open(types, owner, inner, prefix, member.offset + base, (*inside, inner))


def unnamed_part(types: Types, ctype: CType) -> Record | None:
    """Return the record without a name of its own that `ctype` consists of, points at or has as elements."""
    core = types.core(ctype)
    record = types.program.records.get(core.key) if isinstance(core, Named) else None
    return record if record is not None and record.parent else None


def declare(member: Member, name: str | None = None) -> str:
    """Return the C declaration of a member under `name`, or under its own."""
    text = spell(member.type, member.name if name is None else name)
    return text if member.width is None else f"{text} : {member.width}"


def place(types: Types, record: Record, kinds: Mapping[str, str]) -> tuple[PlacedMember, ...]:
    """Return the members of `record` as drawn, parts without a type name opened; `kinds` marks them by path."""
    return tuple(_placed(types, record, "", 0, kinds))


def _placed(types: Types, record: Record, prefix: str, base: int, kinds: Mapping[str, str]) -> Iterator[PlacedMember]:
    for member in record.members:
        offset = member.offset + base
        path = prefix + member.name
        bare = types.bare(member.type)
        inner = types.program.records.get(bare.key) if isinstance(bare, Named) else None
        if inner is not None and inner.parent and inner.members:
            yield from _placed(types, inner, f"{path}." if member.name else prefix, offset, kinds)
            continue
        yield PlacedMember(path, declare(member, path if member.name else ""), offset, member.size, kinds.get(path, ""))
