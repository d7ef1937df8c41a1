"""Members on the way down into an object: where they are, and how C and decisions name them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchkit.diff.types import Types
from patchkit.model.ctype import CType, Named, Tag
from patchkit.model.program import Member, Record
from patchkit.transform.layouts import as_built

Run = tuple[int, int, int]  # old offset, new offset, size; bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A member, or a whole object.

    `text` is its C expression, `bit` how many bits it begins behind the start of the object, `size` its bytes, 0 where
    it has none of its own. `subject` is its name in decisions. `name` is its own name, which is empty for a union
    without one: that is reached as the bytes from `lead` on behind `text`, which is what it stands in.
    """

    text: str
    type: CType
    bit: int
    size: int
    subject: str
    name: str = ""
    width: int | None = None
    lead: int | None = None
    pointed: bool = False  # `text` is a pointer to it
    around: str = ""  # of a union without a name: what its members' names begin with

    @property
    def offset(self) -> int:
        """Where it begins, in bytes."""
        return self.bit // 8

    @property
    def address(self) -> str:
        """A C expression for where it is."""
        start = self.text if self.pointed else f"&{self.text}"
        return start if not self.lead else f"(char *){start} + {self.lead}"

    def reading(self) -> str:
        """The same, for an object that is not written."""
        return self.address.replace("(char *)", "(const char *)", 1) if self.lead else self.address

    def inside(self, member: Member) -> "Place":
        """Return a member of the record that this is."""
        joint = "->" if self.pointed else "."
        return Place(
            f"{self.text}{joint}{member.name}",
            member.type,
            self.bit + member.offset,
            member.size // 8,
            f"{self.around or self.subject}.{member.name}",
            member.name,
            member.width,
        )

    def element(self, index: str, ctype: CType, size: int) -> "Place":
        """Return the element `index` of the array that this is; the offset is that of the first."""
        return Place(f"{self.text}[{index}]", ctype, self.bit, size, self.subject, self.name)


def whole(name: str, record: Record) -> Place:
    """Return the object that the pointer `name` leads to."""
    return Place(name, Named(record.tag, record.key), 0, record.size, record.key, pointed=True)


def members(types: Types, record: Record, holder: Place) -> Iterator[Place]:
    """Yield the members of `record`: those of unnamed structs as C has them, an unnamed union as one, without a name.

    Unnamed bit-fields are no members.
    """
    for member in record.members:
        if member.name:
            yield holder.inside(replace(member, type=as_built(types, member.type, member.size // 8)))
            continue
        inner = types.record(member.type) if member.width is None else None
        if inner is None:
            continue
        lead = (holder.lead or 0) + member.offset // 8
        unnamed = replace(holder, type=member.type, bit=holder.bit + member.offset, size=inner.size, lead=lead)
        if inner.tag is Tag.UNION:
            yield replace(unnamed, subject=inner.key, around=holder.around or holder.subject, name="")
        else:
            yield from members(types, inner, unnamed)


def merged(runs: list[Run]) -> list[Run]:
    """Return runs in the order of the old object, joined where they follow each other on both sides."""
    found: list[Run] = []
    for start, to, size in sorted(runs):
        if found and found[-1][0] + found[-1][2] == start and found[-1][1] + found[-1][2] == to:
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + size)
        elif size and (not found or start >= found[-1][0] + found[-1][2]):
            found.append((start, to, size))
    return found
