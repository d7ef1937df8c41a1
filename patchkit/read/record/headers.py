"""Headers as they were when they were read, kept by their digest: an edit is told from what the file held before."""

import contextlib
import hashlib
import os
from collections import Counter
from pathlib import Path

from patchkit.read.record.index import Index
from patchkit.read.replacing import replace_file


def keep_headers(index: Index, store: Path, root: str) -> None:
    """Keep what each file below `root` holds that several texts were made of, and no others."""
    prefix = root.rstrip("/") + "/"
    readers = Counter(path for _, files in index.texts.values() for path in files[1:] if path.startswith(prefix))
    wanted = {
        index.stamps[path].digest: path
        for path, count in readers.items()
        if count > 1 and path in index.stamps and index.stamps[path].mtime
    }
    folder = _folder(store)
    present = set()
    with contextlib.suppress(OSError):
        present.update(os.listdir(folder))
    for digest in wanted.keys() - present - {""}:
        with contextlib.suppress(OSError):
            data = Path(wanted[digest]).read_bytes()
            if _digest(data) == digest:  # else it was edited meanwhile
                replace_file(folder / digest, data)
    for name in present - wanted.keys():
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def has_headers(store: Path) -> bool:
    """Tell whether headers are kept in `store`: a recording of an earlier release has none."""
    return _folder(store).is_dir()


def kept_header(store: Path, digest: str) -> str | None:
    """Return the text of the header that had this digest, None where it is not kept."""
    try:
        data = (_folder(store) / digest).read_bytes()
    except OSError:
        return None
    return data.decode("utf-8", "surrogateescape") if digest and _digest(data) == digest else None


def _folder(store: Path) -> Path:
    return store / "headers"


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
