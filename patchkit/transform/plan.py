"""The plan of an update: what has to be known, what is decided, by whom and why, and what is still open."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from patchkit.diff.matching import pair_programs
from patchkit.diff.pair import Pair
from patchkit.model.change import Change, Comparison, Edit, Grade, Subject, Verdict
from patchkit.model.decision import Author, Decision, Decisions, Item, Plan, State, Topic
from patchkit.model.program import Program
from patchkit.transform.changed import Changed
from patchkit.transform.migrate import Written, write_migration
from patchkit.transform.propose import NOTHING, Proposal, Proposer
from patchkit.transform.roots import moved_variables
from patchkit.transform.shapes import Open

_Key = tuple[Topic, str]
_STRONG = (Grade.CERTAIN, Grade.STRONG)
_TODO = re.compile(r"\bPK_TODO\s*\(")
_STUB = re.compile(r"^int (pk_transform_\w+)\(", re.M)
# Answered by what is asked of members, tables and objects.
_ELSEWHERE = frozenset({"G03", "G05b", "T01", "T10", "T17", "T20", "T24", "T26"})


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, all decisions that it rests on, and what generating gave with them."""

    plan: Plan
    decisions: Decisions
    written: Written
    pair: Pair


def make_plan(old: Program, new: Program, comparison: Comparison, given: Decisions, transform: str) -> Planned:
    """Plan the update from `old` to `new` with the decisions `given` and the text of transform.c."""
    pair = pair_programs(old, new)
    proposer = Proposer(pair, Changed(pair))
    own: dict[tuple[Topic, str], tuple[Decision, Proposal]] = {}
    tables = [change.old_key for change in comparison.changes if change.kind == "G05b" and change.old_key]
    moved = {*moved_variables(pair, Changed(pair), given), *tables}
    asked = dict(_beforehand(comparison, proposer, moved))
    _decide_strong(asked, given, own)
    while True:
        decisions = _together(given, own)
        written = write_migration(pair, decisions)
        fresh = {(q.topic, q.subject): (q, proposer.propose(q)) for q in written.open}
        asked.update({key: row for key, row in fresh.items() if key not in asked})
        if not _decide_strong(fresh, given, own):
            break
    items = [*_answered(pair, given, own, asked), *_open(pair, asked, decisions), *_changes(comparison, decisions)]
    items = [_written_state(item, transform) for item in items]
    order = {State.BLOCKED: 0, State.STALE: 1, State.ASKED: 2, State.WRITE: 3, State.DECIDED: 4}
    items.sort(key=lambda item: (order[item.state], item.topic, item.subject))
    changed = [
        c for c in comparison.changes if c.subject in (Subject.TYPE, Subject.VARIABLE) and c.verdict > Verdict.NONE
    ]
    hand = sum(1 for item in items if item.topic is Topic.CODE)
    plan = Plan(old.label, new.label, tuple(items), _lines(transform), len(changed), max(0, len(changed) - hand))
    return Planned(plan, decisions, written, pair)


def _beforehand(
    comparison: Comparison, proposer: Proposer, moved: Iterable[str]
) -> Iterator[tuple[_Key, tuple[Open, Proposal]]]:
    """What is known to be needed before anything is generated."""
    for question, proposal in (*proposer.elements(), *proposer.payloads(moved)):
        yield (question.topic, question.subject), (question, proposal)
    for change in comparison.changes:
        if change.kind == "G05b" and change.old_key:
            choices = ("live", "new", "new KEY", "merge KEY")
            question = Open(Topic.TABLE, change.old_key, change.question or change.text, choices)
            yield (Topic.TABLE, change.old_key), (question, proposer.table(change.old_key))
        elif change.subject is Subject.VARIABLE and change.old_key and change.new_key and change.grade is Grade.WEAK:
            question = Open(Topic.VARIABLE, change.old_key, change.question, (change.new_key, "-"))
            yield (Topic.VARIABLE, change.old_key), (question, Proposal(change.new_key, change.grade, change.evidence))
        elif change.kind == "G03" and change.old_key and change.verdict >= Verdict.CONFIRM:
            proposal = proposer.home_of(change.old_key)
            text = f"{change.old_key} is gone: where does its value go?"
            homes = (proposal.value, "-") if proposal.value != "-" else ("-",)
            yield (Topic.VARIABLE, change.old_key), (Open(Topic.VARIABLE, change.old_key, text, homes), proposal)
        for edit in change.edits if change.subject is Subject.TYPE else ():
            if edit.rule == "PKT106" and edit.old is not None and edit.new is not None:
                subject = f"{change.old_key}.{edit.old.name}"
                question = Open(Topic.MEMBER, subject, edit.question, (edit.new.name, "-"))
                yield (Topic.MEMBER, subject), (question, Proposal(edit.new.name, Grade.WEAK, (edit.text,)))


def _decide_strong(
    asked: Mapping[tuple[Topic, str], tuple[Open, Proposal]],
    given: Decisions,
    own: dict[tuple[Topic, str], tuple[Decision, Proposal]],
) -> bool:
    """Decide what strong evidence decides and nobody has; whether there was any."""
    found = False
    for key, (_, proposal) in asked.items():
        if proposal.value and proposal.grade in _STRONG and key not in given.answers and key not in own:
            decision = Decision(*key, proposal.value, "; ".join(proposal.evidence), Author.PATCHKIT)
            own[key] = decision, proposal
            found = True
    return found


def _together(given: Decisions, own: Mapping[tuple[Topic, str], tuple[Decision, Proposal]]) -> Decisions:
    return Decisions({**{key: decision for key, (decision, _) in own.items()}, **given.answers})


def basis(pair: Pair, subject: str) -> str:
    """Return a fingerprint of what a decision about `subject` was taken for: the type or variable on both sides."""
    digest = blake2b(digest_size=6)
    for program, keys in ((pair.old, pair.old), (pair.new, pair.new)):
        for table in (keys.records, keys.enums, keys.variables):
            entity = table.get(subject) or table.get(_holder(subject, table))
            digest.update((entity.fingerprint if entity is not None else "-").encode())
        digest.update(program.machine.encode())
    return digest.hexdigest()


def _holder(subject: str, table: Mapping[str, object]) -> str:
    """The key that a member's name begins with."""
    parts = subject.split(".")
    return next((".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1) if ".".join(parts[:n]) in table), "")


def _answered(
    pair: Pair,
    given: Decisions,
    own: Mapping[tuple[Topic, str], tuple[Decision, Proposal]],
    asked: Mapping[tuple[Topic, str], tuple[Open, Proposal]],
) -> Iterator[Item]:
    for key, decision in given.answers.items():
        question, proposal = asked.get(key, (None, NOTHING))
        stamp = basis(pair, decision.subject)
        stale = bool(decision.basis) and decision.basis != stamp and decision.topic is not Topic.ACCEPT
        if decision.topic is not Topic.ACCEPT:
            yield Item(
                topic=decision.topic,
                subject=decision.subject,
                state=State.STALE if stale else State.DECIDED,
                question=question.question if question is not None else "",
                change="",
                choices=question.choices if question is not None else (),
                proposal=proposal.value,
                grade=proposal.grade,
                evidence=proposal.evidence,
                decision=decision,
                basis=stamp,
            )
    for key, (decision, proposal) in own.items():
        text = asked[key][0].question if key in asked else ""
        yield Item(*key, State.DECIDED, text, "", (), proposal.value, proposal.grade, proposal.evidence, decision)


def _open(pair: Pair, asked: Mapping[tuple[Topic, str], tuple[Open, Proposal]], decisions: Decisions) -> Iterator[Item]:
    for key, (question, proposal) in asked.items():
        if key in decisions.answers:
            continue
        yield Item(
            topic=key[0],
            subject=key[1],
            state=State.WRITE if key[0] is Topic.CODE else State.ASKED,
            question=question.question,
            change="",
            choices=question.choices,
            proposal=proposal.value,
            grade=proposal.grade,
            evidence=proposal.evidence,
            basis=basis(pair, key[1]),
        )


def _changes(comparison: Comparison, decisions: Decisions) -> Iterator[Item]:
    """Questions of the comparison that only ask whether something is fine as it is."""
    for change in comparison.changes:
        if change.verdict < Verdict.CONFIRM or change.kind in _ELSEWHERE or change.subject is Subject.TYPE:
            continue
        if change.subject is Subject.VARIABLE and change.old_key and change.new_key and change.grade is Grade.WEAK:
            continue
        decision = decisions.answers.get((Topic.ACCEPT, change.id))
        state = State.DECIDED if decision is not None else State.ASKED
        if change.verdict is Verdict.BLOCKED and decision is None:
            state = State.BLOCKED
        question = change.question or _first_question(change.edits) or change.text
        yield Item(
            topic=Topic.ACCEPT,
            subject=change.id,
            state=state,
            question=f"{change.title}: {question}",
            change=change.id,
            choices=("yes",),
            proposal="yes",
            grade=change.grade,
            evidence=change.evidence,
            decision=decision,
        )


def _first_question(edits: tuple[Edit, ...]) -> str:
    return next((edit.question for edit in edits if edit.question), "")


def _written_state(item: Item, transform: str) -> Item:
    """A conversion by hand is open while its function has a question in it, or is not there."""
    if item.topic is not Topic.CODE or item.decision is None or item.state is State.STALE:
        return item
    from patchkit.transform.names import transformer_name

    name = transformer_name(item.subject)
    starts = [match.start() for match in _STUB.finditer(transform)] + [len(transform)]
    own = next((match.start() for match in _STUB.finditer(transform) if match.group(1) == name), None)
    if own is None:
        return replace(item, state=State.WRITE)
    end = next(start for start in starts if start > own)
    return replace(item, state=State.WRITE) if _TODO.search(transform, own, end) else item


def _lines(transform: str) -> int:
    """Lines of C that a person wrote: without blank ones, comments, braces alone and includes."""
    code = re.sub(r"/\*.*?\*/", "", transform, flags=re.S)
    lines = (line.split("//")[0].strip() for line in code.splitlines())
    return sum(1 for line in lines if line and line not in "{}" and not line.startswith("#"))


def accepted(change: Change, decisions: Decisions) -> bool:
    """Whether somebody said that a change is fine as it is."""
    return decisions.value(Topic.ACCEPT, change.id) == "yes"
