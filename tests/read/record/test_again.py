"""Recording a tree again, and noticing what changed since."""

import os
from pathlib import Path

import pytest

from patchkit.errors import BuildError
from patchkit.model.build import Recording
from patchkit.read.record import load_recording, refresh, stale_sources
from tests.support import write_tree
from tests.support.builds import SOURCES, linked, program, record, relative, shell, sources, text, unit

MAKEFILE = """
CFLAGS =
all: prog other
prog: main.o helper.o
	cc -o $@ $^
other: other.o helper.o
	cc -o $@ $^
%.o: %.c helper.h
	cc $(CFLAGS) -c $<
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {**SOURCES, "other.c": SOURCES["main.c"], "Makefile": MAKEFILE})


def touch_later(path: Path, content: str) -> None:
    """Write `path` so that make sees a newer file whatever the clock of the file system."""
    before = path.stat().st_mtime
    path.write_text(content)
    os.utime(path, (before + 10, before + 10))


def remake(recording: Recording, root: Path) -> dict[str, str]:
    """Return the names of the texts by source after `recording` has been refreshed."""
    current = refresh(recording, jobs=2, environ=os.environ)
    assert load_recording(root) == current
    return {relative(current, item.command.source): item.text for item in current.units}


def test_a_unit_that_is_compiled_again_replaces_its_earlier_record(root: Path) -> None:
    first = record(root, "make")
    touch_later(root / "helper.c", '#include "helper.h"\nint helper(void) { return ANSWER + 0; }\n')
    (root / "helper.o").unlink()
    second = record(root, "make", "CFLAGS=-O2")
    assert linked(second) == linked(first) == {"other": ["other.c", "helper.c"], "prog": ["main.c", "helper.c"]}
    assert "-O2" in unit(second, "helper.c").command.arguments
    assert "return 1 + 0" in text(second, unit(second, "helper.c"))
    assert unit(second, "main.c") == unit(first, "main.c")


def test_a_link_that_is_not_done_again_keeps_its_record_with_the_new_unit(root: Path) -> None:
    first = record(root, "make")
    (root / "helper.o").unlink()
    second = record(root, "make", "CFLAGS=-O2", "helper.o")
    assert linked(second) == linked(first)
    assert "-O2" in unit(second, "helper.c").command.arguments


def test_a_program_that_is_removed_goes_with_its_units(root: Path) -> None:
    record(root, "make")
    second = shell(root, "rm other other.o; touch main.c; make prog")
    assert linked(second) == {"prog": ["main.c", "helper.c"]}
    assert sources(second) == ["helper.c", "main.c"]


def test_objects_may_go_while_what_they_were_linked_into_stays(root: Path) -> None:
    record(root, "make")
    second = shell(root, "rm *.o; touch main.c; make main.o")
    assert linked(second) == {"other": ["other.c", "helper.c"], "prog": ["main.c", "helper.c"]}


def test_an_archive_that_is_made_anew_forgets_its_old_members(root: Path) -> None:
    script = "cc -c helper.c other.c; rm -f lib.a; ar rcs lib.a helper.o {}; cc -c main.c; cc main.o lib.a -o prog"
    assert sources(shell(root, script.format("other.o"))) == ["helper.c", "main.c", "other.c"]
    assert sources(shell(root, script.format(""))) == ["helper.c", "main.c"]


def test_an_archive_that_is_added_to_keeps_its_members(root: Path) -> None:
    shell(root, "cc -c helper.c main.c; ar rcs lib.a helper.o; cc main.o lib.a -o prog")
    write_tree(
        root, {"other.c": "int other;\n", "main.c": "extern int other, helper();\nint main() { return other; }\n"}
    )
    again = shell(root, "cc -c other.c main.c; ar r lib.a other.o; cc main.o lib.a -o prog")
    assert linked(again) == {"prog": ["main.c", "other.c"]}
    assert sources(again) == ["helper.c", "main.c", "other.c"]


def test_a_build_that_finds_nothing_to_do_keeps_the_recording(root: Path) -> None:
    first = record(root, "make")
    assert record(root, "make") == first


def test_a_tree_that_was_built_before_it_is_recorded(root: Path) -> None:
    record(root, "make")
    for name in ("recording.json", "graph.json", "index.json"):
        (root / ".patchkit" / name).unlink()
    with pytest.raises(BuildError, match="compiled nothing"):
        record(root, "make")


def test_a_source_that_changed_is_stale_until_it_is_refreshed(root: Path) -> None:
    recording = record(root, "make")
    before = {relative(recording, item.command.source): item.text for item in recording.units}
    assert stale_sources(recording) == []
    (root / "main.c").write_text("int helper(void);\nint main(void) { return helper() + 5; }\n")
    assert stale_sources(recording) == [str(root / "main.c")]
    after = remake(recording, root)
    assert {name for name in after if after[name] != before[name]} == {"main.c"}
    current = load_recording(root)
    assert current is not None
    assert stale_sources(current) == []
    assert program(current, "prog") == program(recording, "prog")


def test_a_header_that_changed_makes_the_units_stale_that_include_it(root: Path) -> None:
    recording = record(root, "make")
    (root / "helper.h").write_text("#define ANSWER 42\nint helper(void);\n")
    assert stale_sources(recording) == [str(root / "helper.h")]
    current = refresh(recording, jobs=2, environ=os.environ)
    assert "return 42" in text(current, unit(current, "helper.c"))
    assert unit(current, "main.c") == unit(recording, "main.c")


def test_a_file_with_a_new_time_and_its_old_content_is_not_stale(root: Path) -> None:
    recording = record(root, "make")
    os.utime(root / "helper.h", (1, 1))
    assert stale_sources(recording) == []
    assert refresh(recording, jobs=2, environ=os.environ) == recording


def test_what_did_not_change_is_not_preprocessed_again(root: Path) -> None:
    recording = record(root, "make")
    (root / "main.c").write_text("int main(void) { return 3; }\n")
    steps: list[tuple[str, int, int]] = []
    refresh(recording, jobs=1, environ=os.environ, progress=lambda *step: steps.append(step))
    assert steps == [("preprocess", 1, 1)]


def test_a_source_that_vanished_has_a_problem_until_it_is_back(root: Path) -> None:
    recording = record(root, "make")
    content = (root / "other.c").read_text()
    (root / "other.c").unlink()
    assert stale_sources(recording) == [str(root / "other.c")]
    current = refresh(recording, jobs=2, environ=os.environ)
    assert unit(current, "other.c").problem == f"{root}/other.c no longer exists"
    (root / "other.c").write_text(content)
    assert refresh(current, jobs=2, environ=os.environ).units == recording.units


def test_a_source_that_no_longer_preprocesses_has_the_compilers_first_error(root: Path) -> None:
    recording = record(root, "make")
    (root / "main.c").write_text('#include "missing.h"\n#error second\n')
    current = refresh(recording, jobs=2, environ=os.environ)
    problem = unit(current, "main.c").problem
    assert problem.startswith("main.c:")
    assert "fatal error: missing.h: No such file or directory" in problem
    assert unit(current, "main.c").text == ""
    assert refresh(current, jobs=2, environ=os.environ) == current


def test_a_damaged_index_only_costs_time(root: Path) -> None:
    recording = record(root, "make")
    (root / ".patchkit/index.json").write_text("{")
    assert refresh(recording, jobs=2, environ=os.environ) == recording


def test_a_text_that_is_gone_is_made_again(root: Path) -> None:
    recording = record(root, "make")
    path = root / ".patchkit/texts" / f"{unit(recording, 'main.c').text}.i"
    before = path.read_text()
    path.unlink()
    refresh(recording, jobs=2, environ=os.environ)
    assert path.read_text() == before
