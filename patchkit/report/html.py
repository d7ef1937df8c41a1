"""The report as one page that needs nothing but itself: layouts drawn, changes to be searched, readable on paper."""

import base64
import hashlib

from patchkit import __version__
from patchkit.model.change import Change, Comparison, Subject, Verdict
from patchkit.model.headline import headline, questions, status
from patchkit.model.kinds import kind_title
from patchkit.model.words import MEANINGS, VERDICTS
from patchkit.report import Options
from patchkit.report.html_layout import draw
from patchkit.report.outline import Heap, Section, asks, outline, shown
from patchkit.report.words import (
    blind_spots,
    code_and_name,
    entries,
    homes,
    member_offset,
    place,
    said,
    side_summary,
    sizes,
    transition,
    unread,
    visible,
)

_NAMES = 250
_PATHS = 12
View = dict[str, object]


def render_html(comparison: Comparison, options: Options) -> str:
    """Return the page; every text of a program is escaped, and its policy lets nothing run but its own script."""
    from markupsafe import Markup

    from patchkit.templates import html_environment, load

    changes = shown(comparison, options)
    sections = outline(changes, asks)
    script = load("report/comparison.js.j2")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = html_environment().get_template("report/comparison.html.j2")
    return page.render(
        version=__version__,
        style=Markup(load("report/comparison.css.j2")),
        script=Markup(script),
        script_digest=digest,
        headline=visible(headline(comparison)),
        status=status(comparison).value,
        old=visible(comparison.old.label),
        new=visible(comparison.new.label),
        only=[subject.value for subject in Subject if subject in options.only],
        total=len(comparison.changes),
        listed=len(changes),
        verdicts=[VERDICTS[section.verdict] for section in sections],
        subjects=[subject.value for subject in Subject if any(change.subject is subject for change in changes)],
        asked=[_asked(change, question) for change in changes for question in questions(change)],
        sections=[_section(section, comparison, options) for section in sections],
        read=[side_summary(side) for side in (comparison.old, comparison.new)],
        unread=[
            {"side": visible(side.label), "place": where, "reason": reason, "hint": hint}
            for side, where, reason, hint in unread(comparison)
        ],
        blind=blind_spots(comparison),
    )


def _asked(change: Change, question: str) -> View:
    return {"anchor": _anchor(change), "name": visible(change.name or change.title), "text": visible(question)}


def _section(section: Section, comparison: Comparison, options: Options) -> View:
    return {
        "verdict": VERDICTS[section.verdict],
        "css": _css(section.verdict),
        "meaning": MEANINGS[section.verdict],
        "count": section.count,
        "told": [_told(change, comparison, options) for change in section.told],
        "heaps": [_heap(heap, options) for heap in section.heaps],
    }


def _told(change: Change, comparison: Comparison, options: Options) -> View:
    layout = comparison.layouts.get(change.name)
    drawn = draw(layout, change, full=options.full) if layout and layout.old and layout.new else None
    return {
        "anchor": _anchor(change),
        "name": visible(change.name or change.title),
        "renamed": visible(change.new_key) if change.old_key and change.new_key not in ("", change.old_key) else "",
        "state": "" if change.old_key and change.new_key else "added" if change.new_key else "removed",
        "subject": change.subject.value,
        "verdict": VERDICTS[change.verdict],
        "css": _css(change.verdict),
        "rule": code_and_name(change.kind, change.rule),
        "sizes": sizes(change),
        "place": place(change),
        "text": visible(change.text),
        "homes": [_home(storage.value, paths, options) for storage, paths in homes(change.reach)],
        "edits": [
            {
                "code": code_and_name(edit.kind, edit.rule),
                "verdict": VERDICTS[edit.verdict],
                "css": _css(edit.verdict),
                "where": " → ".join(dict.fromkeys(member_offset(m) for m in (edit.old, edit.new) if m)),
                "sides": transition(edit),
                "text": visible(said(edit)),
            }
            for edit in sorted(change.edits, key=lambda edit: -edit.verdict)
        ],
        "questions": [visible(question) for question in questions(change)],
        "grade": change.grade.value,
        "evidence": [visible(reason) for reason in change.evidence],
        "callers": [visible(caller) for caller in change.callers[: None if options.full else _PATHS]],
        "more_callers": 0 if options.full else max(0, len(change.callers) - _PATHS),
        "drawn": drawn,
    }


def _home(storage: str, paths: list[str], options: Options) -> View:
    limit = len(paths) if options.full else _PATHS
    return {"storage": storage, "paths": paths[:limit], "left": max(0, len(paths) - limit)}


def _heap(heap: Heap, options: Options) -> View:
    names = [{"name": name, "place": where} for name, where in entries(heap.changes)]
    limit = len(names) if options.full else _NAMES
    return {
        "kind": heap.kind,
        "title": kind_title(heap.kind) or heap.rule,
        "subject": heap.changes[0].subject.value,
        "count": heap.count,
        "names": names[:limit],
        "left": max(0, len(names) - limit),
    }


def _anchor(change: Change) -> str:
    return f"c-{hashlib.sha256(change.id.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _css(verdict: Verdict) -> str:
    return VERDICTS[verdict].replace("+", "-")
