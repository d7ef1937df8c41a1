"""What differs between two versions, and what each difference asks of the update."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from patchkit.model.program import Coord, Facet, Gap, Member, Origin


class Verdict(IntEnum):
    """What a change asks of the programmer; of several the worst counts."""

    NONE = 0
    AUTO = 1
    AUTO_CHECK = 2
    CONFIRM = 3
    CODE = 4
    BLOCKED = 5


class Requires(IntEnum):
    """What a change needs in the running process; a fact, not an opinion."""

    NOTHING = 0
    QUIESCE = 1
    TRANSFORMER = 2
    REVIEW = 3
    RESTART = 4


class Level(StrEnum):
    """How loud a rule is; a project may configure it."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    OFF = "off"


class Grade(StrEnum):
    """How strong the evidence behind a match or a proposal is."""

    CERTAIN = "certain"
    STRONG = "strong"
    WEAK = "weak"


class Subject(StrEnum):
    """What kind of thing changed."""

    TYPE = "type"
    VARIABLE = "variable"
    FUNCTION = "function"
    MACRO = "macro"
    BUILD = "build"


class Storage(StrEnum):
    """Where live instances of a type are."""

    STATIC = "static data"
    HEAP = "heap"
    THREAD = "thread-local"
    STACK = "stack"
    NOWHERE = "nowhere reachable"


@dataclass(frozen=True, slots=True)
class Reach:
    """A variable that reaches instances of a type, and the shortest access path: `server.clients->head[]->flags`."""

    variable: str
    path: str
    storage: Storage


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference inside a changed thing: a member, an enumerator, a parameter.

    `kind` is a code of the taxonomy (`T01`), `rule` the rule that reports it (`PKT101`). `text` says what it means
    for the running process; `question` is the closed question it asks, empty where it asks none. `old` and `new` are
    member layouts where the edit is one of a struct's, else None; `was` and `now` show both sides as C text.
    """

    kind: str
    rule: str
    verdict: Verdict
    name: str
    text: str
    was: str = ""
    now: str = ""
    old: Member | None = None
    new: Member | None = None
    question: str = ""
    grade: Grade = Grade.CERTAIN


@dataclass(frozen=True, slots=True)
class Change:
    """One changed, added or removed thing with everything that is to be said about it, once.

    `id` is stable from run to run and from machine to machine: it names rule, subject and key. `kind`, `rule`,
    `verdict` are those of the worst part. `old_key` is empty for an addition, `new_key` for a removal. Sizes in
    bytes, 0 where they mean nothing. `count` is more than 1 where like changes were folded into one line, and
    `folded` are their keys.
    """

    id: str
    subject: Subject
    kind: str
    rule: str
    level: Level
    requires: Requires
    verdict: Verdict
    old_key: str
    new_key: str
    title: str
    text: str
    old_coord: Coord | None = None
    new_coord: Coord | None = None
    old_size: int = 0
    new_size: int = 0
    edits: tuple[Edit, ...] = ()
    reach: tuple[Reach, ...] = ()
    question: str = ""
    grade: Grade = Grade.CERTAIN
    evidence: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()  # files that call a function whose signature changed, or use a macro

    @property
    def name(self) -> str:
        """The key under which the running version knows it, or the new one's for an addition."""
        return self.old_key or self.new_key

    @property
    def count(self) -> int:
        """How many like changes this one stands for."""
        return max(1, len(self.folded))


@dataclass(frozen=True, slots=True)
class Side:
    """What was read of one version."""

    label: str
    origin: Origin
    units: int
    records: int
    enums: int
    variables: int
    functions: int
    macros: int
    gaps: tuple[Gap, ...] = ()
    unseen: tuple[Facet, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of comparing two versions: `changes` worst first, then by subject and key.

    `layouts` holds, by key of a changed record, its members before and after, for those who draw them: None for a side
    where the type does not exist.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...]
    layouts: Mapping[str, "LayoutPair"]
    notes: tuple[str, ...] = ()  # what the analysis cannot see, in words

    @property
    def complete(self) -> bool:
        """Whether every unit of both sides was read."""
        return not self.old.gaps and not self.new.gaps

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all changes."""
        return max((change.verdict for change in self.changes), default=Verdict.NONE)

    @property
    def requires(self) -> Requires:
        """The most that any change requires."""
        return max((change.requires for change in self.changes), default=Requires.NOTHING)


@dataclass(frozen=True, slots=True)
class LayoutPair:
    """The layout of a record in both versions. Sizes in bytes."""

    old_size: int
    new_size: int
    old: tuple["PlacedMember", ...]
    new: tuple["PlacedMember", ...]


@dataclass(frozen=True, slots=True)
class PlacedMember:
    """A member as it is drawn: its C declaration, where it stands (bits), and the kind of the edit that touches it, if
    any.
    """

    name: str
    declaration: str
    offset: int
    size: int
    kind: str = ""
