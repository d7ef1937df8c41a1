"""Columns of a program: the same whether its entities are decoded or not, and clear about what is damaged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchkit.errors import InputError
from patchkit.model import rows
from patchkit.model.codec import program_from_json, program_to_json
from patchkit.model.program import Program
from tests.support.reading import read_c

SOURCE = """
#define LIMIT 10
#define NAME "patch"
typedef struct node { struct node *next; int value[LIMIT]; } node;
static node first = { 0 }; int twice(int n); int (*call)(int) = twice;
int twice(int n) { static int runs; runs++; return first.value[0] + 2 * n; }
"""
COLUMNS: dict[str, Callable[[Program], Any]] = {
    "fingerprints": lambda p: rows.fingerprints(p.records),
    "variables": lambda p: rows.symbols(p.variables),
    "functions": lambda p: rows.symbols(p.functions),
    "references": lambda p: rows.function_names(p.functions, "references"),
    "members reached": lambda p: rows.function_names(p.functions, "members"),
    "assigned": lambda p: rows.function_names(p.functions, "assigned"),
    "initial names": lambda p: rows.initial_names(p.variables),
    "variable types": lambda p: rows.variable_types(p.variables),
    "typedef types": lambda p: rows.typedef_types(p.typedefs),
    "members": lambda p: rows.members(p.records),
    "macro values": lambda p: rows.macro_values(p.macros),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return read_c(tmp_path_factory.mktemp("rows"), SOURCE)


def listed(column: Any) -> Any:
    """Return a column with its names as tuples: JSON has lists."""
    if isinstance(column, dict):
        return column
    return [tuple(tuple(part) if isinstance(part, list) else part for part in row) for row in column]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=list(COLUMNS))
def test_a_column_is_the_same_before_and_after_decoding(program: Program, column: Callable[[Program], Any]) -> None:
    loaded = program_from_json(program_to_json(program))
    assert listed(column(loaded))
    assert listed(column(loaded)) == listed(column(program))


def test_equal_symbols_are_those_that_change_in_nothing(program: Program, tmp_path: Path) -> None:
    other = read_c(tmp_path, SOURCE.replace("2 * n", "3 * n"))
    for one in (program, program_from_json(program_to_json(program))):
        assert rows.equal_symbols(one.functions, one.functions) == one.functions.keys()
        assert rows.equal_symbols(one.functions, other.functions) == frozenset()
        assert rows.equal_symbols(one.variables, other.variables) == one.variables.keys()


@pytest.mark.parametrize(
    ("table", "damage", "column"),
    [
        ("functions", lambda row: row[:4], COLUMNS["assigned"]),
        ("variables", lambda row: [*row[:4], 9999, *row[5:]], COLUMNS["variable types"]),
        ("records", lambda row: [*row[:6], [["next"]], *row[7:]], COLUMNS["members"]),
    ],
)
def test_a_damaged_entity_is_named(
    program: Program, table: str, damage: Callable[[list[Any]], list[Any]], column: Callable[[Program], Any]
) -> None:
    data = program_to_json(program)
    key = next(iter(data[table]))
    data[table][key] = damage(data[table][key])
    with pytest.raises(InputError, match=f"damaged model: {table[:-1]} '{key}'"):
        column(program_from_json(data))
