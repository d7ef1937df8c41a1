"""The pairs of `corpora/changes`: two versions of a small program each, and everything that comparing them must say."""

import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from patchkit.model.change import Change, Comparison, Edit, Subject
from patchkit.model.words import VERDICTS
from tests.support import ROOT, Outcome, run

FOLDER = ROOT / "corpora/changes"
NAMES = tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
SIDES = ("old", "new")
SINGLE = "program.c"  # what old.c and new.c are called when they are compiled, so that both versions have the same file
SHIFTED = "T03 auto PKT103"
WARNINGS = ("-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A reported change, or one of the things that were folded into it: `key` is `old → new` where the two differ."""

    subject: str
    key: str
    kind: str
    verdict: str
    rule: str
    edits: tuple[str, ...] = ()  # `kind verdict rule name` each

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.verdict, self.rule or "-", self.subject, self.key)))


@dataclass(frozen=True, slots=True)
class ChangePair:
    """One pair with what is expected of it."""

    name: str
    folder: Path
    expected: Mapping[str, Any]

    @property
    def session(self) -> tuple[str, ...]:
        """Commands that put the program into a state worth carrying over."""
        return tuple(self.expected["session"])

    def flags(self, side: str) -> tuple[str, ...]:
        """Return the flags that this side alone is compiled with."""
        return tuple(flag.format(pair=self.folder) for flag in self.expected.get(f"flags_{side}", ()))

    def stage(self, side: str, folder: Path) -> Path:
        """Copy one side to `folder`/side as a source directory of its own and return it."""
        target = folder / side
        if (self.folder / side).is_dir():
            shutil.copytree(self.folder / side, target)
        else:
            target.mkdir(parents=True)
            shutil.copy(self.folder / f"{side}.c", target / SINGLE)
        return target

    def texts(self, side: str) -> dict[str, str]:
        """Return the text of each file of one side, by its path."""
        if (self.folder / side).is_dir():
            return {str(p.relative_to(self.folder / side)): p.read_text() for p in (self.folder / side).rglob("*.[ch]")}
        return {SINGLE: (self.folder / f"{side}.c").read_text()}

    def build(self, side: str, folder: Path) -> Outcome:
        """Compile one side to `folder`/side/program with gcc, warnings being errors."""
        return self._compile("gcc", ("-O1", "-g", "-pthread", "-o", "program"), side, self.stage(side, folder))

    def check(self, side: str, folder: Path) -> Outcome:
        """Let clang look for what it warns of."""
        return self._compile("clang", ("-fsyntax-only",), side, self.stage(side, folder))

    def _compile(self, compiler: str, options: tuple[str, ...], side: str, source: Path) -> Outcome:
        files = sorted(str(path.relative_to(source)) for path in source.rglob("*.c"))
        flags = (*WARNINGS, "-std=gnu11", "-D_GNU_SOURCE", "-I.", *self.flags(side))
        return run(compiler, *flags, *options, *files, cwd=source)

    def play(self, side: str, folder: Path) -> Outcome:
        """Run one built side through the session and a dump."""
        commands = "".join(f"{line}\n" for line in (*self.session, "dump", "quit"))
        return run("./program", cwd=folder / side, stdin=commands)

    def rows(self) -> list[Row]:
        """Return every row that the comparison must have."""
        found = (
            []
            if self.expected.get("unseen") or not self.expected["rule"] + self.expected["entity"]
            else [self.expected]
        )
        return sorted(row for entry in (*found, *self.expected.get("also", ())) for row in _rows(entry))


def _rows(entry: Mapping[str, Any]) -> Iterator[Row]:
    for key in entry.get("entities") or [entry["entity"]]:
        key = f"{key} → {entry['new_entity']}" if "new_entity" in entry else key
        yield Row(
            entry["subject"], key, entry["kind"], entry["verdict"], entry["rule"], tuple(sorted(entry.get("edits", ())))
        )


@cache
def load(name: str) -> ChangePair:
    """Return the pair `name`."""
    expected = tomllib.loads((FOLDER / name / "expect.toml").read_text(encoding="utf-8"))
    return ChangePair(name, FOLDER / name, expected)


def reported(comparison: Comparison) -> list[Row]:
    """Return what a comparison says, folded changes taken apart."""
    return sorted(row for change in comparison.changes for row in _reported(change))


def _reported(change: Change) -> Iterator[Row]:
    keys: tuple[str, ...] = change.folded
    if not keys or change.subject is Subject.BUILD:
        both = change.old_key and change.new_key and change.old_key != change.new_key
        keys = (f"{change.old_key} → {change.new_key}" if both else change.name,)
    edits = tuple(sorted(_edit(edit) for edit in change.edits))
    for key in keys:
        yield Row(change.subject, key, change.kind, VERDICTS[change.verdict], change.rule, edits)


def _edit(edit: Edit) -> str:
    return " ".join(filter(None, (edit.kind, VERDICTS[edit.verdict], edit.rule, edit.name)))


def differences(expected: list[Row], found: list[Row]) -> list[str]:
    """Return what is missing and what is too much.

    Members that merely shift because others came or went are left out: what they need is told by the record as a whole.
    """
    lines = []
    rest = list(found)
    for row in expected:
        match = next((other for other in rest if str(other) == str(row)), None)
        if match is None:
            lines.append(f"missing: {row}")
            continue
        rest.remove(match)
        edits = tuple(edit for edit in match.edits if row.kind == "T03" or not edit.startswith(SHIFTED))
        alike = all(edit.split(" ")[:2] == [row.kind, row.verdict] for edit in edits)
        if row.edits != edits and (row.edits or not alike):
            lines.append(f"{row}: expected {list(row.edits)}, got {list(edits)}")
    return lines + [f"unexpected: {row} {list(row.edits)}" for row in rest]
