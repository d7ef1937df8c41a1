"""A comment for a pull request: headline, a table of what asks something, the details folded away."""

import re

from patchkit.model.change import Change, Comparison, Verdict
from patchkit.model.headline import Status, headline, questions, status
from patchkit.model.kinds import kind_title
from patchkit.model.words import VERDICTS
from patchkit.report import Options
from patchkit.report.block import Detail, describe
from patchkit.report.outline import Heap, Section, asks, outline, shown
from patchkit.report.spans import NO_LIMIT
from patchkit.report.words import blind_spots, code_and_name, entries, place, side_summary, sizes, unread, visible

_LONGEST = 60_000  # characters; a comment holds 65,536
_ROOMS = (40, 15, 5, 0)  # changes of a section with details of their own, and names of a heap
_DETAIL = Detail(context=1, rows=60, edits=40, paths=6, names=6, holes=True)
_FULL = Detail(context=3, rows=NO_LIMIT, edits=NO_LIMIT, paths=NO_LIMIT, names=NO_LIMIT, holes=True)
_SPECIAL = re.compile(r"([\\`*_\[\]|~$])")
_LINKING = re.compile(r"([@#](?=\w)|:(?=//)|/(?=/)|\bwww(?=\.))")


def render_markdown(comparison: Comparison, options: Options) -> str:
    """Return GitHub flavoured Markdown, in which nothing from a program acts as markup.

    It is kept short enough for a comment unless everything is asked for: fewer changes get details of their own.
    """
    text = ""
    for room in (NO_LIMIT,) if options.full else _ROOMS:
        text = "\n".join(_compose(comparison, options, room)).rstrip("\n") + "\n"
        if len(text) <= _LONGEST:
            break
    return text


def _compose(comparison: Comparison, options: Options, room: int) -> list[str]:
    changes = shown(comparison, options)
    sections = outline(changes, lambda change: options.full or asks(change))
    lines = [f"### {escape(headline(comparison))}", ""]
    if status(comparison) is not Status.UNCHANGED:
        lines += [f"{code(comparison.old.label)} → {code(comparison.new.label)}", ""]
    if options.only:
        subjects = ", ".join(sorted(options.only))
        lines += [f"Only {subjects} changes are shown: {len(changes)} of {len(comparison.changes)}.", ""]
    lines += _table(sections, room)
    for section in sections:
        lines += _details(section, comparison, options, room)
    return lines + _bottom(comparison)


def _table(sections: tuple[Section, ...], room: int) -> list[str]:
    rows = []
    for section in sections:
        rows += [_row(change) for change in section.told[:room]]
        if len(section.told) > room:
            rows.append(f"| {VERDICTS[section.verdict]} | … and {len(section.told) - room:,} more | | | |")
        for heap in section.heaps:
            title = kind_title(heap.kind) or heap.rule
            rows.append(f"| {VERDICTS[section.verdict]} | {heap.count:,} × {escape(title)} | {heap.kind} | | |")
    return ["| verdict | change | kind | size | place |", "|---|---|---|---|---|", *rows, ""] if rows else []


def _row(change: Change) -> str:
    cells = (
        f"**{VERDICTS[change.verdict]}**" if change.verdict >= Verdict.CONFIRM else VERDICTS[change.verdict],
        code(change.name or change.title, in_table=True),
        escape(code_and_name(change.kind, change.rule)),
        escape(sizes(change)),
        code(place(change), in_table=True) if place(change) else "",
    )
    return f"| {' | '.join(cells)} |"


def _details(section: Section, comparison: Comparison, options: Options, room: int) -> list[str]:
    lines: list[str] = []
    detail = _FULL if options.full else _DETAIL
    for change in section.told[:room]:
        body = describe(change, comparison.layouts.get(change.name), detail, width=100, side_by_side=False)
        asked = [f"- **Question:** {escape(question)}" for question in questions(change)]
        text = [str(one)[2:] for one in body]
        title = f"{VERDICTS[section.verdict]}: <code>{_html(change.name or change.title)}</code>"
        lines += _folded(title, [*asked, *([""] if asked else []), *fence(text)])
    for heap in section.heaps:
        title = f"{VERDICTS[section.verdict]}: {heap.count:,} × {_html(kind_title(heap.kind) or heap.rule)}"
        lines += _folded(title, [_names(heap, room)])
    return lines


def _folded(title: str, lines: list[str]) -> list[str]:
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _names(heap: Heap, limit: int) -> str:
    names = [name for name, _ in entries(heap.changes)]
    more = f" … and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(code(name) for name in names[:limit]) + more


def _bottom(comparison: Comparison) -> list[str]:
    lines = [f"Read {escape(side_summary(side))}  " for side in (comparison.old, comparison.new)]
    for side, where, reason, hint in unread(comparison):
        tail = f" ({escape(hint)})" if hint else ""
        lines.append(f"- **Not read** {code(where)} of {escape(side.label)}: {escape(reason)}{tail}")
    lines += [f"- Unseen: {escape(spot)}" for spot in blind_spots(comparison)]
    return lines


def escape(text: str) -> str:
    """Return `text` so that Markdown shows it as it is; empty comments keep names and addresses from becoming links."""
    safe = _SPECIAL.sub(r"\\\1", _html(text))
    return _LINKING.sub(r"\1<!-- -->", safe)


def code(text: str, *, in_table: bool = False) -> str:
    """Return `text` as a code span; the fence is longer than any run of backticks inside (CommonMark 6.1)."""
    safe = visible(text)
    runs = [len(run) for run in re.findall("`+", safe)]
    ticks = "`" * (max(runs, default=0) + 1)
    pad = " " if safe.startswith("`") or safe.endswith("`") else ""
    return f"{ticks}{pad}{safe.replace('|', chr(92) + '|') if in_table else safe}{pad}{ticks}"


def fence(lines: list[str]) -> list[str]:
    """Return `lines` as a code block that none of them can end."""
    runs = [len(run) for one in lines for run in re.findall("`{3,}", one)]
    ticks = "`" * (max(runs, default=2) + 1)
    return [f"{ticks}text", *lines, ticks]


def _html(text: str) -> str:
    return visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
