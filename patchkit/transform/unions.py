"""Unions: nobody but the program knows which member is in use, so their bytes are kept, or a decision tells it."""

from patchkit.diff.types import Types
from patchkit.model.ctype import Array, Function, Named, Pointer, Tag
from patchkit.model.decision import Topic
from patchkit.model.program import Member, Record
from patchkit.transform.places import Place, members
from patchkit.transform.starts import expression
from patchkit.transform.statements import Context, copy, quoted, zero

_WORD = 8


def convert_union(at: Context, old: Place, new: Place, records: tuple[Record, Record], reason: str) -> None:
    """Write what becomes of a union: `records` are its types on both sides."""
    before, after = records
    said = at.said(Topic.UNION, *_subjects(old))
    words = _words(at.old_types, before)
    if new.size > min(old.size, new.size):
        zero(at.made, new, "what the old union does not reach")
    if said is None and not _is_kept(at, before, after):
        _ask(at, old, before, bool(words))
        return
    if said is None and words and not _all_have(at.old_types, before, words):
        _ask(at, old, before, True)
        return
    if said in (None, "address"):
        copy(at.made, old, new, f"{reason}; whichever member is in use, its bytes stay")
        at.run(old, new)
        for word in words:
            _forward(at, new, word, "every member has a pointer there" if said is None else "decided: an address")
        return
    zero(at.made, new, "before the member in use")
    _chosen(at, old, new, records, said)


def _subjects(place: Place) -> tuple[str, ...]:
    return (place.subject,) if place.name else (place.subject, f"{place.around}.", place.around)


def _ask(at: Context, old: Place, before: Record, pointers: bool) -> None:
    names = tuple(place.name for place in members(at.old_types, before, old) if place.name)
    question = f"{old.subject} is a union: which member is in use, and when? `member=CONDITION; ...` over `it`"
    at.ask(Topic.UNION, old.subject, question, ("address", *names) if pointers else names)


def _is_kept(at: Context, before: Record, after: Record) -> bool:
    """Whether each old member is in the new union with the same type, and no part of it changed."""
    others = {member.name: member for member in after.members}
    if before.tag is not after.tag or after.size < before.size:
        return False
    for number, member in enumerate(before.members):
        other = others.get(member.name)
        if not member.name:
            other = after.members[number] if number < len(after.members) else None
        if other is None or (member.width, member.size) != (other.width, other.size):
            return False
        if not _is_kept_member(at, member, other):
            return False
    new_words = {*_words(at.new_types, after)} if _words(at.old_types, before) else set[int]()
    return new_words <= {*_words(at.old_types, before)}


def _is_kept_member(at: Context, member: Member, other: Member) -> bool:
    inner, outer = at.old_types.record(member.type), at.new_types.record(other.type)
    if inner is not None and outer is not None and inner.parent:
        if (inner.size, len(inner.members)) != (outer.size, len(outer.members)):
            return False
        return all(
            (one.name, one.offset, one.size, one.width) == (two.name, two.offset, two.size, two.width)
            and _is_kept_member(at, one, two)
            for one, two in zip(inner.members, outer.members, strict=True)
        )
    same = at.pair.same(at.old_types.bare(member.type), at.new_types.bare(other.type))
    return same and not at.changed.holds(member.type)


def _words(types: Types, record: Record) -> list[int]:
    """Where, in bytes, pointers to data stand in any member of a record."""
    found: set[int] = set()
    for member in record.members:
        found |= {member.offset // 8 + each for each in _words_of(types, member)}
    return sorted(found)


def _words_of(types: Types, member: Member) -> set[int]:
    bare, length, step = types.bare(member.type), 1, 0
    while isinstance(bare, Array):
        length *= bare.length or 0
        bare = types.bare(bare.element)
    if length:
        step = member.size // 8 // length
    if isinstance(bare, Pointer):
        inner = set[int]() if isinstance(types.bare(bare.target), Function) else {0}
    elif isinstance(bare, Named) and bare.tag is not Tag.ENUM and bare.key in types.program.records:
        inner = {*_words(types, types.program.records[bare.key])}
    else:
        inner = set()
    return {row * step + each for row in range(length) for each in inner}


def _all_have(types: Types, record: Record, words: list[int]) -> bool:
    """Whether all members have pointers at the same places, so that none is taken for one that is not."""
    return all(sorted(_words_of(types, member)) == words for member in record.members)


def _forward(at: Context, new: Place, word: int, reason: str) -> None:
    start = new.text if new.pointed else f"&{new.text}"
    offset = (new.lead or 0) + word
    with at.made.block("", reason):
        at.made.line("void *word;")
        at.made.line(f"memcpy(&word, (const char *){start} + {offset}, {_WORD});")
        at.made.line("word = pk_forward(migration, word);")
        at.made.line(f"memcpy((char *){start} + {offset}, &word, {_WORD});")


def _chosen(at: Context, old: Place, new: Place, records: tuple[Record, Record], said: str) -> None:
    """Convert the member that a decision names, `member` alone or `member=CONDITION; ...`."""
    choices = [part.strip().partition("=") for part in said.split(";") if part.strip()]
    if len(choices) == 1 and not choices[0][2]:
        one, two = _both(at, old, new, records, choices[0][0])
        if one is not None and two is not None:
            at.value(at, one, two, f"decided: {one.name} is in use")
        return
    with at.made.block("", "the member in use, as decided; `it` is what the union is in"):
        holder, pointed = _holder(old)
        if pointed:
            at.made.line(f"const __typeof__(*{holder}) *it = {holder};")
        else:  # it may lie in a packed record
            at.made.line(f"typedef const __typeof__({holder}) around __attribute__((aligned(1)));")
            at.made.line(f"around *it = (const void *)&{holder};")
        at.made.line("(void)it;")
        for number, (name, _, condition) in enumerate(choices):
            one, two = _both(at, old, new, records, name.strip())
            if one is None or two is None:
                return
            test = expression(condition.strip().lstrip("=").strip() or "1", at.pair.old).replace("it.", "it->")
            with at.made.block(f"{'else ' if number else ''}if ({test})"):
                at.value(at, one, two, f"{one.name} is in use")
        what = f"{old.subject}: no condition tells which member is in use"
        at.made.line("else")
        at.made.line(f'    return pk_refuse(migration, "{quoted(what)}", 0);')


def _both(
    at: Context, old: Place, new: Place, records: tuple[Record, Record], name: str
) -> tuple[Place | None, Place | None]:
    """The member `name` of the old union with the one of the new that continues it; None where there is none."""
    one = next((place for place in members(at.old_types, records[0], old) if place.name == name), None)
    wanted = (at.said(Topic.MEMBER, one.subject) if one is not None else None) or name
    others = members(at.new_types, records[1], new)
    two = next((place for place in others if wanted in (place.name, place.subject)), None)
    if one is None or two is None:
        at.ask_for_code(f"{old.subject}: {name} is no member of both unions")
    return one, two


def _holder(place: Place) -> tuple[str, bool]:
    """What a union is in, and whether that is a pointer."""
    if not place.name:
        return place.text, place.pointed
    arrow, dot = place.text.rfind(f"->{place.name}"), place.text.rfind(f".{place.name}")
    return (place.text[:arrow], True) if arrow > dot else (place.text[:dot], False)
