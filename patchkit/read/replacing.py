"""Files that can be made again: written whole or not at all, however many processes do it."""

import contextlib
import hashlib
import os
import threading
from pathlib import Path


def replace_file(path: Path, data: bytes) -> bool:
    """Write `data` so that a reader sees the old file or the new one, never a part; False where that cannot be done."""
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        return False
    return True


def seal(text: bytes, maker: str) -> bytes:
    """Return `text` behind a line with its digest and that of its maker's name, for `unseal`."""
    return _digest(text, maker) + b"\n" + text


def unseal(data: bytes, maker: str) -> bytes:
    """Return the text that was sealed by the same maker. Raises ValueError for anything else, cut off or damaged."""
    found, _, text = data.partition(b"\n")
    if found != _digest(text, maker):
        raise ValueError("not what was written")
    return text


def _digest(text: bytes, maker: str) -> bytes:
    digest = hashlib.blake2b(maker.encode(), digest_size=16)
    digest.update(text)
    return digest.hexdigest().encode("ascii")
