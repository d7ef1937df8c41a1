"""What was edited since a build was recorded, and the texts of the units that it touches."""

import os
import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from patchkit.model.build import Recording
from patchkit.read.record.headers import has_headers
from patchkit.read.record.index import command_key, file_digest, read_index
from patchkit.read.record.paths import index_path, text_path
from patchkit.read.record.surroundings import plain_environment


@dataclass(frozen=True, slots=True)
class EditedFiles:
    """Files that hold something else than when they were read.

    `files` are their paths with digests of what they hold now, `before` those of what they held, `units` which of these
    files each unit read that read any. `copies` are the files whose content is that of another file, now or before.
    `current` tells that no file was edited and the recording leaves nothing to be done: each unit has its text.
    """

    files: Mapping[str, str]
    before: Mapping[str, str]
    units: Mapping[int, frozenset[str]]
    copies: frozenset[str]
    current: bool


def edited_files(recording: Recording) -> EditedFiles | None:
    """Return what was edited since `recording`, None where more than that is wrong with its texts."""
    store = Path(recording.store)
    index = read_index(index_path(store))
    stale = index.stale()
    files = {path: file_digest(path) for path in stale}
    units = {}
    for number, unit in enumerate(recording.units):
        if not unit.command.arguments or (unit.problem and not unit.text):
            continue
        name, read = index.texts.get(command_key(unit.command, recording.root), ("", ()))
        if not name or name != unit.text:
            return None
        if found := stale.intersection(read):
            units[number] = frozenset(found)
    # A file without a time may have changed while it was read: then its digest says nothing about the text.
    if not all(files.values()) or any(not index.stamps[path].mtime for path in stale):
        return None
    before = {path: index.stamps[path].digest for path in stale}
    contents = Counter([stamp.digest for stamp in index.stamps.values()] + list(files.values()))
    copies = {path for path in stale if contents[files[path]] > 1 or contents[before[path]] > 1}
    current = not stale and not index.changed and has_headers(store) and _has_texts(recording)
    return EditedFiles(files, before, units, frozenset(copies), current)


def _has_texts(recording: Recording) -> bool:
    """Tell whether each unit has a text, and no problem that may be gone by now."""
    store = Path(recording.store)
    return all(not unit.problem and os.path.exists(text_path(store, unit.text)) for unit in recording.units)


@dataclass(frozen=True, slots=True)
class PendingText:
    """The text of a unit, which a compiler is writing into an anonymous file."""

    unit: int
    process: "subprocess.Popen[bytes]"
    file: BinaryIO

    def read(self) -> str:
        """Wait for the text and return it. Raises ValueError where the compiler fails."""
        if self.process.wait() != 0:
            raise ValueError("the compiler failed")
        self.file.seek(0)  # the compiler's writing moved the offset that it shares
        return self.file.read().decode("utf-8", "surrogateescape")

    def close(self) -> None:
        """Let go of the file, and of a compiler that nobody waited for; more than once does no harm."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.file.close()


def start_preprocessing(recording: Recording, number: int, environ: Mapping[str, str]) -> PendingText:
    """Start the compiler of a unit to print its text. Raises OSError where it cannot be run."""
    from patchkit.read.record.driver import preprocessing_arguments  # dear, and most often nothing was edited

    command = recording.units[number].command
    arguments = preprocessing_arguments(command.arguments, command.directory, command.source, recording.root)
    file = os.fdopen(os.memfd_create("patchkit-text"), "r+b", buffering=0)
    try:
        process = subprocess.Popen(
            arguments,
            cwd=command.directory,
            env=plain_environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        file.close()
        raise
    return PendingText(number, process, file)
