"""What has to happen to a value whose type changed: kept, widened, tested, followed elsewhere, written by hand."""

from dataclasses import dataclass

from patchkit.diff.pair import Pair
from patchkit.diff.types import Scalar, ScalarKind, is_foreign
from patchkit.model.change import Verdict
from patchkit.model.ctype import Array, CType, Function, Named, Pointer, Primitive, Qualified, Tag, spell
from patchkit.model.program import Member

_MANTISSA = {4: 24, 8: 53, 10: 64, 12: 64, 16: 64}  # bits of an IEEE 754 binary format, by its size in bytes


@dataclass(frozen=True, slots=True)
class Relation:
    """How a new type relates to the old one.

    `kind` is a code of the taxonomy, empty where nothing changes for a value. `text` goes on from the thing's name;
    `question` is asked about `{name}`.
    """

    kind: str
    rule: str
    verdict: Verdict
    text: str
    question: str = ""


SAME = Relation("", "", Verdict.NONE, "is the same")


def relate(pair: Pair, old: CType, new: CType) -> Relation:
    """Return how the value of a thing that was an `old` becomes that of a `new`."""
    if pair.same(old, new):
        return SAME
    before, after = pair.old_types.bare(old), pair.new_types.bare(new)
    if pair.same(before, after):
        return _qualified(_qualifiers(pair, old, new))
    match before, after:
        case Pointer(), Pointer():
            return _pointers(pair, before, after)
        case Array(), Array():
            return _arrays(pair, before, after)
        case Array(), Pointer():
            return Relation("T12", "PKT107", Verdict.CODE, "was an array inside and points at memory of its own now")
        case Pointer(), Array():
            return Relation(
                "T12",
                "PKT107",
                Verdict.CODE,
                "pointed at elements whose number the type does not tell, and is an array now",
            )
        case Array(), _:
            return Relation("T12", "PKT107", Verdict.CODE, "was an array and is one value now")
        case _, Array():
            return Relation("T12", "PKT107", Verdict.CODE, "was one value and is an array now")
    boxed = _boxing(pair, before, after)
    if boxed is not None:
        return boxed
    one, other = pair.old_types.scalar(before), pair.new_types.scalar(after)
    if one is not None and other is not None:
        return _by_build(pair, old, new, _scalars(before, after, one, other))
    return Relation("T15", "PKT107", Verdict.CODE, f"was {spell(before)} and is {spell(after)} now")


def _by_build(pair: Pair, old: CType, new: CType, relation: Relation) -> Relation:
    """A width that changes under one spelling comes from how the program is built, where that or the system changed."""
    if relation.kind not in ("T05", "T06") or old != new or not isinstance(pair.old_types.bare(old), Primitive):
        return relation
    foreign = any(is_foreign(typedef.coord) for typedef in pair.old_types.typedefs_in(old))
    if not foreign and not pair.built_otherwise:
        return relation
    return Relation("T07", "PKT105", Verdict.AUTO_CHECK, f"{relation.text}; the build decides it, not the source text")


def resized(pair: Pair, old: Member, new: Member) -> Relation | None:
    """Return the relation of a member whose type has the same name and another width, as flags like -m32 make it."""
    scalar = pair.old_types.scalar(pair.old_types.element(old.type))
    if scalar is None or old.size == new.size or not pair.same(old.type, new.type):
        return None
    text = f"is {old.size} bits wide in the running build and {new.size} in the new one, with the same source text"
    return Relation("T07", "PKT105", Verdict.AUTO_CHECK, text)


def _qualifiers(pair: Pair, old: CType, new: CType) -> frozenset[str]:
    sides = []
    for types, ctype in ((pair.old_types, old), (pair.new_types, new)):
        resolved = types.resolve(ctype)
        sides.append(frozenset(resolved.qualifiers) if isinstance(resolved, Qualified) else frozenset[str]())
    return sides[0] ^ sides[1]


def _qualified(words: frozenset[str]) -> Relation:
    if "_Atomic" in words:
        return Relation(
            "T25", "PKT104", Verdict.AUTO_CHECK, "keeps its value; _Atomic may change its size and how it is locked"
        )
    return Relation("T25", "PKT104", Verdict.AUTO, f"keeps its value; only {' and '.join(sorted(words))} changed")


def _boxing(pair: Pair, before: CType, after: CType) -> Relation | None:
    def aggregate(ctype: CType) -> bool:
        return isinstance(ctype, Named) and ctype.tag in (Tag.STRUCT, Tag.UNION)

    if aggregate(before) and isinstance(after, Pointer):
        question = "May each {name} that exists be copied into an allocation of its own, which its owner frees?"
        if pair.same(before, pair.new_types.bare(after.target)):
            return Relation("T09", "PKT107", Verdict.CONFIRM, "was embedded and is allocated apart now", question)
        return Relation("T09", "PKT107", Verdict.CODE, "was embedded and points at another type now")
    if isinstance(before, Pointer) and aggregate(after):
        return Relation(
            "T09",
            "PKT107",
            Verdict.CODE,
            "was allocated apart and is embedded now; NULL and shared targets have no place in it",
        )
    return None


def _pointers(pair: Pair, old: Pointer, new: Pointer) -> Relation:
    before, after = pair.old_types.bare(old.target), pair.new_types.bare(new.target)
    if pair.same(before, after):
        return Relation("T25", "PKT104", Verdict.AUTO, "keeps its value; only qualifiers of its target changed")
    if isinstance(before, Function) and isinstance(after, Function):
        return _function_pointers(pair, before, after)
    if _void(before):
        question = f"Does every {{name}} that is not NULL point at {spell(after)}?"
        return Relation(
            "T08", "PKT115", Verdict.CONFIRM, "keeps its value if what it points at is what the new type says", question
        )
    if _void(after):
        question = f"May every {{name}} go on pointing at {spell(before)}?"
        return Relation(
            "T24",
            "PKT115",
            Verdict.CONFIRM,
            "keeps its value, but its target can no longer be told from its type",
            question,
        )
    one, other = pair.old_types.scalar(before), pair.new_types.scalar(after)
    if (
        one is not None
        and other is not None
        and one.size == other.size
        and one.kind is other.kind is ScalarKind.INTEGER
    ):
        question = f"May what {{name}} points at be read as {spell(after)} from now on?"
        return Relation(
            "T08", "PKT107", Verdict.CONFIRM, "keeps its value; its target is read with another sign or name", question
        )
    return Relation(
        "T08",
        "PKT107",
        Verdict.CODE,
        f"pointed at {spell(before)} and points at {spell(after)} now, which does not succeed it",
    )


def _function_pointers(pair: Pair, old: Function, new: Function) -> Relation:
    """Every function that may be stored must have the new type now; a stored one weighs more than a mentioned one."""
    stored: list[str] = []
    lost: list[str] = []
    doubtful: list[str] = []
    wanted = pair.new_types.canonical(new)
    for function in pair.old_usage.functions_of(old):
        successor = pair.new.functions.get(pair.functions.forward.get(function.key, ""))
        followed = successor is not None and pair.new_types.canonical(successor.type) == wanted
        kept = pair.old_usage.is_stored(function)
        stored += [function.name] * kept
        if not followed:
            (lost if kept else doubtful).append(function.name)
    if lost:
        text = f"may hold {_few(lost)}, which did not get the new type"
        return Relation("T23", "PKF302", Verdict.CODE, text)
    if stored and not doubtful and pair.old_usage.bodies_seen:
        return Relation("T23", "PKF302", Verdict.AUTO, f"holds functions that all got the new type ({_few(stored)})")
    question = f"Did every function that {{name}} may hold become {spell(new)}?"
    text = "holds functions of another type now"
    text += f"; {_few(doubtful)} did not get it" if doubtful else ", and which ones is not known" if not stored else ""
    return Relation("T23", "PKF302", Verdict.CONFIRM, text, question)


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _void(ctype: CType) -> bool:
    return isinstance(ctype, Primitive) and ctype.name == "void"


def _arrays(pair: Pair, old: Array, new: Array) -> Relation:
    if bool(old.length) != bool(new.length):
        return Relation(
            "T12", "PKT107", Verdict.CODE, "changed between a fixed array and one whose length the allocation decides"
        )
    inner = relate(pair, old.element, new.element)
    before, after = old.length or 0, new.length or 0
    if before == after:
        return Relation(
            inner.kind, inner.rule, inner.verdict, f"{inner.text} (each of {before} elements)", inner.question
        )
    outer = _bound(pair, new, before, after)
    if inner.verdict > outer.verdict:
        return Relation(
            inner.kind, inner.rule, inner.verdict, f"{outer.text}; each element {inner.text}", inner.question
        )
    text = outer.text if not inner.kind else f"{outer.text}; each element {inner.text}"
    return Relation(outer.kind, outer.rule, outer.verdict, text, outer.question)


def _bound(pair: Pair, new: Array, before: int, after: int) -> Relation:
    if after < before:
        if pair.new_types.is_char(new.element):
            text = f"shrinks from {before} to {after} characters; a longer text that lives would be cut"
            return Relation("T11", "PKT108", Verdict.AUTO_CHECK, text)
        question = f"Are the elements of {{name}} from {after} on unused in objects that exist?"
        return Relation(
            "T11",
            "PKT108",
            Verdict.CONFIRM,
            f"shrinks from {before} to {after} elements; the last {before - after} are lost",
            question,
        )
    if pair.new_types.record(new.element) is not None or pair.new_types.scalar(pair.new_types.element(new)) is None:
        question = f"Are zero bytes right for the elements of {{name}} from {before} on in objects that exist?"
    elif pair.new_types.holds_pointer(new.element):
        question = f"Is NULL right for the elements of {{name}} from {before} on in objects that exist?"
    else:
        return Relation(
            "T10", "PKT108", Verdict.AUTO, f"grows from {before} to {after} elements; the new ones start as zero"
        )
    return Relation("T10", "PKT108", Verdict.CONFIRM, f"grows from {before} to {after} elements", question)


def _scalars(before: CType, after: CType, one: Scalar, other: Scalar) -> Relation:
    text = f"goes from {spell(before)} to {spell(after)}"
    match one.kind, other.kind:
        case ScalarKind.POINTER, _:
            return _disguised(
                f"was a pointer and is {spell(after)} now", other.size == one.size and other.kind is ScalarKind.INTEGER
            )
        case _, ScalarKind.POINTER:
            return _disguised(
                f"was {spell(before)} and is a pointer now", other.size == one.size and one.kind is ScalarKind.INTEGER
            )
        case ScalarKind.ENUM, ScalarKind.ENUM:
            question = f"Do the values of {spell(before)} in {{name}} mean the same in {spell(after)}?"
            return Relation("T20", "PKT112", Verdict.CONFIRM, f"{text}; its numbers get other names", question)
        case (ScalarKind.INTEGER, ScalarKind.INTEGER) | (ScalarKind.FLOAT, ScalarKind.FLOAT):
            return _arithmetic(one, other, text)
    if _preserves(one, other):
        return Relation("T06", "PKT104", Verdict.AUTO, f"{text}; every value fits")
    return Relation("T06", "PKT105", Verdict.AUTO_CHECK, f"{text}; each live value is tested")


def _arithmetic(one: Scalar, other: Scalar, text: str) -> Relation:
    if one.signed is other.signed and one.size and one.size <= other.size:
        wider = "the wider type takes every value" if one.size < other.size else "the representation is the same"
        return Relation("T05", "PKT104", Verdict.AUTO, f"{text}; {wider}")
    if one.size and one.size < other.size and other.signed:
        return Relation("T06", "PKT104", Verdict.AUTO, f"{text}; every value fits")
    reason = "narrower" if other.size < one.size else "of another sign"
    return Relation("T06", "PKT105", Verdict.AUTO_CHECK, f"{text}, which is {reason}; each live value is tested")


def _preserves(one: Scalar, other: Scalar) -> bool:
    """Whether every value of `one` is one of `other`; an enumeration and bool hold fewer values than their size."""
    match one.kind, other.kind:
        case ScalarKind.BOOL, _:
            return other.kind is not ScalarKind.ENUM
        case ScalarKind.ENUM, ScalarKind.INTEGER:
            return (one.size, one.signed) == (other.size, other.signed) or (
                one.size < other.size and (other.signed or not one.signed)
            )
        case ScalarKind.INTEGER, ScalarKind.FLOAT:
            return bool(one.size) and one.size * 8 <= _MANTISSA.get(other.size, 0)
        case _:
            return False


def _disguised(text: str, fits: bool) -> Relation:
    if fits:
        question = "Does {name} carry the same bits in both versions?"
        return Relation(
            "T24", "PKT115", Verdict.CONFIRM, f"{text}; what it refers to is not visible in its type", question
        )
    return Relation("T24", "PKT115", Verdict.CODE, text)
