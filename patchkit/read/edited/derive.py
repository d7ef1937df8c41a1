"""The units that include an edited header, from the preprocessed text of one of them.

Each of these units has the header's old text as the same segments. Its new text is then that of the unit which was
preprocessed, provided that every name in what changed means the same to the preprocessor at that place in both.
"""

from collections.abc import Iterable, Mapping, Sequence

from patchkit.read.edited.edit import Unpatchable
from patchkit.read.edited.header import HeaderEdit, Stretch
from patchkit.read.source.split import Segment, SplitUnit
from patchkit.read.source.tokens import TOKEN

# What these become depends on more than definitions.
_MOVING = frozenset(
    "__COUNTER__ __INCLUDE_LEVEL__ __BASE_FILE__ __FILE__ __FILE_NAME__ _Pragma __pragma __has_include"
    " __has_include_next __has_embed".split()
)
_UNDEFINED = None


def header_segments(unit: SplitUnit, headers: Iterable[str]) -> tuple[int, ...]:
    """Return what tells the text of `headers` in a unit from that in others; units of the same are read alike."""
    files = frozenset(headers)
    return tuple(id(segment) for segment in unit.segments if segment.file in files)


def derive_units(
    old: SplitUnit, new: SplitUnit, others: Mapping[int, SplitUnit], headers: Mapping[str, HeaderEdit]
) -> dict[int, SplitUnit]:
    """Return the units `others` as they are after the edits that made `new` of `old`.

    All of them have the same `header_segments` as `old`. Raises Unpatchable where that cannot be proved.
    """
    replaced = _replaced(old, new, headers)
    watched = [
        (_segment_of(old, file, stretch), names) for file, edit in headers.items() for stretch, names in edit.changed
    ]
    units = [old, *others.values()]
    if any(unit.untold or not unit.segments[0].macros for unit in units):
        raise Unpatchable("not all macros of a unit are known from its text")
    for segment, names in watched:
        _check_meanings(units, segment, names)
    return {
        number: SplitUnit([replaced.get(id(segment), segment) for segment in unit.segments], untold=unit.untold)
        for number, unit in others.items()
    }


def _replaced(old: SplitUnit, new: SplitUnit, headers: Mapping[str, HeaderEdit]) -> dict[int, Segment]:
    """Return by the old segments of `headers` what became of them; everything else has to stay what it was."""
    if old.unfinished or new.unfinished or len(old.segments) != len(new.segments):
        raise Unpatchable("other files are included")
    replaced: dict[int, Segment] = {}
    carried = False
    for one, other in zip(old.segments, new.segments, strict=True):
        if one.file in headers:
            if (one.file, one.system) != (other.file, other.system) or one.tail or other.tail or carried:
                raise Unpatchable(f"{one.file} is included within a declaration, or other files are")
            if [macro[:2] for macro in one.macros] != [macro[:2] for macro in other.macros]:
                raise Unpatchable(f"{one.file} has other macros")
            if id(one) in replaced:
                raise Unpatchable(f"{one.file} is included twice")
            replaced[id(one)] = other
        elif one is not other:
            raise Unpatchable(f"{one.file} reads otherwise, though it was not edited")
        carried = bool(one.tail)
    return replaced


def _segment_of(unit: SplitUnit, file: str, stretch: Stretch) -> Segment:
    """Return the segment that holds a declaration of a stretch or a macro beside it: so the stretch is read at all."""
    found = [
        segment
        for segment in unit.segments
        if segment.file == file
        and (
            any(stretch.first <= line <= stretch.last for _, line in segment.items)
            or any(line in stretch.beside for _, _, line in segment.macros)
        )
    ]
    if len(found) != 1:
        raise Unpatchable(f"{file}:{stretch.first}: nothing tells that what changed is read")
    return found[0]


def _check_meanings(units: Sequence[SplitUnit], segment: Segment, names: frozenset[str]) -> None:
    """Raise Unpatchable unless `names`, and all that they expand to, mean the same at `segment` in all units."""
    texts = _definitions(units, names)
    if not texts.keys().isdisjoint(_MOVING) or any("##" in text for each in texts.values() for text in each):
        raise Unpatchable("what changed in a header depends on where it is included, or makes names up")
    known: dict[int, list[tuple[str, str | None]]] = {}
    first: dict[str, str] | None = None
    for unit in units:
        meanings: dict[str, str] = {}
        for each in unit.segments:
            if each is segment:
                break
            found = known.get(id(each))
            if found is None:
                found = known[id(each)] = [(name, text) for name, text, _ in each.macros if name in texts]
            for name, text in found:
                if text is _UNDEFINED:
                    meanings.pop(name, None)
                else:
                    meanings[name] = text
        if first is None:
            first = meanings
        elif meanings != first:
            raise Unpatchable("a name in what changed in a header is another macro in another unit")


def _definitions(units: Sequence[SplitUnit], names: frozenset[str]) -> dict[str, set[str]]:
    """Return every text that each of `names`, and of the names in those texts, is defined as anywhere in `units`."""
    everywhere: dict[str, set[str]] = {}
    for segment in {id(segment): segment for unit in units for segment in unit.segments}.values():
        for name, text, _ in segment.macros:
            if text is not None:
                everywhere.setdefault(name, set()).add(text)
    found: dict[str, set[str]] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = everywhere.get(name, set())
            waiting += (word for text in found[name] for word in TOKEN.findall(text))
    return found
