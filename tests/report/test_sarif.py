"""The SARIF log: the constraints of the 2.1.0 standard that a log of this shape can break."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from patchkit.model.change import Comparison, Level
from patchkit.model.program import Coord
from patchkit.model.rules import RULES
from patchkit.report import Format, Options, render
from tests.support.changes import bodies, compare
from tests.support.comparisons import SAMPLES, client_only, incomplete, patch_release

MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["uri"],
                    "properties": {
                        "uri": {"type": "string", "pattern": r"^[A-Za-z0-9\-._~/%:]+$"},
                        "uriBaseId": {"type": "string"},
                    },
                },
                "region": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"startLine": {"type": "integer", "minimum": 1}},
                },
            },
        },
        "logicalLocations": {"type": "array", "items": {"type": "object", "required": ["fullyQualifiedName"]}},
        "message": MESSAGE,
    },
}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "shortDescription"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "name": {"type": "string", "minLength": 1},
        "shortDescription": MESSAGE,
        "help": MESSAGE,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}, "additionalProperties": False},
        "properties": {"type": "object"},
    },
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ruleId", "ruleIndex", "level", "message", "partialFingerprints"],
    "properties": {
        "ruleId": {"type": "string", "minLength": 1},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION},
        "relatedLocations": {"type": "array", "uniqueItems": True, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
        "properties": {"type": "object"},
    },
}
NOTIFICATION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION},
        "associatedRule": {"type": "object", "required": ["id", "index"]},
    },
}
RUN = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tool", "results"],
    "properties": {
        "tool": {
            "type": "object",
            "required": ["driver"],
            "properties": {
                "driver": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string"},
                        "version": {"type": "string"},
                        "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                        "rules": {"type": "array", "uniqueItems": True, "items": RULE},
                    },
                }
            },
        },
        "invocations": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["executionSuccessful"],
                "properties": {
                    "executionSuccessful": {"type": "boolean"},
                    "toolExecutionNotifications": {"type": "array", "items": NOTIFICATION},
                },
            },
        },
        "results": {"type": "array", "items": RESULT},
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "properties": {"type": "object"},
    },
}
LOG = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": RUN},
    },
}


def sarif(comparison: Comparison, **options: Any) -> Any:
    log = json.loads(render(comparison, Format.SARIF, Options(**options)))
    jsonschema.Draft202012Validator(LOG).validate(log)
    return log["runs"][0]


def uris(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("uri"), str):
            yield node["uri"]
        for inner in node.values():
            yield from uris(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from uris(inner)


@pytest.mark.parametrize("name", list(SAMPLES))
def test_logs_are_well_formed_and_refer_to_what_is_in_them(name: str) -> None:
    run = sarif(SAMPLES[name]())
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for note in run["invocations"][0]["toolExecutionNotifications"]:
        assert rules[note["associatedRule"]["index"]]["id"] == note["associatedRule"]["id"] == "PKR901"
    assert all(not urlsplit(uri).query and not urlsplit(uri).fragment for uri in uris(run))


def test_a_result_has_place_question_fingerprint_and_severity() -> None:
    (result,) = sarif(client_only())["results"]
    assert result["ruleId"] == "PKT102"
    assert result["level"] == "error"
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "src/server.h", "uriBaseId": "%SRCROOT%"}
    assert physical["region"] == {"startLine": 1107}
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "struct client"}]
    assert "Question: Does the update free what peerid points at?" in result["message"]["text"]
    assert result["partialFingerprints"] == {"patchkitChange/v1": "PKT102/type/struct client"}
    assert result["properties"]["verdict"] == "confirm"


def test_rules_carry_their_name_and_consequence() -> None:
    (rule,) = sarif(client_only())["tool"]["driver"]["rules"]
    assert rule["name"] == "field-removed"
    assert rule["shortDescription"]["text"] == RULES["PKT102"].summary
    assert rule["defaultConfiguration"] == {"level": "error"}


def test_a_change_that_no_rule_reports_goes_by_its_kind() -> None:
    run = sarif(compare(bodies(2)))
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["F01"]
    assert [result["level"] for result in run["results"]] == ["note", "note"]


def test_fingerprints_tell_changes_apart() -> None:
    results = sarif(patch_release())["results"]
    marks = [result["partialFingerprints"]["patchkitChange/v1"] for result in results]
    assert len(set(marks)) == len(marks) == len(patch_release().changes)


def test_what_was_not_read_makes_the_run_unsuccessful() -> None:
    invocation = sarif(incomplete())["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert "__builtin_choose_expr" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    assert sarif(client_only())["invocations"][0]["executionSuccessful"] is True


def test_a_rule_that_is_switched_off_reports_nothing() -> None:
    comparison = client_only()
    off = replace(comparison, changes=(replace(comparison.changes[0], level=Level.OFF),))
    assert sarif(off)["results"] == []


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("src/a b#c?.c", "src/a%20b%23c%3F.c"),
        ("src/caf\udce9.c", "src/caf%E9.c"),
        ("/usr/include/x.h", "file:///usr/include/x.h"),
    ],
)
def test_paths_become_uris(file: str, uri: str) -> None:
    (body,) = bodies(1)
    where = Coord(file, 0)
    (result,) = sarif(compare([replace(body, old_coord=where, new_coord=where)]))["results"]
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == uri
    assert "region" not in physical
    assert unquote(uri.removeprefix("file://"), errors="surrogateescape") == file
