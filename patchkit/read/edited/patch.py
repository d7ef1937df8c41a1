"""Patching the model of a recorded version: other lines, and functions whose bodies changed."""

from collections.abc import Mapping
from typing import Any

from patchkit.read.edited.edit import Unpatchable

Row = list[Any]  # an entity in the form of `patchkit.model.codec`
TABLES = ("records", "enums", "typedefs", "variables", "functions", "macros")
FILE, LINE = 1, 2


def apply(model: Mapping[str, Any], functions: Mapping[str, Row], lines: Mapping[str, Mapping[int, int]]) -> None:
    """Put changed functions into `model`, then move everything in the edited files to its line.

    Raises Unpatchable, and leaves `model` unusable, where something stands at a line of which nothing is known.
    """
    table = model["functions"]
    for key, row in functions.items():
        table[key] = row
    for name in TABLES:
        for row in model[name].values():
            moved = lines.get(row[FILE])
            if moved is not None:
                line = moved.get(row[LINE])
                if line is None:
                    raise Unpatchable(f"{row[FILE]}:{row[LINE]} is not known to the units that were compared")
                row[LINE] = line
    for file, line, _, _ in model["gaps"]:
        if file in lines:
            raise Unpatchable(f"{file}:{line} could not be read")
