"""Comparing two preprocessed texts of a unit for what an edit changed."""

from collections.abc import Callable, Set

from patchkit.read.edited.edit import Edit, Unpatchable
from patchkit.read.source.split import Segment, Splitter, has_packing


def compare_texts(
    edit: Edit, old: str, wait: Callable[[], str], resolve: Callable[[str], str], files: Set[str]
) -> None:
    """Add to `edit` what differs between two texts of a unit, the new one being waited for meanwhile.

    `files` were edited, named as `resolve` names them. Raises Unpatchable for a difference in any other file, and for
    one in anything but lines and bodies of functions.
    """
    packed = has_packing(old)
    splitter = Splitter(only=None if packed else files)
    before = splitter.split(old, resolve)
    new = wait()
    if has_packing(new) != packed:
        raise Unpatchable("declarations are packed otherwise")
    after = splitter.split(new, resolve)
    if before.unfinished or after.unfinished:
        raise Unpatchable("a declaration never ends")
    stretches, others = _filled(before.segments, files), _filled(after.segments, files)
    if len(stretches) != len(others):
        raise Unpatchable("other files are included")
    for one, other in zip(stretches, others, strict=True):
        if (one.file, one.system) != (other.file, other.system):
            raise Unpatchable("other files are included")
        if one.file in files:
            _compare_segments(edit, splitter, one, other)
        elif one is not other and not (packed and one == other):
            raise Unpatchable(f"{one.file} reads otherwise, though it was not edited")


def _filled(segments: list[Segment], files: Set[str]) -> list[Segment]:
    """Leave out what holds nothing of `files`: the compiler writes blank lines or a marker in their place."""
    return [s for s in segments if s.items or s.macros or s.tail or s.file not in files]


def _compare_segments(edit: Edit, splitter: Splitter, old: Segment, new: Segment) -> None:
    if len(old.items) != len(new.items) or old.tail != new.tail:
        raise Unpatchable(f"{old.file} has other declarations")
    if [macro[:2] for macro in old.macros] != [macro[:2] for macro in new.macros]:
        raise Unpatchable(f"{old.file} has other macros")
    for (_, _, line), (_, _, moved) in zip(old.macros, new.macros, strict=True):
        edit.move(old.file, line, moved)
    for (number, line), (other, moved) in zip(old.items, new.items, strict=True):
        edit.move(old.file, line, moved)
        if number != other:
            _compare_declarations(edit, splitter, (old.file, line), number, other)


def _compare_declarations(edit: Edit, splitter: Splitter, place: tuple[str, int], old: int, new: int) -> None:
    one, other = splitter.declarations[old], splitter.declarations[new]
    if one.head != other.head or one.body is None or other.body is None:
        raise Unpatchable(f"{place[0]}:{place[1]}: more than a body changed")
    if "static" in one.body or "static" in other.body:
        raise Unpatchable(f"{place[0]}:{place[1]}: a body with static variables changed")
    edit.replace_body((*place, one.head), other.body)
