"""The plan of an update: what has to be known, what is decided, by whom and why, and what is open. No I/O."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from patchkit.diff.matching import pair_programs
from patchkit.diff.pair import Pair
from patchkit.model.change import Change, Comparison, Grade, Subject, Verdict
from patchkit.model.ctype import Named
from patchkit.model.decision import Author, Decision, Decisions, Item, Plan, State, Topic, Way
from patchkit.model.program import Enum, Function, Program, Record, Variable
from patchkit.transform.changed import Changed
from patchkit.transform.code import Fetch, no_bodies
from patchkit.transform.evidence import Evidence
from patchkit.transform.initial import ONLY_CONSTANTS
from patchkit.transform.migrate import Written, write_migration
from patchkit.transform.names import HOOKS, transformer_name
from patchkit.transform.proposal import NOTHING, Proposal, names, strong, weak
from patchkit.transform.questions import Asked, Questions, Settled
from patchkit.transform.roots import moved_variables
from patchkit.transform.shapes import Graph, Open
from patchkit.transform.stubs import FILE, hand_written, is_written

Key = tuple[Topic, str]
_NOTHING_SETTLED = Settled()
_ORDER = (State.BLOCKED, State.STALE, State.ASKED, State.WRITE, State.DECIDED)
_OBSOLETE = "nothing in these versions asks this any more"
_CHANGE = re.compile(rf"[A-Z]\w+:(?:{'|'.join(Subject)}):(.+)")  # the id of a change, which ends in its key
# What may be decided although nothing asks: it says how live state is walked, or takes over from a proof.
_WALKED = (Topic.PAYLOAD, Topic.ELEMENT, Topic.LENGTH, Topic.UNION)
FREE = (*_WALKED, Topic.ALLOCATOR, Topic.CARRIES, Topic.CODE, Topic.TABLE)


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, all decisions that it rests on, people's and those of evidence, and the C that follows from them."""

    plan: Plan
    decisions: Decisions
    written: Written
    pair: Pair


def make_plan(
    old: Program,
    new: Program,
    comparison: Comparison,
    given: Decisions,
    transform: str = "",
    bodies: tuple[Fetch, Fetch] = (no_bodies, no_bodies),
    settled: Settled = _NOTHING_SETTLED,
) -> Planned:
    """Plan the update from `old` to `new`, whose `comparison` it is, with the decisions `given`.

    `transform` is the text of transform.c; `bodies` fetch the tokens of function bodies of each version, as evidence.
    On the way back `old` is the version that is left, and `settled` what the way there says about it.
    """
    pair = pair_programs(old, new)
    changes = frozenset(change.id for change in comparison.changes)
    planner = _Planner(pair, Evidence(pair, *bodies), given, changes, settled)
    planner.ask(settled.asked)
    planner.ask(Questions(planner.evidence, given.way).of(comparison))
    written = planner.generate()
    items = sorted(planner.items(transform), key=lambda item: (_ORDER.index(item.state), item.topic, item.subject))
    plan = Plan(old.label, new.label, tuple(items), hand_written(transform), *_shares(comparison, items))
    return Planned(plan, planner.decisions, written, pair)


class _Planner:
    """Collects what is asked, and decides what evidence decides."""

    def __init__(
        self, pair: Pair, evidence: Evidence, given: Decisions, changes: frozenset[str], settled: Settled
    ) -> None:
        self.pair = pair
        self.evidence = evidence
        self.given = given
        self.changes = changes  # ids of all that the comparison tells
        self.changed = Changed(pair, given)
        self.asked: dict[Key, Asked] = {}
        self.settled = settled
        self.own = {key: each for key, each in settled.decisions.items() if not self._answered(key)}
        self.needed: set[str] = set()  # what cannot be converted without a programmer

    @property
    def decisions(self) -> Decisions:
        """What was decided, by people and by evidence."""
        given = {key: each for key, each in self.given.answers.items() if each.author is Author.PERSON}
        whole = {**self.own, **given}
        for key in [key for key in self.own if key not in given and self._goes_on(key, whole)]:
            del whole[key]
        return Decisions({k: d for k, d in whole.items() if not _is_declined(d)}, self.given.way)

    def _goes_on(self, key: Key, decided: Mapping[Key, Decision]) -> bool:
        """Whether a question about the value of a new member is none, since an old member goes on as it by decision."""
        topic, subject = key
        record = holder_of(subject, self.pair.new.records) if topic is Topic.INITIAL else ""
        before = self.pair.records.backward.get(record, "")
        name = subject.removeprefix(f"{record}.")
        return bool(before) and any(
            each.topic is Topic.MEMBER and each.value == name and each.subject.rpartition(".")[0] == before
            for each in decided.values()
        )

    def ask(self, questions: Iterable[Asked]) -> bool:
        """Add what is not asked yet; return whether something new was decided."""
        decided = False
        for each in questions:
            if each.key in self.asked:
                if each.topic is Topic.CODE:  # the generator knows better what is left to write
                    self.asked[each.key] = replace(self.asked[each.key], question=each.question)
                continue
            self.asked[each.key] = each
            if each.key not in self.own and not each.blocked and not self._answered(each.key):
                found = self._by_itself(each)
                self.own |= {} if found is None else {each.key: found}
                decided = decided or found is not None
        return decided

    def _by_itself(self, each: Asked) -> Decision | None:
        """What answers a question without anybody: evidence, or the other direction."""
        if each.topic is Topic.ACCEPT and each.subject.partition(":")[2] in self.settled.accepted:
            return Decision(*each.key, "yes", "accepted on the way there", Author.PATCHKIT)
        # Fresh objects begin with something; what an old one held and the new version does not is another matter.
        lost = self.given.way is Way.DOWN and each.topic is Topic.INITIAL
        if (lost and ONLY_CONSTANTS not in each.proposal.evidence) or not each.proposal.decides:
            return None
        return Decision(*each.key, each.proposal.value, "; ".join(each.proposal.evidence), Author.PATCHKIT)

    def _answered(self, key: Key) -> bool:
        """Whether somebody has decided; what patchkit decided before may be decided anew."""
        found = self.given.answers.get(key)
        return found is not None and found.author is Author.PERSON

    # -- what generating needs

    def generate(self) -> Written:
        """Return the C that carries state over, generated until that raises no question that evidence decides."""
        while True:
            self.changed = Changed(self.pair, self.decisions)
            moved = frozenset(moved_variables(self.pair, self.changed, self.decisions))
            self.ask(self._from_code(Graph(self.changed, self.decisions, moved)))
            written = write_migration(self.pair, self.decisions)
            if not self.ask(self.opened(each) for each in written.open):
                return written

    def _from_code(self, graph: Graph) -> Iterator[Asked]:
        """What code shows of lists, untyped pointers and allocators of what is converted."""
        heap = self._on_heap(graph)
        if not heap:
            return
        targets = frozenset(self._with_parts(heap))
        lists = self.evidence.lists
        for head, links, proposal in lists.heads(targets):
            question = f"By which link are objects in the list that {head.subject} begins?"
            if proposal.value != "-" or not proposal.decides:
                yield Asked(Topic.ELEMENT, head.subject, question, "", (*links, "-"), proposal)
        for subject, choices, proposal in self.evidence.payloads.proposals(targets, lists.found_from_birth):
            question = f"To which type of object does the untyped pointer {subject} lead?"
            yield Asked(Topic.PAYLOAD, subject, question, "", choices, proposal)
        for subject, proposal in self.evidence.lengths.arrays(targets):
            question = f"how many objects stand where {subject} leads?"
            yield Asked(Topic.LENGTH, subject, question, "", ("one", "allocation", *graph.counters(subject)), proposal)

    def _on_heap(self, graph: Graph) -> set[str]:
        """The changed records of which there are objects beside variables."""
        held = {
            r.key for v in self.pair.old.variables.values() if (r := self.pair.old_types.record(v.type)) is not None
        }
        alone = (key for key in self.changed.records if not self.pair.old.records[key].parent)
        return {
            key for key in alone if key not in held and self.pair.old_usage.naming_type(key) and key in graph.targets
        }

    def _with_parts(self, keys: Iterable[str]) -> Iterator[str]:
        """The records with those that lie in them by value."""
        for key in keys:
            yield key
            record = self.pair.old.records[key]
            for _, member in self.pair.old_types.members_by_value(Named(record.tag, key)):
                inner = self.pair.old_types.record(member.type)
                if inner is not None:
                    yield inner.key

    def opened(self, question: Open) -> Asked:
        """Return what the walk or the generation of C asks, with what speaks for an answer."""
        proposal = NOTHING
        match question.topic:
            case Topic.UNION if "address" in question.choices:
                text = "a word of it is taken for an address only where it leads into something that moves"
                proposal = weak("address", text)
            case Topic.LENGTH:
                counters = [each for each in question.choices if each not in ("one", "allocation")]
                if len(counters) == 1:
                    proposal = weak(counters[0], f"{counters[0]} is the only member beside it that counts")
            case Topic.INITIAL:
                key, _, path = self._split(question.subject)
                proposal = self.evidence.initial.of_member(key, path) if key else NOTHING
            case Topic.ALLOCATOR if "-" not in question.choices:
                key = self.changed.records.get(question.subject, question.subject)
                proposal = self.evidence.allocators.of(key, self.evidence.new.makers(key))
                proposal = proposal if proposal.evidence else self._unmade(question.subject)
            case Topic.ALLOCATOR:
                proposal = self._fleeting(question.subject)
            case Topic.CODE if question.subject in self.pair.records.forward:
                self.needed.add(question.subject)
                return replace(self._by_hand(question), choices=(FILE[self.given.way],))
            case _:
                pass
        if not proposal.value and question.proposal:
            proposal = Proposal(question.proposal, question.grade, (*proposal.evidence, *question.evidence))
        return Asked(question.topic, question.subject, question.question, "", question.choices, proposal)

    def _unmade(self, key: str) -> Proposal:
        """Whether no object of a record is ever allocated by itself, so that all are variables or parts of others."""
        users = self._users((key,))
        if users is None:
            return NOTHING
        if any(self.pair.old_usage.allocators_near(each) for each in (*users, *self.pair.old_usage.reaching(key))):
            return NOTHING
        who = "no function that names one or uses a pointer to one allocates"
        return strong("-", f"{who}: all of them are variables, or parts of others")

    def _fleeting(self, key: str) -> Proposal:
        """Whether objects of a record that nothing leads to only live while functions run."""
        holders = self._holding(key)
        users = self._users(holders)
        if users is None or any(each in self.pair.old_usage.pointed_at for each in holders):
            return NOTHING
        if any(self.pair.old_usage.allocators_near(each) for each in users):
            return NOTHING
        who = f"{names(f.name for f in users)} uses it and allocates nothing" if users else "no function names it"
        return strong("-", f"no variable leads to one, and {who}")

    def _holding(self, key: str) -> frozenset[str]:
        """The record and all that hold it by value."""
        found, waiting = {key}, [key]
        while waiting:
            inner = waiting.pop()
            for other, record in self.pair.old.records.items():
                parts = (self.pair.old_types.record(member.type) for member in record.members)
                if other not in found and any(part is not None and part.key == inner for part in parts):
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)

    def _users(self, keys: Iterable[str]) -> list[Function] | None:
        """The functions that name or take one of some records, None where not all of them can be known."""
        usage, wanted = self.pair.old_usage, set(keys)
        if not usage.bodies_seen:
            return None
        found = {f.key: f for key in wanted for f in usage.naming_type(key)}
        for function in self.pair.old.functions.values():
            cores = (self.pair.old_types.core(each) for each in (function.type.result, *function.type.parameters))
            if any(isinstance(core, Named) and core.key in wanted for core in cores):
                found[function.key] = function
        return list(found.values())

    def _by_hand(self, question: Open) -> Asked:
        proposal = Proposal(FILE[self.given.way], Grade.CERTAIN, (question.question,))
        return Asked(question.topic, question.subject, question.question, proposal=proposal)

    def _split(self, subject: str) -> tuple[str, str, str]:
        parts = subject.split(".")
        for count in range(len(parts) - 1, 0, -1):
            key = ".".join(parts[:count])
            if key in self.pair.new.records:
                return key, ".", ".".join(parts[count:])
        return "", "", ""

    # -- items

    def items(self, transform: str) -> Iterator[Item]:
        """Yield one item for each thing that is asked or was decided."""
        decided = self.decisions.answers
        for key, asked in self.asked.items():
            given = self.given.answers.get(key)
            if given is None and self._goes_on(key, decided):
                continue
            if given is not None or not self._is_written_by_hand(asked):
                yield self._item(asked, given, transform)
        for key, decision in self.given.answers.items():
            if key not in self.asked and decision.author is Author.PERSON:
                yield self._unasked(decision, transform)

    def _is_written_by_hand(self, asked: Asked) -> bool:
        """Whether a member is one of a type that a programmer converts, so that the function there answers."""
        if asked.topic not in (Topic.INITIAL, Topic.MEMBER):
            return False
        key = holder_of(asked.subject, self.pair.old.records) or holder_of(asked.subject, self.pair.new.records)
        return self.decisions.value(Topic.CODE, self.pair.records.backward.get(key, key)) is not None

    def _item(self, asked: Asked, given: Decision | None, transform: str) -> Item:
        stamp = basis(self.pair, asked.subject)
        decision = self.own.get(asked.key, given)
        if given is not None and given.author is Author.PATCHKIT and asked.key not in self.own:
            decision = None  # its evidence is gone
        state = State.DECIDED if decision is not None else State.BLOCKED if asked.blocked else State.ASKED
        if decision is not None and decision.author is Author.PERSON and decision.basis not in ("", stamp):
            state = State.STALE
        return Item(
            topic=asked.topic,
            subject=asked.subject,
            state=self._written(asked.topic, asked.subject, state, decision, transform),
            question=asked.question,
            change=asked.change,
            choices=asked.choices,
            proposal=asked.proposal.value,
            grade=asked.proposal.grade,
            evidence=asked.proposal.evidence,
            decision=decision,
            basis=stamp,
        )

    def _written(self, topic: Topic, subject: str, state: State, decision: Decision | None, text: str) -> State:
        """A conversion by hand is open while its function has a question in it, or is not there."""
        if topic is not Topic.CODE or state is not State.DECIDED:
            return state
        if decision is not None and _is_declined(decision):
            return State.ASKED if subject in self.needed else state
        return state if is_written(text, transformer_name(subject, self.given.way)) else State.WRITE

    def _unasked(self, decision: Decision, transform: str) -> Item:
        """A decision that nothing asks for: it may be there to say more than patchkit asks, or is out of date."""
        stamp = basis(self.pair, decision.subject)
        hook = decision.topic is Topic.CODE and decision.subject in HOOKS
        told = decision.topic is Topic.ACCEPT and decision.subject in self.changes
        known = hook or told or may_say(self.pair, self.decisions, decision.topic, decision.subject)
        state = State.DECIDED if known and decision.basis in ("", stamp) else State.STALE
        return Item(
            topic=decision.topic,
            subject=decision.subject,
            state=self._written(decision.topic, decision.subject, state, decision, transform),
            question="" if known else _OBSOLETE,
            change="",
            decision=decision,
            basis=stamp,
        )


def _is_declined(decision: Decision) -> bool:
    """Whether it says that what patchkit generates is enough."""
    return decision.topic is Topic.CODE and decision.value == "-"


def may_say(pair: Pair, decisions: Decisions, topic: Topic, subject: str) -> bool:
    """Whether something can be decided that nothing asks for: more than patchkit asks, another value of a member than
    the old one's, or what becomes of a member whose object a programmer converts.
    """
    if topic is Topic.INITIAL and _is_continued_member(pair.new.records, pair.records.backward, subject):
        return True
    if topic is Topic.MEMBER and _is_continued_member(pair.old.records, pair.records.forward, subject):
        return True
    if topic in (Topic.MEMBER, Topic.INITIAL):
        key = holder_of(subject, pair.old.records if topic is Topic.MEMBER else pair.new.records)
        key = key if topic is Topic.MEMBER else pair.records.backward.get(key, "")
        return decisions.value(Topic.CODE, key) is not None
    return topic in FREE and _exists(pair, subject)


def _is_continued_member(records: Mapping[str, Record], others: Mapping[str, str], subject: str) -> bool:
    """Whether it is a member of a record that the other version has as well."""
    key = holder_of(subject, records)
    members = records[key].members if key in others else ()
    return any(f"{key}.{member.name}" == subject for member in members)


def _exists(pair: Pair, subject: str) -> bool:
    """Whether a subject names something of either version, or begins with what does."""
    return any(_thing(program, subject) is not None for program in (pair.old, pair.new))


def basis(pair: Pair, subject: str) -> str:
    """Return a fingerprint of what a decision about `subject` is given for: the thing as it is in both versions."""
    digest = hashlib.blake2b(digest_size=6)
    for program in (pair.old, pair.new):
        for table in (program.records, program.enums, program.variables):
            thing = table.get(subject) or table.get(holder_of(subject, table))
            digest.update((thing.fingerprint if thing is not None else "-").encode())
        change = _CHANGE.fullmatch(subject)
        for key in (change.group(1),) if change is not None else ():
            named = program.functions.get(key) or program.macros.get(key) or _thing(program, key)
            digest.update((named.fingerprint if named is not None else "-").encode())
        digest.update(program.machine.encode())
    return digest.hexdigest()


def _thing(program: Program, key: str) -> Record | Enum | Variable | None:
    """The type or variable that a key is, or that the name of a member begins with."""
    for table in (program.records, program.enums, program.variables):
        found = table.get(key) or table.get(holder_of(key, table))
        if found is not None:
            return found
    return None


def holder_of(subject: str, table: Mapping[str, object]) -> str:
    """Return the key that a member's name begins with, empty where it is of none in `table`."""
    parts = subject.split(".")
    return next((".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1) if ".".join(parts[:n]) in table), "")


def _shares(comparison: Comparison, items: Iterable[Item]) -> tuple[int, int]:
    """Return how many changed things ask anything of live state, and how many of those need no hand-written line."""
    changed = [change for change in comparison.changes if _asks_of_state(change)]
    by_hand = {item.subject for item in items if item.topic is Topic.CODE}
    total = sum(change.count for change in changed)
    return total, total - sum(change.old_key in by_hand for change in changed)


def _asks_of_state(change: Change) -> bool:
    """Whether something that lives has to be carried over, converted or dropped."""
    if change.verdict is Verdict.NONE or not (change.old_key or change.folded):
        return False
    return change.subject is Subject.VARIABLE or (change.subject is Subject.TYPE and bool(change.reach))


def findings(plan: Plan) -> Iterator[tuple[str, Item]]:
    """Yield the items that keep an update from being complete, each with the rule that reports it."""
    for item in plan.open:
        yield item.state.rule, item
