"""The whole comparison as data; `docs/schema/comparison-1.json` describes every field."""

import json
from collections.abc import Mapping, Sequence

from patchkit import __version__
from patchkit.model.change import Change, Comparison, Edit, LayoutPair, PlacedMember, Reach, Side, Subject
from patchkit.model.ctype import spell
from patchkit.model.headline import headline, questions, status, tally
from patchkit.model.program import Coord, Gap, Member
from patchkit.model.rules import rule_name
from patchkit.model.words import REQUIREMENTS, VERDICTS
from patchkit.report import Options
from patchkit.report.outline import shown

SCHEMA = "patchkit.comparison/1"

Json = None | bool | int | str | Sequence["Json"] | Mapping[str, "Json"]


def render_json(comparison: Comparison, options: Options) -> str:
    """Return `comparison` as JSON, keys in a fixed order, equal text for equal comparisons."""
    return json.dumps(comparison_data(comparison, options), indent=1, ensure_ascii=True) + "\n"


def comparison_data(comparison: Comparison, options: Options) -> dict[str, Json]:
    """Return what the JSON holds."""
    changes = shown(comparison, options)
    counts = tally(comparison.changes)
    named = {change.name for change in changes}
    layouts = {
        key: _layout(pair) for key, pair in sorted(comparison.layouts.items()) if key in named or not options.only
    }
    return {
        "schema": SCHEMA,
        "generator": {"name": "patchkit", "version": __version__},
        "headline": _text(headline(comparison)),
        "status": status(comparison),
        "complete": comparison.complete,
        "verdict": VERDICTS[comparison.verdict],
        "requires": REQUIREMENTS[comparison.requires],
        "counts": {
            "none": counts.nothing,
            "auto": counts.auto,
            "auto+check": counts.checks,
            "questions": counts.questions,
            "code": counts.transformers,
            "blocked": counts.blocked,
        },
        "only": [subject for subject in Subject if subject in options.only],
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "changes": [_change(change) for change in changes],
        "layouts": {_text(key): layout for key, layout in layouts.items()},
        "notes": _texts(comparison.notes),
    }


def _side(side: Side) -> Json:
    return {
        "label": _text(side.label),
        "origin": side.origin,
        "units": side.units,
        "records": side.records,
        "enums": side.enums,
        "variables": side.variables,
        "functions": side.functions,
        "macros": side.macros,
        "gaps": [_gap(gap) for gap in side.gaps],
        "unseen": list(side.unseen),
    }


def _gap(gap: Gap) -> Json:
    return {"place": _coord(gap.coord), "reason": _text(gap.reason), "hint": _text(gap.hint)}


def _change(change: Change) -> Json:
    return {
        "id": _text(change.id),
        "subject": change.subject,
        "kind": change.kind,
        "rule": change.rule,
        "rule_name": rule_name(change.rule),
        "level": change.level,
        "requires": REQUIREMENTS[change.requires],
        "verdict": VERDICTS[change.verdict],
        "old_key": _text(change.old_key),
        "new_key": _text(change.new_key),
        "title": _text(change.title),
        "text": _text(change.text),
        "old_place": _coord(change.old_coord),
        "new_place": _coord(change.new_coord),
        "old_size": change.old_size,
        "new_size": change.new_size,
        "edits": [_edit(edit) for edit in change.edits],
        "reach": [_reach(reach) for reach in change.reach],
        "questions": _texts(questions(change)),
        "grade": change.grade,
        "evidence": _texts(change.evidence),
        "count": change.count,
        "folded": _texts(change.folded),
        "callers": _texts(change.callers),
    }


def _edit(edit: Edit) -> Json:
    return {
        "kind": edit.kind,
        "rule": edit.rule,
        "rule_name": rule_name(edit.rule),
        "verdict": VERDICTS[edit.verdict],
        "name": _text(edit.name),
        "text": _text(edit.text),
        "was": _text(edit.was),
        "now": _text(edit.now),
        "old": _member(edit.old),
        "new": _member(edit.new),
        "question": _text(edit.question),
        "grade": edit.grade,
    }


def _member(member: Member | None) -> Json:
    if member is None:
        return None
    return {
        "name": _text(member.name),
        "type": _text(spell(member.type)),
        "offset_bits": member.offset,
        "size_bits": member.size,
        "width": member.width,
    }


def _reach(reach: Reach) -> Json:
    return {"variable": _text(reach.variable), "path": _text(reach.path), "storage": reach.storage}


def _layout(pair: LayoutPair) -> Json:
    return {
        "old_size": pair.old_size,
        "new_size": pair.new_size,
        "old": [_placed(member) for member in pair.old],
        "new": [_placed(member) for member in pair.new],
    }


def _placed(member: PlacedMember) -> Json:
    return {
        "name": _text(member.name),
        "declaration": _text(member.declaration),
        "offset_bits": member.offset,
        "size_bits": member.size,
        "kind": member.kind,
    }


def _coord(coord: Coord | None) -> Json:
    return None if coord is None else {"file": _text(coord.file), "line": coord.line}


def _texts(texts: Sequence[str]) -> list[str]:
    return [_text(text) for text in texts]


def _text(text: str) -> str:
    """Return `text` as valid Unicode: what a file name has that is not UTF-8 becomes U+FFFD, as in any decoder."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
