"""The safety net: two values that differ in a way no comparer has a name for."""

from dataclasses import replace
from typing import TypeVar

from patchkit.model.change import Edit, Verdict
from patchkit.model.program import Coord, Enum, Function, Macro, Record, Typedef, Variable

Thing = TypeVar("Thing", Record, Enum, Typedef, Variable, Function, Macro)
_NOWHERE = Coord("")
_SHOWN = 3


def differ(old: Thing, new: Thing) -> bool:
    """Whether two things differ in more than where they stand and what their readers noted of their text."""
    return replace(old, coord=_NOWHERE, fingerprint="") != replace(new, coord=_NOWHERE, fingerprint="")


def unclassified_edit(old: Thing, new: Thing) -> Edit:
    """Return an edit that tells the differences as they stand, so that none passes in silence."""
    from deepdiff import DeepDiff  # costs a quarter of a second, and is hardly ever needed

    found = DeepDiff(
        replace(old, coord=_NOWHERE, fingerprint=""), replace(new, coord=_NOWHERE, fingerprint=""), verbose_level=2
    )
    places = sorted({str(path).removeprefix("root.") for group in found.values() for path in group})
    shown = ", ".join(places[:_SHOWN]) + (" …" if len(places) > _SHOWN else "")
    question = f"Is {new.key} unharmed by a difference in {shown or 'its description'}?"
    text = f"differs in {shown or 'its description'}, for which there is no kind of change"
    return Edit("T00", "", Verdict.CONFIRM, "", text, question=question)
