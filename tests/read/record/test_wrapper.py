"""`patchkit cc` as the compiler of a build that nothing else watches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchkit.read.record import load_recording
from tests.support import ROOT, Outcome, needs, run, write_tree
from tests.support.builds import SOURCES, linked, record, sources, text, unit

WRAPPER = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from patchkit.errors import PatchkitError
from patchkit.read.record import compiler_wrapper
try:
    sys.exit(compiler_wrapper(sys.argv[1:]))
except PatchkitError as problem:
    print(problem.message, problem.hint, sep="\\n", file=sys.stderr)
    sys.exit(2)
"""

MAKEFILE = """prog: main.o lib.a
	$(CC) -o $@ $^
lib.a: helper.o
	ar rcs $@ $^
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_tree(tmp_path / "project", {**SOURCES, "Makefile": MAKEFILE, ".patchkit/.gitignore": "*\n"})
    wrapper = tmp_path / "pcc"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    return root


def make(root: Path, *arguments: str, **environ: str) -> Outcome:
    return run("make", f"CC={root.parent / 'pcc'}", *arguments, cwd=root, environ=environ)


def test_a_build_with_an_archive_that_is_made_unwatched(root: Path) -> None:
    assert make(root, "-j2").code == 0
    recording = load_recording(root)
    assert recording is not None
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    assert "return 1" in text(recording, unit(recording, "helper.c"))
    assert load_recording(root) == recording
    assert list((root / ".patchkit/events").iterdir()) == []


def test_what_is_compiled_later_is_added(root: Path) -> None:
    make(root)
    load_recording(root)
    write_tree(root, {"helper.c": '#include "helper.h"\nint helper(void) { return ANSWER + 0; }\n'})
    os.utime(root / "helper.c", (2**31, 2**31))
    make(root, "CFLAGS=-O2")
    recording = load_recording(root)
    assert recording is not None
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    assert "return 1 + 0" in text(recording, unit(recording, "helper.c"))
    assert "-O2" in unit(recording, "helper.c").command.arguments


def test_a_read_in_the_middle_of_a_build(root: Path) -> None:
    make(root, "lib.a")
    half = load_recording(root)
    assert half is not None
    assert (sources(half), half.programs) == (["helper.c"], ())
    make(root)
    whole = load_recording(root)
    assert whole is not None
    assert linked(whole) == {"prog": ["main.c", "helper.c"]}


def test_the_compilers_exit_code_and_messages_come_through(root: Path) -> None:
    write_tree(root, {"broken.c": "int x = ;\n"})
    done = run(str(root.parent / "pcc"), "-c", "broken.c", cwd=root)
    plain = run("cc", "-c", "broken.c", cwd=root)
    assert (done.code, done.out, done.err) == (plain.code, plain.out, plain.err)
    assert load_recording(root) is None


@needs("clang")
def test_the_compiler_that_is_named(root: Path) -> None:
    make(root, PATCHKIT_CC="clang -DOWN")
    recording = load_recording(root)
    assert recording is not None
    assert unit(recording, "main.c").command.arguments[0].endswith("clang")
    assert "-DOWN" in unit(recording, "main.c").command.arguments


def test_a_compiler_that_does_not_exist(root: Path) -> None:
    done = run(str(root.parent / "pcc"), "-c", "main.c", cwd=root, environ={"PATCHKIT_CC": "no-such-cc"})
    assert done.code == 2
    assert "cannot run the compiler no-such-cc" in done.err


def test_inside_a_recorded_build_nothing_is_noted_twice(root: Path) -> None:
    recording = record(root, "make", f"CC={root.parent / 'pcc'}")
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    assert list((root / ".patchkit/events").iterdir()) == []


@needs("git")
def test_where_the_notes_go(root: Path) -> None:
    (root / ".patchkit/.gitignore").unlink()
    (root / ".patchkit").rmdir()
    sub = write_tree(root / "sub", {"one.c": "int one;\n"})
    run(str(root.parent / "pcc"), "-c", "one.c", cwd=sub, environ={"PATCHKIT_ROOT": str(root.parent / "other")})
    assert (root.parent / "other/.patchkit").is_dir()
    run(str(root.parent / "pcc"), "-c", "one.c", cwd=sub)
    assert (sub / ".patchkit").is_dir()
    other = write_tree(root / "second", {"two.c": "int two;\n"})
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    run(str(root.parent / "pcc"), "-c", "two.c", cwd=other)
    recording = load_recording(root)
    assert recording is not None
    assert sources(recording) == ["second/two.c"]


def test_it_starts_without_what_it_does_not_need(root: Path) -> None:
    program = (
        "import sys\nfrom patchkit.read.record import compiler_wrapper\n"
        "print(sorted({'dataclasses', 'hashlib', 'json', 'subprocess', 'tomllib', 'click'} & set(sys.modules)))\n"
    )
    assert run(sys.executable, "-S", "-c", program, cwd=ROOT).out.strip() == "[]"
