"""Files and functions stay small enough to be read at once."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import ROOT

PYTHON_LIMIT = 500
C_LIMIT = 800
FUNCTION_LIMIT = 60
FOLDERS = ("patchkit", "tui", "templates", "tests", "corpora")


def sources(*suffixes: str) -> list[Path]:
    """Return the project's own files with these suffixes; links are left out, their targets are in the list."""
    found: list[Path] = []
    for folder in FOLDERS:
        found += [path for path in _walk(ROOT / folder) if path.suffix in suffixes]
    return sorted(found)


def _walk(folder: Path) -> Iterable[Path]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_symlink() or path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def test_the_walk_finds_the_project() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sources(".py")}
    assert {"patchkit/errors.py", "tui/__init__.py", "tests/architecture/test_size.py"} <= names


@pytest.mark.parametrize(("suffixes", "limit"), [((".py",), PYTHON_LIMIT), ((".c", ".h"), C_LIMIT)])
def test_files_are_short(suffixes: tuple[str, ...], limit: int) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_bytes().splitlines()) for path in sources(*suffixes)}
    assert {path: length for path, length in lengths.items() if length > limit} == {}


def test_functions_are_short() -> None:
    long = {}
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LIMIT:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = length
    assert long == {}
