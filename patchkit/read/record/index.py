"""Which files each preprocessed text came from, so that a text is only made again where one of them changed."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from patchkit.model.build import CompileCommand

_FORMAT = 1

# File times tick coarsely: a file that changed this shortly before a text was begun may have changed again since.
_RACE = 20_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file when it was read: `mtime` in nanoseconds, `size` in bytes, `digest` of its content.

    `mtime` is 0 where the file may have changed while it was read: `digest` is then no proof of what the text holds.
    """

    mtime: int
    size: int
    digest: str


@dataclass(slots=True)
class Index:
    """The index of a store. `texts` maps the key of a command to its text's name and the files read for it."""

    stamps: dict[str, Stamp] = field(default_factory=dict)
    texts: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    changed: bool = False
    _stale: set[str] | None = None  # as found by this process; each file is looked at once

    def text(self, key: str) -> str:
        """Return the name of the text that stands for the command `key`, empty where it must be made again."""
        name, files = self.texts.get(key, ("", ()))
        return name if self.stale().isdisjoint(files) else ""

    def is_fresh(self, path: str) -> bool:
        """Tell whether the file at `path` still holds what it held when it was read."""
        return path in self.stamps and path not in self.stale()

    def stale(self) -> set[str]:
        """Return the files that no longer hold what they held when they were read."""
        if self._stale is None:
            self._stale = {path for path, stamp in list(self.stamps.items()) if not self._check(path, stamp)}
        return self._stale

    def _check(self, path: str, stamp: Stamp) -> bool:
        try:
            status = os.stat(path)
        except OSError:
            return False
        if not stamp.mtime:
            return False
        if status.st_mtime_ns == stamp.mtime and status.st_size == stamp.size:
            return True
        if status.st_size != stamp.size or file_digest(path) != stamp.digest:
            return False
        self.stamps[path] = Stamp(status.st_mtime_ns, status.st_size, stamp.digest)
        self.changed = True
        return True

    def put(self, key: str, text: str, files: Iterable[str], begun: int) -> None:
        """Note that the command `key`, begun at that many nanoseconds since 1970, read `files` and made `text`."""
        self.texts[key] = (text, tuple(files))
        self.changed = True
        for path in self.texts[key][1]:
            if not self.is_fresh(path):
                self._stamp(path, begun)

    def _stamp(self, path: str, begun: int) -> None:
        try:
            status = os.stat(path)
        except OSError:
            self.stamps.pop(path, None)
            return
        racy = status.st_mtime_ns >= begun - _RACE
        self.stamps[path] = Stamp(0 if racy else status.st_mtime_ns, status.st_size, file_digest(path))
        self.stale().discard(path)

    def drop(self, key: str) -> None:
        """Note that the command `key` made no text."""
        self.changed = self.texts.pop(key, None) is not None or self.changed

    def keep(self, keys: Iterable[str]) -> None:
        """Forget all commands but `keys`, and the files that only others read."""
        kept = {key: self.texts[key] for key in keys if key in self.texts}
        self.changed = self.changed or len(kept) < len(self.texts)
        used = set().union(*(files for _, files in kept.values()))
        self.texts = kept
        self.stamps = {path: stamp for path, stamp in self.stamps.items() if path in used}


def command_key(command: CompileCommand, root: str) -> str:
    """Return the key of a command in the index."""
    text = json.dumps([command.directory, command.arguments, command.source, root])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def file_digest(path: str) -> str:
    """Return the digest of the file at `path` in hexadecimal, empty where it cannot be read."""
    try:
        return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""


def read_index(path: Path) -> Index:
    """Return the index that was written to `path`, an empty one where there is none that can be read."""
    try:
        data = json.loads(path.read_bytes())
        if data["format"] != _FORMAT:
            return Index()
        names = [str(name) for name, _, _, _ in data["files"]]
        return Index(
            {str(name): Stamp(int(mtime), int(size), str(digest)) for name, mtime, size, digest in data["files"]},
            {str(key): (str(text), tuple(map(names.__getitem__, files))) for key, text, files in data["texts"]},
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return Index()


def index_json(index: Index) -> str:
    """Return `index` as it is written to a file."""
    # A file without a stamp vanished while it was read; its text is then made again next time.
    empty = Stamp(0, 0, "")
    names = sorted(set().union(*(files for _, files in index.texts.values())))
    numbers = {name: number for number, name in enumerate(names)}
    stamps = [index.stamps.get(name, empty) for name in names]
    files = [[name, stamp.mtime, stamp.size, stamp.digest] for name, stamp in zip(names, stamps, strict=True)]
    texts = [[key, text, [numbers[path] for path in paths]] for key, (text, paths) in index.texts.items()]
    return json.dumps({"format": _FORMAT, "files": files, "texts": texts}, separators=(",", ":"))
