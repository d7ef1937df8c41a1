"""Where a recording keeps its files: in `.patchkit/` below its root, or in a directory of the cache.

Imported by `patchkit cc` for each compile, so it imports little.
"""

from pathlib import Path

from patchkit.errors import InputError

STORE = ".patchkit"


def events_directory(store: Path) -> Path:
    """Return where the processes of a build write their events."""
    return store / "events"


def library_note(store: Path) -> Path:
    """Return the file that tells `patchkit cc` where the library is that it was started with last."""
    return store / "library"


def text_path(store: Path, name: str) -> Path:
    """Return the path of the preprocessed text `name`."""
    return store / "texts" / f"{name}.i"


def index_path(store: Path) -> Path:
    """Return the path of the index of texts."""
    return store / "index.json"


def make_store(store: Path) -> None:
    """Create the directory `store` with what it needs; version control is told to leave it alone."""
    try:
        (store / "texts").mkdir(parents=True, exist_ok=True)
        events_directory(store).mkdir(exist_ok=True)
        ignore = store / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise InputError(
            f"cannot write {store}: {error.strerror}", hint="a recording is kept below the root of the program's source"
        ) from error
