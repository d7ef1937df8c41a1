"""What makes a record hard to move or convert although its members say nothing of it (T26, T27, T29)."""

import re

from patchkit.diff.findings import RULE_OF
from patchkit.diff.library_objects import library_object, never_moves
from patchkit.diff.pair import Pair
from patchkit.diff.reach import Reachability
from patchkit.diff.records import Delta
from patchkit.diff.verdicts import Presence, Whereabouts
from patchkit.model.change import Edit, Grade, Verdict
from patchkit.model.ctype import Array

_LEAVES_THE_PROCESS = frozenset(
    "fwrite fread write read pwrite pread writev readv send sendto sendmsg recv recvfrom recvmsg msgsnd msgrcv"
    " mmap mmap64 shm_open shmget shmat mq_send mq_receive".split()
)
_TEXT_ONLY = re.compile(r"(?i:print|log|debug)")


def hazard_edits(pair: Pair, reach: Reachability, delta: Delta, where: Whereabouts) -> list[Edit]:
    """Return the edits that ask about objects of `delta` as a whole; none where nothing live has to move."""
    if not where.live or (not delta.relaid and not delta.edits):
        return []
    found = _external_layout(pair, delta) + _open_ended(pair, delta)
    if where.presence is Presence.LIVE and delta.relaid:
        found += _library_objects(pair, delta) + _intrusive_nodes(pair, reach, delta)
    return found


def _open_ended(pair: Pair, delta: Delta) -> list[Edit]:
    """A record that ends in a flexible array is longer than its type says: how long has to be known to move it."""
    last = delta.shared[-1] if delta.relaid and delta.shared else None
    sides = ((pair.old_types, last[0]), (pair.new_types, last[1])) if last is not None else ()
    ends = [types.bare(slot.member.type) for types, slot in sides]
    if last is None or not all(isinstance(end, Array) and not end.length for end in ends):
        return []
    name = last[0].path
    text = f"each {delta.key} is as long as its {name}, which its type does not tell"
    question = f"Does a member of {delta.key} tell how many elements its {name} has?"
    return [Edit("T12", "PKT109", Verdict.CONFIRM, name, text, question=question)]


def _library_objects(pair: Pair, delta: Delta) -> list[Edit]:
    held: dict[str, list[str]] = {}
    for before, after in delta.shared:
        name = library_object(pair.old_types, before.member.type)
        if name and (before.member.offset != after.member.offset or delta.old.size != delta.new.size):
            held.setdefault(name, []).append(before.path)
    found = []
    for name, members in sorted(held.items()):
        many = ", ".join(members)
        if never_moves(name):
            text = f"{many} ({name}) holds addresses of itself or of a stack and cannot move, unless allocated apart"
            found.append(Edit("T27", RULE_OF["T27"], Verdict.BLOCKED, many, text))
            continue
        text = f"{many} ({name}) belongs to the library, which may know its address while it is in use"
        question = f"Is {many} of {delta.key} unlocked, and waited for by nobody, whenever an update may happen?"
        found.append(Edit("T27", RULE_OF["T27"], Verdict.CONFIRM, many, text, question=question))
    return found


def _intrusive_nodes(pair: Pair, reach: Reachability, delta: Delta) -> list[Edit]:
    """A node inside whose own type points at its like is what lists link, and its owner is found by subtracting."""
    nodes: list[str] = []
    for before, after in delta.shared:
        inner = pair.old_types.record(before.member.type)
        moved = before.member.offset != after.member.offset or delta.old.size != delta.new.size
        if inner is not None and not inner.parent and moved and reach.links_to_itself(inner.key):
            nodes.append(before.path)
    if not nodes:
        return []
    names = ", ".join(nodes)
    text = f"other objects point at list nodes inside ({names}); those pointers go stale when it moves"
    question = f"Is a {delta.key} found from a node inside ({names}) by subtracting an offset (container_of)?"
    return [Edit("T26", RULE_OF["T26"], Verdict.CONFIRM, names, text, question=question, grade=Grade.STRONG)]


def _external_layout(pair: Pair, delta: Delta) -> list[Edit]:
    """A record without pointers, named by a function that writes or maps bytes, may also live outside the process."""
    if any(pair.old_types.holds_pointer(member.type) for member in delta.old.members):
        return []
    users = [f for f in pair.old_usage.naming_type(delta.key) if _LEAVES_THE_PROCESS & set(f.references)]
    users = [f for f in users if not _TEXT_ONLY.search(f.name)]
    if not users:
        return []
    names = sorted(f.name for f in users)
    calls = sorted({name for f in users for name in _LEAVES_THE_PROCESS & set(f.references)})
    text = f"{names[0]} names it beside {', '.join(calls)}: others may hold its old layout"
    question = f"Does a {delta.key} leave the process as it lies in memory (file, socket, shared memory)?"
    return [Edit("T29", RULE_OF["T29"], Verdict.CONFIRM, "", text, question=question, grade=Grade.WEAK)]
