"""A version that was edited since it was recorded: its patched model is the one that reading everything gives."""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from patchkit.model.codec import program_to_json
from patchkit.model.program import Program
from patchkit.read.edited import begin_edited, edited_files
from patchkit.read.record import load_recording, refresh
from patchkit.read.source import read_recording
from tests.support import write_tree
from tests.support.builds import record

TREE = {
    "shared.h": "#define LIMIT 4\nstruct node { struct node *next; char name[LIMIT]; };\n"
    "extern struct node head;\nint length(struct node *n);\n",
    "table.inc": "{ 1, 2 },\n{ 3, 4 },\n",
    "list.c": '#include "shared.h"\n#define OWN 7\nstruct node head;\nstatic int count;\n'
    "static int twice(int n)\n{\n\treturn 2 * n;\n}\n\n"
    "int length(struct node *n)\n{\n\tcount += OWN;\n\treturn n->next ? twice(1) : 0;\n}\n\n"
    "int calls(void)\n{\n\tstatic int made;\n\treturn made++;\n}\n\n"
    "#define PAIR(x) int x##_one(void) { return 1; } int x##_two(void) { return 2; }\nPAIR(pair)\nint last = OWN;\n",
    "main.c": '#include "shared.h"\nint rows[][2] = {\n#include "table.inc"\n};\n'
    "static int twice(int n) { return n + n; }\n"
    "int main(void) { return length(&head) + twice(rows[0][0]) + LIMIT; }\n",
    "Makefile": "prog: list.c main.c shared.h table.inc\n\tcc -o $@ list.c main.c\n",
}
LIST = TREE["list.c"]
PATCHED = {
    "a body": LIST.replace("2 * n", "3 * n"),
    "lines in a body": LIST.replace("\tcount += OWN;\n", "\tif (n == &head)\n\t\treturn 1;\n\n\tcount -= LIMIT;\n"),
    "lines between functions": LIST.replace("int calls", "/* more\n   words */\n\n\n\n\n\n\n\n\n\n\n\nint calls"),
    "a line before the header": "\n\n// words\n" + LIST,
    "two bodies": LIST.replace("2 * n", "n << 1").replace("? twice(1)", "? twice(count)"),
    "only white space": LIST.replace("2 * n", "2  *  n"),
    "a body that gets a member and an address": LIST.replace("count += OWN", "n->name[0] = *&count"),
}
READ = {
    "a static variable": LIST.replace("return made++", "return made--"),
    "another function": LIST + "int more(void) { return 0; }\n",
    "a head": LIST.replace("twice(int n)", "twice(long n)"),
    "a macro": LIST.replace("OWN 7", "OWN 8"),
    "another header": "#include <stddef.h>\n" + LIST,
    "a variable": LIST.replace("static int count;", "static long count;"),
    "functions of one line": LIST.replace("return 2; }", "return 3; }"),
    "a brace that is missing": LIST + "int broken(void) {\n",
    "a packing": "#pragma pack(1)\n" + LIST,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that was built, recorded and read."""
    root = write_tree(tmp_path_factory.mktemp("built"), TREE)
    # What was recorded in the same tick of the clock as it was written is not trusted.
    for name in TREE:
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
    read_recording(record(root, "make"), label="test")
    return root


@pytest.fixture
def tree(built: Path) -> Path:
    """The same tree, with every file as it was recorded, and nothing kept of earlier edits."""
    restore(built)
    return built


def restore(root: Path) -> None:
    for name, text in TREE.items():
        (root / name).write_text(text)
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
    for kept in (root / ".patchkit/models").glob("*.edit*"):
        kept.unlink()


def patched(root: Path, edits: Mapping[str, str]) -> Program | None:
    """Return the program after `edits` if it can be had without reading everything."""
    for name, text in edits.items():
        (root / name).write_text(text)
    recording = load_recording(root)
    assert recording is not None
    files = edited_files(recording)
    edited = None if files is None else begin_edited(recording, files, None, os.environ)
    if edited is None:
        return None
    try:
        return edited.finish("test", 2)
    finally:
        edited.close()


def read_in_full(root: Path) -> Program:
    """Return the program as a recording without any model or book gives it; the recording stays as it was."""
    store, saved = root / ".patchkit", root.parent / f"{root.name}-saved"
    shutil.copytree(store, saved)
    try:
        for name in ("models", "cut"):
            shutil.rmtree(store / name, ignore_errors=True)
        recording = load_recording(root)
        assert recording is not None
        return read_recording(refresh(recording, environ=os.environ), label="test")
    finally:
        shutil.rmtree(store)
        saved.rename(store)


def text(program: Program) -> str:
    return json.dumps(program_to_json(program))


def is_current(root: Path) -> bool:
    recording = load_recording(root)
    assert recording is not None
    found = edited_files(recording)
    return found is not None and found.current


LEFT: dict[str, Callable[[Path], object]] = {
    "another time": lambda root: os.utime(root / "list.c"),
    "no text": lambda root: next((root / ".patchkit/texts").iterdir()).unlink(),
    "no headers": lambda root: shutil.rmtree(root / ".patchkit/headers"),
    "no index": lambda root: (root / ".patchkit/index.json").unlink(),
}


@pytest.mark.parametrize("leave", LEFT.values(), ids=list(LEFT))
def test_a_recording_is_current_unless_something_is_left_to_be_done(
    tmp_path: Path, leave: Callable[[Path], object]
) -> None:
    root = write_tree(tmp_path, TREE)
    for name in TREE:
        os.utime(root / name, (1_700_000_000, 1_700_000_000))
    recording = record(root, "make")
    assert is_current(root)
    leave(root)
    assert not is_current(root)
    refresh(recording, environ=os.environ)
    assert is_current(root)


def test_a_unit_that_could_not_be_preprocessed_is_tried_again(tmp_path: Path) -> None:
    root = write_tree(tmp_path, TREE)
    recording = record(root, "make")
    (root / "shared.h").rename(root / "away.h")
    broken = refresh(recording, environ=os.environ)
    assert all(unit.problem for unit in broken.units)
    (root / "away.h").rename(root / "shared.h")
    assert not is_current(root)


@pytest.mark.parametrize("edit", PATCHED.values(), ids=list(PATCHED))
def test_an_edit_of_bodies_and_lines_is_patched_into_the_model(tree: Path, edit: str) -> None:
    first = patched(tree, {"list.c": edit})
    assert first is not None
    assert text(first) == text(read_in_full(tree))
    again = patched(tree, {})
    assert again is not None
    assert text(again) == text(first)


@pytest.mark.parametrize("edit", READ.values(), ids=list(READ))
def test_any_other_edit_is_read_from_the_texts_of_its_units(tree: Path, edit: str) -> None:
    first = patched(tree, {"list.c": edit})
    assert first is not None
    assert text(first) == text(read_in_full(tree))
    again = patched(tree, {})
    assert again is not None
    assert text(again) == text(first)


def test_an_edit_that_does_not_compile_is_left_to_reading_in_full(tree: Path) -> None:
    assert patched(tree, {"list.c": LIST + "#error no\n"}) is None


def test_an_included_table_is_not_taken_for_a_body(tree: Path) -> None:
    found = patched(tree, {"table.inc": "{ 1, 2 },\n{ 3, 5 },\n"})
    assert found is not None
    assert text(found) == text(read_in_full(tree))


def test_two_edited_files_are_patched_together(tree: Path) -> None:
    edits = {"list.c": PATCHED["lines in a body"], "main.c": TREE["main.c"].replace("n + n", "n -\nn")}
    found = patched(tree, edits)
    assert found is not None
    assert text(found) == text(read_in_full(tree))


def test_a_header_whose_lines_move_is_patched_in_all_its_units(tree: Path) -> None:
    found = patched(tree, {"shared.h": "/* one\nmore */\n" + TREE["shared.h"]})
    assert found is not None
    assert text(found) == text(read_in_full(tree))


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_patch_is_made_again(tree: Path, damage: bytes | None) -> None:
    first = patched(tree, {"list.c": PATCHED["a body"]})
    (kept,) = (tree / ".patchkit/models").glob("*.edit")
    data = kept.read_bytes()
    kept.write_bytes(data[:-5] if damage is None else damage)
    again = patched(tree, {})
    assert first is not None
    assert again is not None
    assert text(again) == text(first)
    assert kept.read_bytes() == data


def test_a_missing_model_is_not_needed(tree: Path) -> None:
    models = tree / ".patchkit/models"
    saved = models.rename(models.with_name("saved"))
    try:
        found = patched(tree, {"list.c": PATCHED["a body"]})
        assert found is not None
        assert text(found) == text(read_in_full(tree))
    finally:
        shutil.rmtree(models, ignore_errors=True)
        saved.rename(models)


STATEMENTS = (
    "count++;",
    "head.next = n;",
    "if (count) { }",
    "\n\n",
    "/* { */",
    "(void)twice;",
    '(void)"}";',
    "last = 2;",
)
PLACE = re.compile(r"\n\tcount \+= OWN;\n")


@settings(max_examples=15, deadline=None)
@given(statements=st.lists(st.sampled_from(STATEMENTS), max_size=6), above=st.integers(0, 12))
def test_random_bodies_are_patched_as_they_are_read(built: Path, statements: list[str], above: int) -> None:
    restore(built)
    body = "\n".join(statements)
    edit = "\n" * above + PLACE.sub(lambda _: f"\n{body}\n", LIST)
    found = patched(built, {"list.c": edit})
    assert found is not None
    assert text(found) == text(read_in_full(built))
