"""Where live instances of a type are moves the verdict of its change: none, hidden ones, constants only."""

from dataclasses import dataclass, replace
from enum import Enum as Choice, auto

from patchkit.diff.pair import Pair
from patchkit.diff.reach import ROOTS_SHOWN, Reachability, Roots
from patchkit.model.change import Change, Edit, Requires, Storage, Verdict
from patchkit.model.words import counted

_NAMES_SHOWN = 3


class Presence(Choice):
    """Where live instances are, as far as types and code show."""

    LIVE = auto()
    CONSTANT = auto()
    HIDDEN = auto()  # no typed path leads to any, but code makes them
    FLEETING = auto()  # code uses them, and nothing keeps them
    UNUSED = auto()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the instances of one type are, and why that is thought."""

    presence: Presence
    roots: Roots
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether live instances are known or have to be expected."""
        return self.presence in (Presence.LIVE, Presence.HIDDEN)


def locate(pair: Pair, reach: Reachability, key: str) -> Whereabouts:
    """Return where instances of the old version's record or enumeration `key` are."""
    roots = reach.roots(key)
    if roots.total:
        return Whereabouts(Presence.CONSTANT if roots.constant else Presence.LIVE, roots)
    usage = pair.old_usage
    if not usage.bodies_seen:
        return Whereabouts(Presence.HIDDEN, roots, "what function bodies do with it was not read")
    if pair.old.gaps:
        return Whereabouts(Presence.HIDDEN, roots, "a part of the running version was not read")
    for ancestor in sorted(roots.ancestors):
        makers = sorted(function.name for function in usage.allocators_of(ancestor))
        if makers:
            more = f" and {len(makers) - _NAMES_SHOWN} more" if len(makers) > _NAMES_SHOWN else ""
            return Whereabouts(
                Presence.HIDDEN, roots, f"{', '.join(makers[:_NAMES_SHOWN])}{more} may allocate {ancestor}"
            )
        if usage.is_returned(ancestor):
            return Whereabouts(Presence.HIDDEN, roots, f"functions return pointers to {ancestor}")
    used = any(usage.naming_type(ancestor) for ancestor in roots.ancestors)
    return Whereabouts(Presence.FLEETING if used else Presence.UNUSED, roots)


def settle_edits(key: str, edits: list[Edit], where: Whereabouts) -> list[Edit]:
    """Return `edits` with the verdicts that hold where the instances of `key` are."""
    match where.presence:
        case Presence.FLEETING | Presence.UNUSED | Presence.CONSTANT:
            return [replace(edit, verdict=min(edit.verdict, Verdict.AUTO), question="") for edit in edits]
        case Presence.HIDDEN:
            question = f"Is no {key} kept behind a void * or an integer when the update happens?"
            text = (
                f"nowhere reachable by types, yet {where.reason}: objects behind a void * would keep their old layout"
            )
            return [*edits, Edit("T24", "PKT115", Verdict.CONFIRM, "", text, question=question)]
        case Presence.LIVE:
            return edits


def settle(change: Change, where: Whereabouts) -> Change:
    """Return `change` with the paths to live instances, and with what their absence means."""
    roots = where.roots
    evidence = list(change.evidence)
    if roots.total > ROOTS_SHOWN:
        evidence.append(f"{counted(roots.total - ROOTS_SHOWN, 'more variable')} with a path to it")
    if roots.by_union:
        evidence.append(f"{roots.best[0].path} goes through a union: which member is in use has to be known")
    change = replace(change, reach=roots.best, evidence=tuple(evidence))
    match where.presence:
        case Presence.FLEETING:
            text = f"nowhere reachable by types: no variable leads to a {change.name}, only code on the stack uses it"
        case Presence.UNUSED:
            text = f"nowhere reachable by types: nothing in the running process uses {change.name}"
        case Presence.CONSTANT:
            text = f"only constants hold {change.name}; the new version brings its own"
        case _:
            return change
    return replace(change, text=text, requires=min(change.requires, Requires.QUIESCE))


def consequence(key: str, old_size: int, new_size: int, where: Whereabouts) -> str:
    """Return what a new layout of record `key` means for its live instances. Sizes in bytes."""
    storages = {reach.storage for reach in where.roots.best}
    if storages == {Storage.THREAD}:
        who = f"every thread's {key}"
    elif storages == {Storage.STATIC} and where.roots.total == 1:
        who = f"{where.roots.best[0].path} ({key})"
    else:
        who = f"every live {key}"
    if new_size > old_size:
        moves = "needs new storage" if storages and Storage.HEAP not in storages else "must move"
        return f"{who} {moves}: it grows from {old_size} to {new_size} bytes"
    if new_size < old_size:
        return f"{who} is rewritten: it shrinks from {old_size} to {new_size} bytes"
    return f"{who} is rewritten: its size stays {new_size} bytes, its members do not"
