"""Imports go down, and what starts often stays light."""

import sys

import pytest

from tests.support import ROOT, run

HEAVY = ("textual", "tree_sitter", "rich", "deepdiff", "jinja2", "elftools", "pycparser")


def test_import_contracts_hold() -> None:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = run(sys.executable, "-c", program, "--no-cache", cwd=ROOT)
    assert done.code == 0, done.out
    assert "0 broken" in done.out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["diff", "--help"], ["record", "--help"]])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from patchkit.cli.main import guard, run\n"
        f"assert guard(run, {arguments!r}) == 0\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    done = run(sys.executable, "-c", program, cwd=ROOT)
    assert (done.code, done.err.strip()) == (0, "[]")


def test_the_compiler_wrapper_imports_no_command_line_library() -> None:
    program = (
        "import sys\n"
        "import patchkit.cli.main, patchkit.cli.cc, patchkit.read.record\n"
        f"print(sorted(set(sys.modules) & set({(*HEAVY, 'click', 'asyncio')!r})))\n"
    )
    assert run(sys.executable, "-c", program, cwd=ROOT).out.strip() == "[]"
