"""Plans of small programs that are written down, read and compared as any other."""

import os
from collections.abc import Mapping
from pathlib import Path

from patchkit.diff import diff_programs
from patchkit.model.decision import Decisions, Item, Plan
from patchkit.read.record import recording_from_directory
from patchkit.read.source import read_pair
from patchkit.read.source.texts import BodyTexts
from patchkit.transform.plan import Planned, make_plan

SIDES = ("old", "new")


def plan_sources(
    sources: Mapping[str, Path], flags: Mapping[str, tuple[str, ...]] | None = None, given: Decisions | None = None
) -> Planned:
    """Return the plan for the directories `sources` of both sides, each compiled with its `flags`."""
    recordings = [
        recording_from_directory(
            sources[side],
            jobs=1,
            environ={**os.environ, "CC": " ".join(("gcc", *(flags or {}).get(side, ())))},
            cache=Path(os.environ["PATCHKIT_CACHE"]),
        )
        for side in SIDES
    ]
    old, new = read_pair(recordings[0], recordings[1], labels=SIDES, jobs=1)
    bodies = BodyTexts(recordings[0]), BodyTexts(recordings[1])
    return make_plan(old, new, diff_programs(old, new), given or Decisions(), "", bodies)


def plan_texts(folder: Path, old: str, new: str, given: Decisions | None = None) -> Planned:
    """Return the plan for two versions of one source."""
    for side, text in zip(SIDES, (old, new), strict=True):
        (folder / side).mkdir(exist_ok=True)
        (folder / side / "program.c").write_text(text, encoding="utf-8")
    return plan_sources({side: folder / side for side in SIDES}, given=given)


def item_of(plan: Plan, key: str) -> Item:
    """Return the item with that key; the test fails with all keys if there is none."""
    found = {item.key: item for item in plan.items}
    assert key in found, f"{key} is none of {sorted(found)}"
    return found[key]


def line_of(item: Item) -> str:
    """Return an item as the golden table has it: state, key, and what was decided or is proposed."""
    if item.decision is not None:
        return f"{item.state} {item.key} = {item.decision.value}"
    return f"{item.state} {item.key}" + (f" (proposed: {item.proposal})" if item.proposal else "")
