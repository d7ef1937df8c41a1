"""What a project says in `patchkit.toml`, and where patchkit keeps what it may forget."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from patchkit.errors import ConfigError

FILE_NAME = "patchkit.toml"

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Update:
    """How a project's processes are updated. `points` are functions at whose entry a thread may be while the update
    happens; `may_stay_active` those that may change although they are on some stack all the time.
    """

    points: tuple[str, ...] = ()
    may_stay_active: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a project; `path` is the file they came from, None where there is none.

    `programs` are the executables and libraries that patchkit looks at, by name, all that the build links where empty.
    `build` is the shell command that builds the project, None where it is not told.
    """

    path: Path | None = None
    programs: tuple[str, ...] = ()
    build: str | None = None
    update: Update = Update()


def load_config(directory: Path) -> Config:
    """Return the settings in `directory`/patchkit.toml, all unset where there is no such file.

    Raises ConfigError for what is not TOML, an unknown key and a value of the wrong kind.
    """
    path = directory / FILE_NAME
    try:
        text = path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Config()
    except OSError as problem:
        raise ConfigError(f"{path}: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save the file as UTF-8") from problem
    import tomllib  # which takes 3 ms, and most projects have no such file

    try:
        return _config(path, tomllib.loads(text))
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"{path}: {problem}", hint="the file is read as TOML, see https://toml.io") from problem


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Return where results are kept that can be made again: $PATCHKIT_CACHE, else in the user's cache directory.

    Source: XDG Base Directory Specification. Raises ConfigError where no home directory is known.
    """
    if own := environ.get("PATCHKIT_CACHE"):
        return Path(own).absolute()
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared).absolute() / "patchkit"
    if home := environ.get("HOME"):
        return Path(home).absolute() / ".cache" / "patchkit"
    raise ConfigError("there is no place for patchkit's cache", hint="set PATCHKIT_CACHE to a directory")


def _config(path: Path, document: Mapping[str, object]) -> Config:
    _refuse_unknown(path, document, ("project", "update"), "")
    project = _mapping(path, document, "project")
    _refuse_unknown(path, project, ("programs", "build"), "project.")
    update = _mapping(path, document, "update")
    _refuse_unknown(path, update, ("points", "may-stay-active"), "update.")
    return Config(
        path,
        programs=_optional(path, project, "programs", _names, "a list of names") or (),
        build=_optional(path, project, "build", _command, "a command in one string") or None,
        update=Update(
            _optional(path, update, "points", _names, "a list of functions", "update") or (),
            _optional(path, update, "may-stay-active", _names, "a list of functions", "update") or (),
        ),
    )


def _refuse_unknown(path: Path, table: Mapping[str, object], known: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key in known:
            continue
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean `{prefix}{close[0]}`?" if close else f"known here: {', '.join(known)}"
        raise ConfigError(f"{path}: unknown key `{prefix}{key}`", hint=hint)


def _mapping(path: Path, document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = document.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: `{key}` must be a table", hint=f"write its keys below a line `[{key}]`")
    return value


def _optional(
    path: Path,
    table: Mapping[str, object],
    key: str,
    accept: Callable[[object], _Value | None],
    wanted: str,
    section: str = "project",
) -> _Value | None:
    if key not in table:
        return None
    value = accept(table[key])
    if value is None:
        raise ConfigError(f"{path}: `{section}.{key}` must be {wanted}, not {table[key]!r}")
    return value


def _names(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    return None


def _command(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
