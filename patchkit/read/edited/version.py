"""From a recording and the files that were edited since to the program that they are now.

Where bodies and lines changed, the recorded model is patched; else the version is read from what was cut and parsed
before, with new texts for a few units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from patchkit.errors import InputError
from patchkit.model.build import Recording
from patchkit.model.codec import program_from_json
from patchkit.model.program import Program
from patchkit.read.edited.edit import Unpatchable
from patchkit.read.edited.kept import KeptEdit, Model
from patchkit.read.record.headers import kept_header
from patchkit.read.record.index import file_digest
from patchkit.read.record.pending import EditedFiles, PendingText, start_preprocessing
from patchkit.read.source.models import find_names, model_path
from patchkit.read.source.request import chosen_units, relative_path

if TYPE_CHECKING:
    from patchkit.read.edited.header import HeaderEdit

_MOST_PATCHED = 3  # units that are preprocessed at once; a header that more include is looked into first


@dataclass(frozen=True, slots=True)
class EditedVersion:
    """A version under way: its compilers may be running already, `finish` waits for them.

    `units` are the edited files that each unit reads, `headers` what changed in those of them that are known well
    enough to tell one unit by another. `pending` has the texts that were begun, by unit.
    """

    recording: Recording
    program: str | None
    edited: EditedFiles
    units: Mapping[int, frozenset[str]]
    headers: Mapping[str, HeaderEdit]
    kept: KeptEdit
    known: Model | None  # what was kept of the same edit
    environ: Mapping[str, str]
    pending: dict[int, PendingText]

    def finish(self, label: str, jobs: int) -> Program | None:
        """Return the program as it is now, None where it has to be read in full."""
        try:
            if self.known is not None:
                return program_from_json(self.known, label=label)
            patched = self._patch(label) if self.pending.keys() == self.units.keys() else None
            return patched or self._reread(label, jobs)
        except (OSError, ValueError, KeyError, TypeError, IndexError, InputError, Unpatchable):
            return None
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the compilers; more than once does no harm."""
        for text in self.pending.values():
            text.close()

    def _patch(self, label: str) -> Program | None:
        try:
            from patchkit.read.edited.patched import find_change  # dear, and not needed for an edit that is known

            files = [relative_path(path, self.recording.root) for path in self.edited.files]
            model = self.kept.base_model()
            change = find_change(self.recording, model, find_names(self.kept.base), files, self.pending)
            self._check_files()
            return program_from_json(self.kept.patch(model, change), label=label)
        except (OSError, ValueError, KeyError, TypeError, IndexError, InputError, Unpatchable):
            return None

    def _reread(self, label: str, jobs: int) -> Program:
        from patchkit.read.edited.reread import Rereading  # dear, and seldom needed

        rereading = Rereading(self.recording)
        groups = rereading.groups(self.units, self.headers.keys())
        for _, (number, *_) in groups:
            if number not in self.pending:
                self.pending[number] = start_preprocessing(self.recording, number, self.environ)
        for files, (number, *others) in groups:
            rereading.split(number, self.pending[number].read())
            if others:
                rereading.derive(number, others, {file: self.headers[file] for file in files})
        self._check_files()
        program = rereading.read(label, self.program, jobs)
        self.kept.keep(program)
        return program

    def _check_files(self) -> None:
        if any(file_digest(path) != content for path, content in self.edited.files.items()):
            raise Unpatchable("a file changed once more")


def begin_edited(
    recording: Recording, edited: EditedFiles, program: str | None, environ: Mapping[str, str]
) -> EditedVersion | None:
    """Start to tell what `recording`, whose files `edited` were edited since, is now; None where that cannot be done.

    That is so too where no file was edited.
    """
    if not edited.files:
        return None
    chosen = chosen_units(recording, program)
    kept = KeptEdit(model_path(recording, chosen), edited.files)
    root = recording.root
    units = {
        number: frozenset(relative_path(path, root) for path in edited.units[number])
        for number in sorted(edited.units.keys() & set(chosen))
    }
    known = kept.load()
    headers: dict[str, HeaderEdit] = {}
    begun: Sequence[int] = list(units) if known is None else []
    if known is None and len(units) > _MOST_PATCHED:
        headers = _known_headers(recording, edited)
        begun = [number for number, files in units.items() if files <= headers.keys()][:1]
        if not begun:
            return None
    version = EditedVersion(recording, program, edited, units, headers, kept, known, environ, {})
    try:
        for number in begun:
            version.pending[number] = start_preprocessing(recording, number, environ)
    except OSError:
        version.close()
        return None
    return version


def _known_headers(recording: Recording, edited: EditedFiles) -> dict[str, HeaderEdit]:
    """Return what changed in the edited files that others include, where nothing but text did."""
    from patchkit.read.edited.header import compare_headers  # dear, and not needed for a source

    found = {}
    for path in edited.files.keys() - edited.copies:
        old = kept_header(Path(recording.store), edited.before[path])
        try:
            new = Path(path).read_bytes().decode("utf-8", "surrogateescape")
            if old is not None:
                found[relative_path(path, recording.root)] = compare_headers(old, new)
        except (OSError, Unpatchable):
            continue
    return found
