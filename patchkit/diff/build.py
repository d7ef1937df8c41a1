"""Compares how the two versions were built, what the system gave them, and what could not be read of them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from patchkit.diff.correspondence import Table
from patchkit.diff.findings import plain
from patchkit.diff.pair import Pair, altered
from patchkit.diff.types import is_foreign
from patchkit.diff.unclassified import differ
from patchkit.model.change import Change, Requires, Subject, Verdict
from patchkit.model.program import Enum, Gap, Program, Record, Typedef
from patchkit.model.words import counted, listed

Defined = TypeVar("Defined", Record, Enum, Typedef)
_SHOWN = 4


def compare_builds(pair: Pair) -> list[Change]:
    """Return what differs between the builds, and a change for every place that was not read."""
    found = _gaps("old", pair.old) + _gaps("new", pair.new)
    if pair.old.machine and pair.new.machine and pair.old.machine != pair.new.machine:
        text = f"code for {pair.new.machine} cannot run in a {pair.old.machine} process; build for the same machine"
        title = f"machine: {pair.old.machine} → {pair.new.machine}"
        found.append(replace(_built("machine", title, text), verdict=Verdict.BLOCKED, requires=Requires.RESTART))
    flags = _unit_changes(pair)
    found += flags
    foreign = _foreign(pair)
    if foreign:
        found.append(_system(foreign, bool(flags)))
    return found


def _built(name: str, title: str, text: str, kind: str = "B01") -> Change:
    change = plain(Subject.BUILD, kind, Verdict.AUTO_CHECK, "", "", title, text)
    return replace(change, id=f"{change.rule}:{Subject.BUILD}:{name}", requires=Requires.QUIESCE)


def _unit_changes(pair: Pair) -> list[Change]:
    """Return a change for each way in which units are compiled otherwise; layouts and code already show the effect."""
    before = {unit.source: unit for unit in pair.old.units}
    groups: dict[str, list[str]] = defaultdict(list)
    for unit in pair.new.units:
        old = before.get(unit.source)
        if old is None:
            continue
        if old.compiler and unit.compiler and old.compiler != unit.compiler:
            groups[f"compiler: {old.compiler} → {unit.compiler}"].append(unit.source)
        if old.flags != unit.flags:
            gone = [flag for flag in old.flags if flag not in unit.flags]
            come = [flag for flag in unit.flags if flag not in old.flags]
            sides = [f"without {' '.join(gone)}"] * bool(gone) + [f"with {' '.join(come)}"] * bool(come)
            groups[f"flags: {', '.join(sides) or 'in another order'}"].append(unit.source)
    found = []
    for title, sources in sorted(groups.items()):
        text = "the new code is compiled unlike the running one; layouts were compared as either compiler makes them"
        change = _built(title, title, text)
        names = listed(tuple(sorted(sources)), at_most=_SHOWN)
        found.append(replace(change, evidence=(f"{counted(len(sources), 'unit')}: {names}",)))
    return found


def _foreign(pair: Pair) -> list[str]:
    old, new = pair.old, pair.new
    return sorted(
        _changed(old.records, new.records) + _changed(old.enums, new.enums) + _changed(old.typedefs, new.typedefs)
    )


def _changed(old: Mapping[str, Defined], new: Mapping[str, Defined]) -> list[str]:
    shared = Table({key: key for key in old if key in new})
    found = []
    for key, _ in altered(shared, old, new):
        if is_foreign(old[key].coord) and is_foreign(new[key].coord) and differ(old[key], new[key]):
            found.append(key)
    return found


def _system(keys: list[str], flags: bool) -> Change:
    title = f"{counted(len(keys), 'type')} of the system changed: {listed(tuple(keys), at_most=_SHOWN)}"
    if flags:
        text = "system headers read otherwise under the new flags; objects that libraries hold stay as they are"
        change = _built("system-types", title, text)
    else:
        text = "the library under the program is not the running one; building both versions on one unblocks this"
        change = replace(_built("system-types", title, text, "B02"), verdict=Verdict.BLOCKED, requires=Requires.RESTART)
    return replace(change, folded=tuple(keys))


def _gaps(side: str, program: Program) -> list[Change]:
    return [_gap(side, program, number, gap) for number, gap in enumerate(program.gaps)]


def _gap(side: str, program: Program, number: int, gap: Gap) -> Change:
    text = "what it holds was not compared, so nothing vouches for it" + (f"; {gap.hint}" if gap.hint else "")
    question = f"Does {gap.coord} matter to nothing that lives in the process?"
    title = f"{gap.coord} was not read: {gap.reason}"
    change = plain(Subject.BUILD, "R901", Verdict.CONFIRM, "", "", title, text, question=question)
    change = replace(change, id=f"PKR901:{Subject.BUILD}:{side}:{gap.coord}:{number}")
    return replace(change, old_coord=gap.coord) if side == "old" else replace(change, new_coord=gap.coord)
