"""What an edit makes of the functions whose bodies it changed, in the form of the model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patchkit.model.codec import TypeTable, decode_function, encode_function
from patchkit.model.fingerprint import with_fingerprint
from patchkit.read.edited.edit import Edit, Unpatchable
from patchkit.read.edited.patch import FILE, LINE, Row
from patchkit.read.source.bodies import plain_body, written_names
from patchkit.read.source.models import Names

_UNITS = 13


def changed_functions(model: Mapping[str, Any], edit: Edit, names: Names, units: list[str]) -> dict[str, Row]:
    """Return the functions of `edit` as they are now, by key, still at their old lines.

    `units` are the sources of the units that were compared. Raises Unpatchable where a function cannot be told from
    another, or is one of several of its name.
    """
    bodies: dict[tuple[str, int], list[str]] = {}
    for (file, line, _), body in edit.bodies.items():
        bodies.setdefault((file, line), []).append(body)
    there: dict[tuple[str, int], list[str]] = {place: [] for place in bodies}
    several = set()
    for key, row in model["functions"].items() if bodies else ():
        if (row[FILE], row[LINE]) in there:
            there[row[FILE], row[LINE]].append(key)
        if "@" in key or "#" in key:
            several.add(key.split("@", 1)[0].split("#", 1)[0])
    types, found = TypeTable(model["types"]), {}
    for place, keys in there.items():
        if len(keys) != 1 or len(bodies[place]) != 1 or keys[0] in several:
            raise Unpatchable(f"{place[0]}:{place[1]}: not one function of its name")
        row = model["functions"][keys[0]]
        if len(row[_UNITS]) != 1 or units.count(row[_UNITS][0]) != 1:
            raise Unpatchable(f"{keys[0]} is in several units")
        found[keys[0]] = _with_body(keys[0], row, types, bodies[place][0], names)
    return found


def _with_body(key: str, row: Row, types: TypeTable, text: str, names: Names) -> Row:
    body = plain_body(text)
    if body is None:
        raise Unpatchable(f"{key} has static variables")
    function = decode_function(key, row, types)
    own = {function.name, *function.parameters}
    changed = with_fingerprint(
        replace(
            function,
            body=body.fingerprint,
            references=tuple(word for word in body.words if word in names.known and word not in own),
            members=tuple(body.members),
            assigned=written_names(body, names.variables, names.addressed, function.parameters),
        )
    )
    return encode_function(changed, row[4])
