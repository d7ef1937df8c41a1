"""The JSON report: it keeps to its published schema, says everything, and the same thing every time."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import jsonschema
import pytest

from patchkit.model.change import Change, Comparison, Edit, LayoutPair, PlacedMember, Reach, Side, Subject
from patchkit.model.program import Coord, Member
from patchkit.report import Format, Options, render
from tests.support import ROOT
from tests.support.changes import bodies, compare
from tests.support.comparisons import SAMPLES, blocked, client_only, patch_release

SCHEMA = json.loads((ROOT / "docs/schema/comparison-1.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# What the JSON calls differently, or says through other fields.
RENAMED = {
    "old_coord": "old_place",
    "new_coord": "new_place",
    "question": "questions",
    "offset": "offset_bits",
    "size": "size_bits",
}


def data(comparison: Comparison, **options: Any) -> Any:
    return json.loads(render(comparison, Format.JSON, Options(**options)))


def objects(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every schema that describes a value, with its path."""
    if isinstance(node, dict):
        if "description" in node or "properties" in node:
            yield path, node
        for key, inner in node.items():
            yield from objects(inner, f"{path}/{key}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from objects(inner, f"{path}/{number}")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_reports_keep_to_the_schema(name: str) -> None:
    VALIDATOR.validate(data(SAMPLES[name]()))


def test_the_schema_is_one_and_describes_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    described = list(objects(SCHEMA))
    for path, node in described:
        assert node.get("description"), path
        for name, inner in node.get("properties", {}).items():
            target = SCHEMA["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
            assert target.get("description"), f"{path}/{name}"
        if "properties" in node:
            assert node["additionalProperties"] is False, path
            assert set(node["required"]) == set(node["properties"]), path
    assert len(described) > 80


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.update(extra=1),
        lambda report: report.pop("headline"),
        lambda report: report.update(schema="patchkit.comparison/2"),
        lambda report: report["changes"][0].update(verdict="fine"),
        lambda report: report["changes"][0]["edits"][0]["old"].update(offset_bits=-1),
        lambda report: report["layouts"]["struct client"]["old"][0].pop("declaration"),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(spoil: Any) -> None:
    report = data(client_only())
    spoil(report)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(report)


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        (Change, "change"),
        (Edit, "edit"),
        (Reach, "reach"),
        (Side, "side"),
        (LayoutPair, "layout"),
        (PlacedMember, "placed"),
        (Member, "member"),
    ],
)
def test_nothing_that_the_model_holds_is_left_out(kind: Any, definition: str) -> None:
    schema = SCHEMA["$defs"][definition]
    names = set((schema.get("properties") or schema["oneOf"][1]["properties"]).keys())
    held = {field.name for field in fields(kind)}
    assert {name for name in held if name not in names and RENAMED.get(name, "") not in names} == set()


def test_every_change_edit_and_layout_is_there() -> None:
    comparison = patch_release()
    report = data(comparison)
    assert [change["id"] for change in report["changes"]] == [change.id for change in comparison.changes]
    assert len({change["id"] for change in report["changes"]}) == len(report["changes"])
    assert [len(change["edits"]) for change in report["changes"]] == [
        len(change.edits) for change in comparison.changes
    ]
    assert report["layouts"].keys() == comparison.layouts.keys()
    assert len(report["layouts"]["struct redisServer"]["new"]) == len(comparison.layouts["struct redisServer"].new)
    client = next(change for change in report["changes"] if change["old_key"] == "struct client")
    assert client["questions"] == ["Does the update free what peerid points at?"]
    assert client["edits"][1]["new"] == {
        "name": "flags_dirty",
        "type": "unsigned int",
        "offset_bits": 96,
        "size_bits": 3,
        "width": 3,
    }


def test_outcome_is_said_in_one_line_one_word_and_numbers() -> None:
    report = data(blocked())
    assert report["headline"].startswith("BLOCKED by struct shm_header (external-layout)")
    assert (report["status"], report["verdict"], report["requires"]) == ("blocked", "blocked", "restart")
    assert report["complete"] is False
    assert report["counts"] == {"none": 0, "auto": 4, "auto+check": 0, "questions": 1, "code": 1, "blocked": 2}
    assert report["new"]["gaps"][0]["place"] == {"file": "src/module.c", "line": 312}


def test_only_limits_the_changes_but_not_the_outcome() -> None:
    report = data(patch_release(), only=frozenset({Subject.TYPE}))
    VALIDATOR.validate(report)
    assert {change["subject"] for change in report["changes"]} == {"type"}
    assert report["only"] == ["type"]
    assert report["headline"] == data(patch_release())["headline"]


def test_equal_comparisons_give_equal_text() -> None:
    assert render(patch_release(), Format.JSON) == render(patch_release(), Format.JSON)
    other = patch_release()
    turned = replace(other, layouts=dict(reversed(list(other.layouts.items()))))
    assert render(turned, Format.JSON) == render(other, Format.JSON)


def test_a_file_name_that_is_not_utf8_leaves_valid_json() -> None:
    (body,) = bodies(1)
    odd = replace(body, new_coord=Coord("src/caf\udce9.c", 1), old_key="\ud800")
    text = render(compare([odd]), Format.JSON)
    assert "\\udce9" not in text
    assert json.loads(text)["changes"][0]["new_place"]["file"] == "src/caf\ufffd\ufffd\ufffd.c"
