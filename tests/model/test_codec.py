"""Saved models: what is written is read back, and nothing that a file may hold ends in anything but a clear error."""

import contextlib
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from patchkit.errors import InputError, PatchkitError
from patchkit.model.codec import load_program, program_from_json, program_to_json, save_program
from patchkit.model.ctype import Array, CType, Function, Named, Opaque, Pointer, Primitive, Qualified, Tag, Vector
from patchkit.model.program import Program
from patchkit.model.typecode import decode_type, encode_type
from tests.support.reading import read_c

SCHEMA = Path(__file__).parents[2] / "docs/schema/program-1.json"
SOURCE = """
#include <stdio.h>
#define LIMIT 10
#define NAME "patch"
typedef struct node { struct node *next; unsigned flag : 3; union { int i; float f; }; char text[LIMIT]; } node;
enum mode { OFF = -1, ON }; static enum mode mode = ON; _Thread_local int depth; FILE *out;
static int (*table[])(const char *, ...) = { printf };
int main(int argc, char **argv) { static long runs; node n = { 0 }; runs++; return table[0] && n.i + argc + !argv; }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return read_c(tmp_path_factory.mktemp("codec"), SOURCE)


def test_a_saved_model_is_read_back_equal(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    save_program(program, path)
    again = load_program(path, label="test")
    for table in ("records", "enums", "typedefs", "variables", "functions", "macros"):
        assert dict(getattr(again, table)) == dict(getattr(program, table))
    assert (again.units, again.gaps, again.machine) == (program.units, program.gaps, program.machine)
    other = tmp_path / "again.json"
    save_program(again, other)
    assert json.loads(other.read_text())["records"] == json.loads(path.read_text())["records"]


def test_a_saved_model_fits_the_published_schema(program: Program) -> None:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    errors = [error.message for error in Draft202012Validator(schema).iter_errors(program_to_json(program))]
    assert errors == []


def types() -> st.SearchStrategy[CType]:
    names = st.text("abc_ @#.<>", min_size=1, max_size=6)
    leaves = st.builds(Primitive, names) | st.builds(Named, st.sampled_from(Tag), names) | st.builds(Opaque, names)
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(Pointer, inner)
            | st.builds(Array, inner, st.none() | st.integers(0, 1 << 40))
            | st.builds(lambda target: Qualified(("const", "volatile"), target), inner)
            | st.builds(Vector, inner, st.integers(1, 64))
            | st.builds(Function, inner, st.lists(inner, max_size=3).map(tuple), st.booleans(), st.booleans())
        ),
        max_leaves=8,
    )


@given(types())
def test_every_type_survives_its_json_form(ctype: CType) -> None:
    assert decode_type(json.loads(json.dumps(encode_type(ctype)))) == ctype


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a patchkit model"),
        ("{", "not a patchkit model"),
        ("[]", "no format"),
        ('{"format": "patchkit.program/999"}', "format 'patchkit.program/999'"),
        ('{"format": "patchkit.program/1"}', "damaged model"),
        ("[" * 100_000, "not a patchkit model"),
    ],
)
def test_what_is_no_model_is_refused_with_its_name(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.json") as caught:
        load_program(path, label="bad")
    assert says in caught.value.message


@pytest.mark.parametrize("seed", range(200))
def test_a_mutated_model_loads_or_is_refused(seed: int, program: Program, tmp_path: Path) -> None:
    chosen = random.Random(seed)
    data = json.loads(json.dumps(program_to_json(program)))
    for _ in range(chosen.randint(1, 3)):
        _mutate(data, chosen)
    path = tmp_path / "mutated.json"
    path.write_text(json.dumps(data))
    with contextlib.suppress(PatchkitError):
        assert load_program(path, label="mutated").label == "mutated"


def _mutate(data: Any, chosen: random.Random) -> None:
    """Replace, drop or double one thing somewhere below `data`."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        if not keys:
            return
        key = chosen.choice(keys)
        if isinstance(data[key], dict | list) and data[key] and chosen.random() < 0.85:
            data = data[key]
            continue
        odd: list[Any] = [None, -1, 1 << 80, "", "x" * 50, [], {}, ["*"], [[]], True, 1.5, ["[]", "int", "x"], math.nan]
        if chosen.random() < 0.2:
            del data[key]
        else:
            data[key] = chosen.choice(odd)
        return


def test_a_type_nested_too_deeply_is_refused() -> None:
    code: Any = "int"
    for _ in range(100_000):
        code = ["*", code]
    with pytest.raises(InputError, match="nested too deeply"):
        decode_type(code)


def test_a_lazily_loaded_program_names_what_is_damaged(program: Program) -> None:
    data = program_to_json(program)
    data = {**data, "records": {"struct node": ["0123", "a.c"]}}
    with pytest.raises(InputError, match="record 'struct node'"):
        program_from_json(data).records["struct node"]
