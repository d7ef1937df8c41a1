"""The report for people in a terminal or a pipe: headline, what asks most first, then what was and was not read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from patchkit.model.change import Change, Comparison, Subject, Verdict
from patchkit.model.headline import Status, headline, status
from patchkit.model.kinds import kind_title
from patchkit.model.words import MEANINGS, VERDICTS
from patchkit.report import Options
from patchkit.report.block import Detail, describe, role_of, summarise, summary
from patchkit.report.outline import Heap, Section, asks, is_conversion, outline, shown
from patchkit.report.spans import BLANK, NO_LIMIT, Line, Role, line, wrapped
from patchkit.report.words import blind_spots, coord_of, entries, side_summary, unread, visible

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 120
_LINES_AT_LEAST, _LINES_EACH, _LINES_AT_MOST = 36, 6, 380
_FULL = Detail(context=3, holes=True, rows=NO_LIMIT, edits=NO_LIMIT, paths=NO_LIMIT, names=NO_LIMIT)
# From generous to terse; the first that keeps the report as short as its number of changes allows is taken.
_LADDER = (
    Detail(),
    Detail(context=0, rows=16, edits=6, paths=2),
    Detail(context=0, rows=10, edits=4, paths=1, conversions=False),
    Detail(edits=3, paths=1, layouts=False, conversions=False),
    Detail(edits=1, paths=1, layouts=False, conversions=False, told=40),
)
_ASCII = str.maketrans({"→": "->", "…": "...", "│": "|", "–": "-", "’": "'"})
_STYLES = {
    Role.HEAD: "bold",
    Role.NAME: "bold",
    Role.FAINT: "dim",
    Role.ADDED: "green",
    Role.REMOVED: "red",
    Role.CHANGED: "yellow",
    Role.ASKED: "cyan",
    Role.BLOCKED: "bold red",
    Role.CODE: "bold magenta",
    Role.CONFIRM: "bold cyan",
    Role.CHECK: "bold yellow",
    Role.AUTO: "bold green",
}


def render_text(comparison: Comparison, options: Options) -> str:
    """Return the report without any colour."""
    return "".join(f"{one}\n" for one in compose(comparison, options))


def print_report(comparison: Comparison, console: Console, options: Options) -> None:
    """Print the report to `console` at its width, in colour where the console has any."""
    from rich.text import Text

    plain = "utf" not in console.encoding.lower()
    for one in compose(comparison, replace(options, width=console.width)):
        text = Text(no_wrap=True, overflow="ignore", end="\n")
        for span in one.spans:
            text.append(span.text.translate(_ASCII) if plain else span.text, style=_STYLES.get(span.role, ""))
        text.rstrip()
        console.print(text, crop=False, highlight=False, soft_wrap=True)


def compose(comparison: Comparison, options: Options) -> list[Line]:
    """Return the lines of the report."""
    changes = shown(comparison, options)
    lines = _top(comparison, changes, options)
    lines += _stat(changes) if options.stat else _body(changes, comparison, options)
    return [*lines, *_bottom(comparison, options)]


def _top(comparison: Comparison, changes: tuple[Change, ...], options: Options) -> list[Line]:
    role = Role.BLOCKED if status(comparison) in (Status.BLOCKED, Status.INCOMPLETE) else Role.HEAD
    lines = wrapped("", visible(headline(comparison)), options.width, role)
    if status(comparison) is not Status.UNCHANGED:
        lines.append(line((f"{visible(comparison.old.label)} → {visible(comparison.new.label)}", Role.FAINT)))
    if options.only:
        subjects = ", ".join(subject for subject in Subject if subject in options.only)
        left = f"only {subjects} changes are shown: {len(changes):,} of {len(comparison.changes):,}"
        lines.append(line((left, Role.FAINT)))
    return lines


def _body(changes: tuple[Change, ...], comparison: Comparison, options: Options) -> list[Line]:
    if options.full:
        return _sections(changes, comparison, options, _FULL)
    told = sum(asks(change) for change in changes)
    room = min(_LINES_AT_LEAST + _LINES_EACH * told, _LINES_AT_MOST)
    for detail in _LADDER:
        lines = _sections(changes, comparison, options, detail)
        if len(lines) <= room:
            break
    return lines


def _sections(changes: tuple[Change, ...], comparison: Comparison, options: Options, detail: Detail) -> list[Line]:
    def is_told(change: Change) -> bool:
        return asks(change) and (detail.conversions or not is_conversion(change) or change.verdict > Verdict.AUTO)

    wide = options.width >= WIDE if options.side_by_side is None else options.side_by_side
    lines: list[Line] = []
    for section in outline(changes, is_told):
        lines += [BLANK, _section_head(section)]
        for change in section.told[: detail.told]:
            layout = comparison.layouts.get(change.name)
            lines += describe(change, layout, detail, width=options.width, side_by_side=wide)
        if len(section.told) > detail.told:
            left = section.told[detail.told :]
            lines += summarise(left, detail.names, options.width, f"  {len(left):>5,}  more: ")
        lines += [one for heap in section.heaps for one in _heap(heap, detail, options)]
    return lines


def _section_head(section: Section) -> Line:
    word = VERDICTS[section.verdict].upper()
    return line((word, role_of(section.verdict)), f" ({section.count:,})  ", (MEANINGS[section.verdict], Role.FAINT))


def _heap(heap: Heap, detail: Detail, options: Options) -> list[Line]:
    lead = f"  {heap.count:>5,}  {heap.kind} {kind_title(heap.kind) or heap.rule}".rstrip() + ": "
    if not options.full:
        files = _files(heap) if heap.count > detail.names and heap.changes[0].subject is Subject.FUNCTION else []
        if files:
            return summary(files, len(files), options.width, f"{lead}in ", more="files (--full)")
        return summarise(heap.changes, detail.names, options.width, lead)
    return [line(lead), *(line(f"    {name}  ", (where, Role.FAINT)) for name, where in entries(heap.changes))]


def _files(heap: Heap) -> list[str]:
    """Return how many changes are in which file, nothing where that is not known of each."""
    files: Counter[str] = Counter()
    for change in heap.changes:
        coord = coord_of(change)
        if change.folded or coord is None:
            return []
        files[visible(coord.file)] += 1
    return [f"{file} {number}" for file, number in sorted(files.items(), key=lambda item: (-item[1], item[0]))]


def _stat(changes: tuple[Change, ...]) -> list[Line]:
    """Return a table of counts, a row per kind and a column per verdict that occurs."""
    counts: Counter[tuple[str, Verdict]] = Counter()
    for change in changes:
        counts[change.kind, change.verdict] += change.count
    if not counts:
        return []
    verdicts = sorted({verdict for _, verdict in counts}, reverse=True)
    kinds = list(dict.fromkeys(change.kind for change in changes))
    titles = {kind: f"{kind:<4} {kind_title(kind)}" for kind in kinds}
    column = max(len(title) for title in titles.values())
    head = "  ".join(f"{VERDICTS[verdict]:>10}" for verdict in verdicts)
    lines = [BLANK, line((f"{'':<{column}}  {head}  {'all':>10}", Role.FAINT))]
    for kind in kinds:
        lines.append(_stat_row(f"{titles[kind]:<{column}}", [counts[kind, verdict] for verdict in verdicts]))
    totals = [sum(counts[kind, verdict] for kind in kinds) for verdict in verdicts]
    return [*lines, _stat_row(f"{'all':<{column}}", totals)]


def _stat_row(title: str, numbers: list[int]) -> Line:
    cells = (f"{number:>10,}" if number else f"{'-':>10}" for number in (*numbers, sum(numbers)))
    return line(f"{title}  {'  '.join(cells)}")


def _bottom(comparison: Comparison, options: Options) -> list[Line]:
    width = options.width
    lines = [BLANK]
    for lead, side in (("read     ", comparison.old), ("         ", comparison.new)):
        lines += wrapped(lead, side_summary(side), width, Role.FAINT, Role.FAINT)
    for side, where, reason, hint in unread(comparison):
        lines += wrapped("NOT READ ", f"{where}: {reason} [{visible(side.label)}]", width, Role.BLOCKED, Role.BLOCKED)
        lines += wrapped("         hint: ", hint, width) if hint else []
    for spot in blind_spots(comparison):
        lines += wrapped("unseen   ", spot, width, Role.FAINT, Role.FAINT)
    return lines
