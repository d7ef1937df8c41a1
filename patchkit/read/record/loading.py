"""What is kept of a recorded build: loading it, and what of it is out of date.

Imported by every comparison, so it imports nothing that only recording needs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from patchkit.model.build import Recording
from patchkit.read.record.index import file_digest, read_index
from patchkit.read.record.paths import STORE, events_directory, index_path
from patchkit.read.record.store import read_recording

if TYPE_CHECKING:
    from patchkit.read.record.preprocess import Progress


def load_recording(
    root: Path,
    *,
    jobs: int = 2,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Recording | None:
    """Return the recording kept at `root`, or None where nothing was recorded there.

    What `patchkit cc` noted since is added first, by compilers that run in `environ`, where None stands for that of
    this process. Raises InputError for a recording that cannot be used.
    """
    root = root.resolve()
    store = root / STORE
    if any(path.is_file() for path in events_directory(store).glob("*")):
        from patchkit.read.record.recorder import fold_pending

        fold_pending(root, jobs=jobs, environ=os.environ if environ is None else environ, progress=progress)
    return read_recording(store)


def stale_sources(recording: Recording) -> list[str]:
    """Return the sources and headers that changed or vanished since `recording` was made, sorted."""
    index = read_index(index_path(Path(recording.store)))
    stale = []
    for path, digest in (recording.digests or {}).items():
        stamp = index.stamps.get(path)
        trusted = stamp is not None and stamp.mtime and stamp.digest == digest
        if not (index.is_fresh(path) if trusted else file_digest(path) == digest):
            stale.append(path)
    return sorted(stale)
