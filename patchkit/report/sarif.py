"""The changes as SARIF 2.1.0 (OASIS standard): one result per change, and the rules with their consequences."""

import json
from urllib.parse import quote

from patchkit import __version__
from patchkit.model.change import Change, Comparison, Level, Requires
from patchkit.model.headline import headline, questions
from patchkit.model.kinds import KINDS
from patchkit.model.program import Coord, Gap
from patchkit.model.rules import RULES, Rule
from patchkit.model.words import REQUIREMENTS, VERDICTS
from patchkit.report import Options
from patchkit.report.json import Json
from patchkit.report.outline import shown
from patchkit.report.words import said, visible

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
_ROOT = "%SRCROOT%"
_GAP_RULE = RULES["PKR901"]
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note", Level.OFF: "none"}


def render_sarif(comparison: Comparison, options: Options) -> str:
    """Return the log of one run; a rule that is switched off reports nothing."""
    changes = [change for change in shown(comparison, options) if change.level is not Level.OFF]
    rules = list(dict.fromkeys(_rule_id(change) for change in changes))
    if not comparison.complete and _GAP_RULE.id not in rules:
        rules.append(_GAP_RULE.id)
    log: dict[str, Json] = {
        "$schema": SCHEMA_URI,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(rules)},
                "invocations": [_invocation(comparison, rules)],
                "results": [_result(change, rules) for change in changes],
                "columnKind": "utf16CodeUnits",
                "properties": {"headline": visible(headline(comparison))},
            }
        ],
    }
    return json.dumps(log, indent=1) + "\n"


def _driver(rules: list[str]) -> Json:
    return {
        "name": "patchkit",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_descriptor(rule_id) for rule_id in rules],
    }


def _descriptor(rule_id: str) -> Json:
    """Return the metadata of a rule; a change that no rule reports goes by its kind."""
    rule = RULES.get(rule_id)
    if rule:
        return {
            "id": rule.id,
            "name": rule.name,
            "shortDescription": {"text": rule.summary},
            "help": {"text": f"`patchkit explain {rule.id}` says what it means and what to do."},
            "defaultConfiguration": {"level": _LEVELS[rule.level]},
            "properties": _rule_properties(rule),
        }
    kind = KINDS.get(rule_id)
    return {
        "id": rule_id,
        "shortDescription": {"text": kind.title if kind else rule_id},
        "help": {"text": f"`patchkit explain {rule_id}` says what it means and what to do."},
        "defaultConfiguration": {"level": "note"},
    }


def _rule_properties(rule: Rule) -> Json:
    return {"requires": REQUIREMENTS[rule.requires], "fix": rule.fix, "tags": ["dynamic-update"]}


def _invocation(comparison: Comparison, rules: list[str]) -> Json:
    gaps = (*comparison.old.gaps, *comparison.new.gaps)
    return {
        "executionSuccessful": comparison.complete,
        "toolExecutionNotifications": [_notification(gap, rules) for gap in gaps],
    }


def _notification(gap: Gap, rules: list[str]) -> Json:
    text = f"not read: {gap.reason}" + (f"; {gap.hint}" if gap.hint else "")
    return {
        "level": "error",
        "message": {"text": visible(text)},
        "locations": [_location(gap.coord)],
        "associatedRule": {"id": _GAP_RULE.id, "index": rules.index(_GAP_RULE.id)},
    }


def _result(change: Change, rules: list[str]) -> Json:
    where = change.new_coord or change.old_coord
    result: dict[str, Json] = {
        "ruleId": _rule_id(change),
        "ruleIndex": rules.index(_rule_id(change)),
        "level": _LEVELS[change.level],
        "message": {"text": _message(change)},
        "partialFingerprints": {"patchkitChange/v1": visible(change.id)},
        "properties": _properties(change),
    }
    if where:
        result["locations"] = [_location(where, visible(change.name))]
    if change.old_coord and change.new_coord:
        result["relatedLocations"] = [{**_location(change.old_coord), "message": {"text": "in the running version"}}]
    return result


def _message(change: Change) -> str:
    parts = [change.title]
    if change.text and change.text not in change.title:
        parts.append(change.text)
    parts += [said(edit) for edit in change.edits if edit.text]
    parts += [f"Question: {question}" for question in questions(change)]
    return "\n".join(visible(part) for part in parts) or visible(change.id)


def _properties(change: Change) -> Json:
    return {
        "kind": change.kind,
        "verdict": VERDICTS[change.verdict],
        "requires": REQUIREMENTS[change.requires],
        "restart": change.requires is Requires.RESTART,
        "count": change.count,
        "oldSize": change.old_size,
        "newSize": change.new_size,
        "reach": [visible(reach.path or reach.variable) for reach in change.reach],
        "questions": [visible(question) for question in questions(change)],
    }


def _location(coord: Coord, name: str = "") -> dict[str, Json]:
    if coord.file.startswith("/"):
        artifact: dict[str, Json] = {"uri": f"file://{_quoted(coord.file)}"}
    else:
        artifact = {"uri": _quoted(coord.file), "uriBaseId": _ROOT}
    physical: dict[str, Json] = {"artifactLocation": artifact}
    if coord.line > 0:
        physical["region"] = {"startLine": coord.line}
    location: dict[str, Json] = {"physicalLocation": physical}
    if name:
        location["logicalLocations"] = [{"fullyQualifiedName": name}]
    return location


def _quoted(path: str) -> str:
    """Return a path as a URI reference (RFC 3986); bytes that are not UTF-8 stay what they are."""
    try:
        return quote(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return quote(visible(path))


def _rule_id(change: Change) -> str:
    return change.rule or change.kind
