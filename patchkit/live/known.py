"""Which recorded builds are known here, so that a build-id can be called by a name and a process proved to be one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.errors import PatchkitError

SHORT = 12  # digits of a build-id that people get to see


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of builds: from build-id to the name of the version."""

    names: Mapping[str, str] = field(default_factory=dict)

    def call(self, build_id: str) -> str:
        """Return what people read for a build: its number, shortened, and its name where there is one."""
        if not build_id:
            return "no build-id"
        name = self.names.get(build_id)
        return f"{build_id[:SHORT]} ({name})" if name else build_id[:SHORT]


def known_builds(roots: Iterable[Path], cache: Path) -> Known:
    """Return the builds that were recorded at `roots`, and those of git revisions that were built in `cache`.

    A root without a recording, or with one that cannot be read, says nothing.
    """
    names: dict[str, str] = {}
    for root in [*roots, *cache.glob("revisions/*/*/tree")]:
        for output, build_id in _programs(root):
            names.setdefault(build_id, f"{root.resolve().name} {os.path.basename(output)}")
    return Known(names)


def has_recording(root: Path) -> bool:
    """Whether a build was recorded at `root`."""
    from patchkit.read.record.paths import STORE

    return (root / STORE).is_dir()


def _programs(root: Path) -> list[tuple[str, str]]:
    from patchkit.read.record.paths import STORE
    from patchkit.read.record.store import read_recording

    try:
        recording = read_recording(root / STORE)
    except PatchkitError:
        return []
    if recording is None:
        return []
    return [(program.output, program.build_id) for program in recording.programs if program.build_id]
