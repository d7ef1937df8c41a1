"""Workflow commands that annotate the changed lines of a pull request, what asks most first.

Per step only the first ten errors, ten warnings and ten notices are shown, so what asks nothing is summed up in one.
"""

from patchkit.model.change import Change, Comparison, Level, Verdict
from patchkit.model.headline import Status, headline, questions, status
from patchkit.model.program import Coord
from patchkit.model.words import VERDICTS, counted
from patchkit.report import Options
from patchkit.report.outline import shown
from patchkit.report.words import code_and_name, said, visible

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def render_github(comparison: Comparison, options: Options) -> str:
    """Return one command per line; a rule that is switched off reports nothing."""
    failed = status(comparison) in (Status.BLOCKED, Status.INCOMPLETE)
    lines = [_command("error" if failed else "notice", None, "patchkit", headline(comparison))]
    for gap in (*comparison.old.gaps, *comparison.new.gaps):
        hint = f"\n{gap.hint}" if gap.hint else ""
        lines.append(_command("error", gap.coord, "PKR901 analysis-incomplete", f"not read: {gap.reason}{hint}"))
    quiet = 0
    for change in shown(comparison, options):
        if change.level is Level.OFF:
            continue
        if change.verdict <= Verdict.AUTO and change.level is Level.INFO and not options.full:
            quiet += change.count
            continue
        title = f"{code_and_name(change.kind, change.rule)} ({VERDICTS[change.verdict]})"
        lines.append(_command(_COMMANDS[change.level], change.new_coord or change.old_coord, title, _message(change)))
    if quiet:
        rest = counted(quiet, "more change needs nothing from you", "more changes need nothing from you")
        lines.append(_command("notice", None, "patchkit", rest))
    return "".join(f"{line}\n" for line in lines)


def _message(change: Change) -> str:
    parts = [change.title, *([change.text] if change.text not in change.title else [])]
    parts += [said(edit) for edit in change.edits if edit.text and edit.verdict > Verdict.AUTO]
    return "\n".join([*parts, *(f"? {question}" for question in questions(change))])


def _command(command: str, coord: Coord | None, title: str, message: str) -> str:
    properties = []
    if coord:
        properties.append(f"file={_property(coord.file)}")
        if coord.line:
            properties.append(f"line={coord.line}")
    properties.append(f"title={_property(title)}")
    text = "%0A".join(_data(part) for part in message.split("\n"))
    return f"::{command} {','.join(properties)}::{text}"


def _data(text: str) -> str:
    return visible(text.replace("%", "%25"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
