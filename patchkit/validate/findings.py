"""What the checks of an update return, and what they are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.model.decision import Plan, Way
from patchkit.transform.migration import Side, sides_of
from patchkit.transform.plan import Planned


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with an update: the level that found it, a rule, where, and what to do.

    `object` says in which object it shows, in words; empty where none is involved. A `note` is worth
    knowing and keeps nobody from going on.
    """

    level: int
    rule: str
    file: str
    line: int
    text: str
    hint: str
    object: str = ""
    note: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the plan, the C sources, where their headers are, and files of samples.

    `place` is a directory that the checks may write to.
    """

    planned: Planned
    sources: tuple[Path, ...]
    include: tuple[Path, ...]
    samples: tuple[Path, ...] = ()
    place: Path = field(default_factory=Path)
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def way(self) -> Way:
        """The direction in which the update is checked."""
        return self.planned.decisions.way

    @property
    def target(self) -> Side:
        """The version that objects are converted to: what the update's C calls it."""
        return sides_of(self.way)[1]

    def key(self, text: str) -> str:
        """Return the key of a decision as a person names it to `patchkit decide`."""
        return f"{self.way} {text}" if self.way is Way.DOWN else text

    @property
    def plan(self) -> Plan:
        """What is decided, and what is open."""
        return self.planned.plan
