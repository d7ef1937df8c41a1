"""Pointers: what leads to an object leads to where that is in the new version; code keeps its address."""

from patchkit.diff.ctypes_compare import Relation, relate
from patchkit.diff.types import ScalarKind
from patchkit.model.change import Verdict
from patchkit.model.ctype import CType, Function, Pointer, Qualified
from patchkit.model.decision import Topic
from patchkit.transform.places import Place
from patchkit.transform.shapes import pointed_type
from patchkit.transform.statements import Context


def convert_pointer(at: Context, old: Place, new: Place, reason: str) -> None:
    """Write what becomes of a value that is a pointer on both sides."""
    before, after = at.old_types.bare(old.type), at.new_types.bare(new.type)
    assert isinstance(before, Pointer)
    assert isinstance(after, Pointer)
    relation = relate(at.pair, before, after)
    if relation.verdict >= Verdict.CODE:
        at.ask_for_code(f"{old.subject} {relation.text}")
        return
    if relation.verdict is Verdict.CONFIRM and not is_confirmed(at, old, new):
        confirm(at, old, new, relation)
    if isinstance(at.old_types.bare(before.target), Function):
        at.made.line(f"{new.text} = (void *){old.text};", f"{reason}; a function keeps its address")
    else:
        more = f"{reason} and type" if at.pair.same(before, after) else reason
        source = f"{_plain(at, before.target)}{old.text}"
        kind = pointed_type(at.old_types, before.target)
        call = f"pk_forward(migration, {source})" if kind is None else f'pk_forward_as(migration, {source}, "{kind}")'
        at.made.line(f"{new.text} = {call};", more)
    at.run(old, new)


def convert_disguised(at: Context, old: Place, new: Place, reason: str) -> None:
    """Write what becomes of a pointer that is a number now, or the other way round: the same bits, led on."""
    relation = relate(at.pair, old.type, new.type)
    if relation.verdict >= Verdict.CODE or old.width is not None or new.width is not None:
        at.ask_for_code(f"{old.subject} {relation.text}")
        return
    if not is_confirmed(at, old, new):
        confirm(at, old, new, relation)
    after = at.new_types.scalar(new.type)
    cast = "" if after is not None and after.kind is ScalarKind.POINTER else f"({at.new_header.member(new.type)})"
    source = "" if isinstance(at.old_types.bare(old.type), Pointer) else "(const void *)"
    at.made.line(f"{new.text} = {cast}pk_forward(migration, {source}{old.text});", f"{reason}; the same bits, led on")
    at.run(old, new)


def is_confirmed(at: Context, old: Place, new: Place) -> bool:
    """Whether somebody decided that a member goes on as the new one."""
    said = at.said(Topic.MEMBER, old.subject)
    return said is not None and said != "-"


def confirm(at: Context, old: Place, new: Place, relation: Relation) -> None:
    """Ask the closed question that the comparison has for a member."""
    question = relation.question.format(name=old.subject) or f"{old.subject} {relation.text}: is that right?"
    at.ask(Topic.MEMBER, old.subject, question, (new.name, "-"), new.name)


def _plain(at: Context, target: CType) -> str:
    """A cast where the target is volatile, which a pointer to anything is not."""
    resolved = at.old_types.resolve(target)
    return "(const void *)" if isinstance(resolved, Qualified) and "volatile" in resolved.qualifiers else ""
