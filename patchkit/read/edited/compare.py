"""Comparing two preprocessed texts of a unit for what an edit changed."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field

from patchkit.read.edited.edit import Edit, Unpatchable
from patchkit.read.source.split import Segment, Splitter, Stretch, has_packing, last_stretch_alone, text_stretches


@dataclass(frozen=True, slots=True)
class TextComparison:
    """Adds to `edit` what differs between texts. `files` were edited, named as `resolve` names them."""

    edit: Edit
    resolve: Callable[[str], str]
    files: Set[str]
    splitter: Splitter = field(default_factory=Splitter)

    def compare(self, old: str, wait: Callable[[], str], *, whole: bool) -> None:
        """Compare two texts of a unit; the new one is waited for.

        `whole` tells that no declaration of the old one reaches from one file into another. Raises Unpatchable for a
        difference in any other file, and for one in anything but lines and bodies of functions.
        """
        if whole and not has_packing(old):
            head, before = text_stretches(old)
            new = wait()
            last = last_stretch_alone(old, before[-1], new) if before else None
            other_head, after = (head, [*before[:-1], last]) if last is not None else text_stretches(new)
            if head != other_head or has_packing(new):
                raise Unpatchable("the compiler predefines or packs otherwise")
            self._compare_stretches(before, after)
        else:
            units = [self.splitter.split(text, self.resolve) for text in (old, wait())]
            if any(unit.unfinished for unit in units):
                raise Unpatchable("a declaration never ends")
            self._compare_segments(*(_filled(unit.segments) for unit in units))

    def _compare_stretches(self, before: list[Stretch], after: list[Stretch]) -> None:
        if len(before) != len(after):
            raise Unpatchable("other files are included")
        for one, other in zip(before, after, strict=True):
            edited = self.resolve(one[1]) in self.files
            if one != other and (one[1:3] != other[1:3] or not edited):
                raise Unpatchable(f"{one[1]} reads otherwise, though it was not edited")
            if edited:
                # Alike up to here, so that nothing reaches into this one; then nothing may reach out of it either.
                segments = [self.splitter.cut_alone(stretch, self.resolve) for stretch in (one, other)]
                if any(segment.tail for segment in segments):
                    raise Unpatchable("a declaration never ends")
                self._compare_edited(*segments)

    def _compare_segments(self, before: list[Segment], after: list[Segment]) -> None:
        if len(before) != len(after):
            raise Unpatchable("other files are included")
        for one, other in zip(before, after, strict=True):
            if (one.file, one.system) != (other.file, other.system):
                raise Unpatchable("other files are included")
            if one.file in self.files:
                self._compare_edited(one, other)
            elif one != other:
                raise Unpatchable(f"{one.file} reads otherwise, though it was not edited")

    def _compare_edited(self, old: Segment, new: Segment) -> None:
        if len(old.items) != len(new.items) or old.tail != new.tail:
            raise Unpatchable(f"{old.file} has other declarations")
        if [macro[:2] for macro in old.macros] != [macro[:2] for macro in new.macros]:
            raise Unpatchable(f"{old.file} has other macros")
        for (_, _, line), (_, _, moved) in zip(old.macros, new.macros, strict=True):
            self.edit.move(old.file, line, moved)
        for (number, line), (other, moved) in zip(old.items, new.items, strict=True):
            self.edit.move(old.file, line, moved)
            if number != other:
                self._compare_declarations((old.file, line), number, other)

    def _compare_declarations(self, place: tuple[str, int], old: int, new: int) -> None:
        one, other = self.splitter.declarations[old], self.splitter.declarations[new]
        if one.head != other.head or one.body is None or other.body is None:
            raise Unpatchable(f"{place[0]}:{place[1]}: more than a body changed")
        if "static" in one.body or "static" in other.body:
            raise Unpatchable(f"{place[0]}:{place[1]}: a body with static variables changed")
        self.edit.replace_body((*place, one.head), other.body)


def _filled(segments: list[Segment]) -> list[Segment]:
    """Leave out what holds nothing: the compiler writes blank lines or a marker in their place, as they are many."""
    return [segment for segment in segments if segment.items or segment.macros or segment.tail]
