"""What makes a record hard to move or convert although its members say nothing of it (TAXONOMY T26, T27, T29)."""

import re

from patchkit.diff.findings import RULE_OF
from patchkit.diff.library_objects import library_object, never_moves
from patchkit.diff.pair import Pair
from patchkit.diff.records import Delta
from patchkit.diff.verdicts import Presence, Whereabouts
from patchkit.model.change import Edit, Grade, Verdict
from patchkit.model.ctype import Named, Pointer
from patchkit.model.program import Record

_LEAVES_THE_PROCESS = frozenset(
    "fwrite fread write read pwrite pread writev readv send sendto sendmsg recv recvfrom recvmsg msgsnd msgrcv"
    " mmap mmap64 shm_open shmget shmat mq_send mq_receive".split()
)
_TEXT_ONLY = re.compile(r"(?i:print|log|debug)")


def hazard_edits(pair: Pair, delta: Delta, where: Whereabouts) -> list[Edit]:
    """Return the edits that ask about objects of `delta` as a whole; none where nothing live has to move."""
    if not where.live or (not delta.relaid and not delta.edits):
        return []
    found = external_layout(pair, delta)
    if where.presence is Presence.LIVE and delta.relaid:
        found += _library_objects(pair, delta) + _intrusive_nodes(pair, delta)
    return found


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


def _intrusive_nodes(pair: Pair, delta: Delta) -> list[Edit]:
    """A node inside whose own type points at its like is what lists link, and its owner is found by subtracting."""
    found = []
    for before, after in delta.shared:
        inner = pair.old_types.record(before.member.type)
        if inner is None or inner.parent or not _links_to_itself(pair, inner):
            continue
        if before.member.offset == after.member.offset and delta.old.size == delta.new.size:
            continue
        text = f"other objects point at {before.path} ({inner.key}) inside; those pointers go stale when it moves"
        question = f"Is a {delta.key} found from its {before.path} by subtracting an offset (container_of)?"
        found.append(
            Edit("T26", RULE_OF["T26"], Verdict.CONFIRM, before.path, text, question=question, grade=Grade.STRONG)
        )
    return found


def _links_to_itself(pair: Pair, record: Record) -> bool:
    for member in record.members:
        bare = pair.old_types.bare(member.type)
        if isinstance(bare, Pointer):
            target = pair.old_types.bare(bare.target)
            if isinstance(target, Named) and target.key == record.key:
                return True
    return False


def external_layout(pair: Pair, delta: Delta) -> list[Edit]:
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
