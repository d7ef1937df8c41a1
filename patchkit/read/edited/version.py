"""From a recording and the files that were edited since to a patched program."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import patchkit
from patchkit.errors import InputError
from patchkit.model.build import Recording
from patchkit.model.codec import program_from_json
from patchkit.model.program import Program
from patchkit.read.edited.edit import Edit, Unpatchable
from patchkit.read.edited.patch import apply
from patchkit.read.record.index import file_digest
from patchkit.read.record.pending import PendingText, edited_files, start_preprocessing
from patchkit.read.replacing import replace_file, seal, unseal
from patchkit.read.source.models import EDIT, find_names, model_path
from patchkit.read.source.request import Resolver, chosen_units, relative_path, text_path

_PATCH = 1  # raise it when the same edit is patched into another model
_MAKER = f"patchkit.edit {_PATCH} {patchkit.__version__}"
_MOST_UNITS = 3  # preprocessed for one edit; a header that more include is not looked into


@dataclass(frozen=True, slots=True)
class EditedVersion:
    """A version under way: its compilers may be running already, `finish` waits for them.

    `files` are the edited files with the digests of what they hold now, `base` the model of what was recorded, `known`
    what the same edit was found to change before.
    """

    recording: Recording
    files: Mapping[str, str]
    base: Path
    known: Mapping[str, Any] | None
    pending: Sequence[PendingText]

    def finish(self, label: str) -> Program | None:
        """Return the program as it is now, None where it has to be read in full."""
        try:
            os.utime(self.base)  # the newest models are kept
            model = json.loads(self.base.read_bytes())
            found = self.known if self.known is not None else self._compare(model)
            apply(model, found["functions"], found["lines"])
            return program_from_json(model, label=label)
        except (OSError, ValueError, KeyError, TypeError, IndexError, InputError, Unpatchable):
            return None
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the compilers; more than once does no harm."""
        for text in self.pending:
            text.close()

    def _compare(self, model: Mapping[str, Any]) -> Mapping[str, Any]:
        # Dear, and not needed for an edit that is known.
        from patchkit.read.edited.compare import compare_texts
        from patchkit.read.edited.functions import changed_functions

        names = find_names(self.base)
        if names is None:
            raise Unpatchable("the names of the recorded version are not kept")
        edit, units = Edit(), []
        root = self.recording.root
        files = {relative_path(path, root) for path in self.files}
        for text in self.pending:
            unit = self.recording.units[text.unit]
            units.append(relative_path(unit.command.source, root))
            resolver = Resolver(root, unit.command.directory)
            before = text_path(self.recording, unit).read_text(encoding="utf-8", errors="surrogateescape")
            compare_texts(edit, before, text.read(), resolver.resolve, files)
        if any(file_digest(path) != content for path, content in self.files.items()):
            raise Unpatchable("a file changed once more")
        found = {"functions": changed_functions(model, edit, names, units), "lines": edit.lines}
        kept = _kept(self.base, self.files)
        replace_file(kept, seal(json.dumps(found, separators=(",", ":")).encode("ascii"), _MAKER))
        return found


def _kept(base: Path, files: Mapping[str, str]) -> Path:
    """Return where the effect of an edit on a model is kept."""
    digest = hashlib.blake2b(digest_size=16)
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{content}\n".encode("utf-8", "surrogateescape"))
    return base.with_name(f"{base.stem}-{digest.hexdigest()}{EDIT}")


def _known(kept: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(unseal(kept.read_bytes(), _MAKER))
    except (OSError, ValueError):
        return None
    lines = {file: {int(old): new for old, new in moved.items()} for file, moved in found["lines"].items()}
    return {"functions": found["functions"], "lines": lines}


def begin_edited(recording: Recording, program: str | None, environ: Mapping[str, str]) -> EditedVersion | None:
    """Start to patch the model of `recording`, some of whose files were edited since; None where that cannot be done.

    That is so too where no file was edited.
    """
    edited = edited_files(recording)
    if edited is None or not edited.files:
        return None
    chosen = chosen_units(recording, program)
    base = model_path(recording, chosen)
    units = sorted(edited.units.intersection(chosen))
    if not base.exists() or len(units) > _MOST_UNITS:
        return None
    known = _known(_kept(base, edited.files))
    pending: list[PendingText] = []
    try:
        if known is None:
            pending.extend(start_preprocessing(recording, unit, environ) for unit in units)
    except OSError:
        for text in pending:
            text.close()
        return None
    return EditedVersion(recording, edited.files, base, known, pending)
