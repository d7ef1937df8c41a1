"""What the checks of an update return, and what they are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.model.decision import Plan
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
    def plan(self) -> Plan:
        """What is decided, and what is open."""
        return self.planned.plan
