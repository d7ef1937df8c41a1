"""Decisions: the answers that make an update complete, and the plan that says what is decided and what is open."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from patchkit.model.change import Grade


class Way(StrEnum):
    """The two directions of an update."""

    UP = "up"
    DOWN = "down"


class Topic(StrEnum):
    """What a decision is about; the comment says what its subject and its value are.

    Members are written `struct client.name`, as deep as they are nested (`struct server.stats.hits`), variables and
    functions by their key, types by theirs.
    """

    TYPE = "type"  # old type -> new type that continues it, `-`: none
    VARIABLE = "variable"  # old variable -> new variable, or `variable.member`, that takes its value, `-`: none
    MEMBER = "member"  # old member -> new member of the same record that continues it, `-`: none
    INITIAL = "initial"  # new member or new variable -> C expression for what exists already
    CONSTANT = "constant"  # old enumeration constant `enum color.RED` -> new constant, or a number, `-`: none may exist
    CARRIES = "carries"  # integer member -> `enum color` whose constants it holds, `-`: it holds none
    TABLE = "table"  # old variable -> `new` content, `live` content, or `merge KEY`: rows matched by their member KEY
    ELEMENT = "element"  # list head, `struct server.clients` or a variable -> `struct client.link` that its nodes are
    PAYLOAD = "payload"  # member that holds an untyped pointer -> type that it leads to, `-`: nothing that changes
    LENGTH = "length"  # pointer member -> `one`, `allocation`, or the sibling member that counts what it leads to
    UNION = "union"  # union member -> `member=CONDITION; ...`, C conditions over `it`, the containing object
    ALLOCATOR = "allocator"  # type -> `allocate release`, the program's functions that make and free its objects
    CODE = "code"  # type or variable -> `transform.c`: a programmer converts it there
    ACCEPT = "accept"  # id of a change whose closed question has only the answer that it is fine -> `yes`


class Author(StrEnum):
    """Who decided."""

    PATCHKIT = "patchkit"  # proved, or proposed on strong evidence and not asked
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `basis` is a fingerprint of the old and new thing it was given for: where it differs, it is stale."""

    topic: Topic
    subject: str
    value: str
    reason: str
    author: Author = Author.PERSON
    basis: str = ""

    @property
    def key(self) -> str:
        """What people name it by: `initial struct client.requests`."""
        return f"{self.topic} {self.subject}"


@dataclass(frozen=True, slots=True)
class Decisions:
    """The answers of one direction of an update, by topic and subject."""

    answers: Mapping[tuple[Topic, str], Decision] = field(default_factory=dict)
    way: Way = Way.UP

    def value(self, topic: Topic, subject: str) -> str | None:
        """Return the value of an answer, None where there is none."""
        decision = self.answers.get((topic, subject))
        return None if decision is None else decision.value

    def with_those(self, others: Iterable[Decision]) -> "Decisions":
        """Return these answers and `others`, which go before where both answer the same."""
        return Decisions({**self.answers, **{(each.topic, each.subject): each for each in others}}, self.way)

    def of(self, topic: Topic) -> Iterator[Decision]:
        """Yield the answers of one topic."""
        return (decision for decision in self.answers.values() if decision.topic is topic)


class State(StrEnum):
    """How far an item of a plan is."""

    DECIDED = "decided"
    ASKED = "asked"  # a closed question is open
    WRITE = "to write"  # a stub of transform.c has a question in it
    STALE = "stale"  # decided for something that has changed since
    BLOCKED = "blocked"

    @property
    def rule(self) -> str:
        """The rule that reports an item in this state, empty where none does."""
        return _RULES.get(self, "")


_RULES = {
    State.ASKED: "PKX603",
    State.WRITE: "PKX603",
    State.STALE: "PKX602",
    State.BLOCKED: "PKX601",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a plan: what has to be known, what is proposed for it, and what was decided.

    `choices` are the values that a question may be answered with, empty where any C expression or name will do;
    `change` is the id of the change that asks.
    """

    topic: Topic
    subject: str
    state: State
    question: str
    change: str
    choices: tuple[str, ...] = ()
    proposal: str = ""
    grade: Grade = Grade.WEAK
    evidence: tuple[str, ...] = ()
    decision: Decision | None = None
    basis: str = ""

    @property
    def key(self) -> str:
        """What people name it by, the key of its decision."""
        return f"{self.topic} {self.subject}"


@dataclass(frozen=True, slots=True)
class Plan:
    """All that has to be known for an update, decided or not. `lines` counts the hand-written lines of transform.c,
    `changed` the changed things that ask anything of live state, `unaided` those among them without such a line.
    """

    old: str
    new: str
    items: tuple[Item, ...]
    lines: int = 0
    changed: int = 0
    unaided: int = 0

    @property
    def open(self) -> tuple[Item, ...]:
        """What keeps a bundle from being made."""
        return tuple(item for item in self.items if item.state is not State.DECIDED)
