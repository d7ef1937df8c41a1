"""A program read from what was kept of an earlier reading is the program that its texts alone give."""

import json
import multiprocessing
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from patchkit.model.build import Recording
from patchkit.model.codec import program_to_json
from patchkit.read.source import read_recording
from tests.support.reading import record_files

FILES = {
    "shared.h": """
        #define LIMIT 4
        #include <stddef.h>
        typedef struct node { struct node *next; char name[LIMIT]; } node;
        static inline int used(node *n) { return n->name[0] != 0; }
    """,
    "packed.h": "#pragma pack(push, 1)\ntypedef struct { char c; int i; } tight;\n#pragma pack(pop)\n",
    "a.c": '#include "shared.h"\n#include "packed.h"\nnode head; tight t;\n'
    "int f(int list) { return used(&head) + list; }\n",
    "b.c": '#include "shared.h"\nstruct local { long l; };\nstatic struct local one;\n'
    "long g(void) { static int calls = LIMIT; return one.l + calls++; }\n",
    "c.c": "struct local { short s; };\nstruct local two; int h(struct local *p) { return p->s; }\n",
}
EDITS: dict[str, Mapping[str, str]] = {
    "a body": {"b.c": FILES["b.c"].replace("one.l +", "one.l -")},
    "a header": {"shared.h": FILES["shared.h"].replace("char name", "int more; char name")},
    "a limit": {"shared.h": FILES["shared.h"].replace("LIMIT 4", "LIMIT 8")},
    "a packing": {"packed.h": FILES["packed.h"].replace("pack(push, 1)", "pack(push, 2)")},
    "a name that becomes a type": {"c.c": FILES["c.c"] + "typedef struct local list;\n"},
    "a name that is used in a static local becomes a type": {"c.c": FILES["c.c"] + "typedef int calls;\n"},
    "a type that goes": {"c.c": "int h(void) { return 0; }\n"},
    "a type for which two definitions change places": {"a.c": "struct local { short s; };\n" + FILES["a.c"]},
    "a declaration that goes on in another file": {"b.c": 'int before\n#include "shared.h"\n' + FILES["b.c"]},
}


def model(recording: Recording) -> str:
    """Return the model of a recording, made anew of what is kept beside its texts."""
    shutil.rmtree(Path(recording.store) / "models", ignore_errors=True)
    return json.dumps(program_to_json(read_recording(recording, label="test", jobs=1)))


def from_texts(recording: Recording) -> str:
    """Return the model of a recording, made of its texts alone."""
    shutil.rmtree(Path(recording.store) / "cut", ignore_errors=True)
    return model(recording)


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_a_program_read_with_the_book_is_the_one_that_its_texts_give(tmp_path: Path, edit: Mapping[str, str]) -> None:
    before = from_texts(record_files(tmp_path, FILES))
    assert model(record_files(tmp_path, FILES)) == before
    edited = record_files(tmp_path, {**FILES, **edit})
    with_book = model(edited)
    assert with_book == from_texts(edited)
    assert with_book != before
    assert model(record_files(tmp_path, FILES)) == before


def test_what_is_in_the_book_is_not_read_from_texts(tmp_path: Path) -> None:
    recording = record_files(tmp_path, FILES)
    before = from_texts(recording)
    for text in (tmp_path / ".patchkit/texts").glob("*"):
        text.unlink()
    assert model(recording) == before


@pytest.mark.parametrize("damage", ["empty", "cut off", "one letter", "not ours", "a directory"])
def test_a_damaged_book_is_made_again(tmp_path: Path, damage: str) -> None:
    recording = record_files(tmp_path, FILES)
    before = from_texts(recording)
    book = tmp_path / ".patchkit/cut/book.json"
    data = book.read_bytes()
    book.unlink()
    match damage:
        case "empty":
            book.write_bytes(b"")
        case "cut off":
            book.write_bytes(data[: len(data) // 2])
        case "one letter":
            book.write_bytes(data.replace(b"LIMIT", b"LIMOT", 1) if b"LIMIT" in data else data[:-9] + b"x" + data[-8:])
        case "not ours":
            book.write_bytes(b"{}")
        case _:
            book.mkdir()
    assert model(recording) == before
    if damage != "a directory":
        assert book.read_bytes() == data


def test_two_processes_at_once_leave_a_book_that_serves(tmp_path: Path) -> None:
    recording = record_files(tmp_path, FILES)
    before = from_texts(recording)
    shutil.rmtree(tmp_path / ".patchkit/cut")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_read_often, args=(recording, before)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert model(recording) == before
    assert sorted(path.name for path in (tmp_path / ".patchkit/cut").iterdir()) == [
        "answers.json",
        "book.json",
        "whole.json",
    ]


def _read_often(recording: Recording, expected: str) -> None:
    for _ in range(4):
        shutil.rmtree(Path(recording.store) / "cut", ignore_errors=True)
        assert json.dumps(program_to_json(read_recording(recording, label="test", jobs=1))) == expected
        shutil.rmtree(Path(recording.store) / "models", ignore_errors=True)
