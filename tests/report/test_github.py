"""Workflow commands, read back as the runner reads them."""

import re
from dataclasses import replace

import pytest

from patchkit.model.change import Level
from patchkit.report import Format, Options, render
from tests.support.changes import bodies, compare
from tests.support.comparisons import HOSTILE, SAMPLES, blocked, hostile, incomplete, patch_release

COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def commands(report: str) -> list[tuple[str, dict[str, str], str]]:
    """Return command, properties and message of every line, unescaped."""
    found = []
    for line in report.splitlines():
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = [part.split("=", 1) for part in match[2].split(",")]
        properties = {key: value.replace("%3A", ":").replace("%2C", ",") for key, value in pairs}
        plain = {key: unescaped(value) for key, value in properties.items()}
        found.append((match[1], plain, unescaped(match[3])))
    return found


def unescaped(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_line_is_a_command_and_the_first_is_the_headline(name: str) -> None:
    first, *_ = commands(render(SAMPLES[name](), Format.GITHUB))
    assert first[1] == {"title": "patchkit"}
    assert first[0] == ("error" if name in ("blocked", "incomplete", "hostile") else "notice")


def test_a_change_is_annotated_where_it_is() -> None:
    found = commands(render(patch_release(), Format.GITHUB))
    level, properties, message = found[1]
    assert level == "error"
    assert properties == {"file": "src/server.h", "line": "1107", "title": "T02 field-removed (confirm)"}
    assert message.splitlines()[-1] == "? Does the update free what peerid points at?"


def test_what_asks_nothing_is_summed_up() -> None:
    found = commands(render(patch_release(), Format.GITHUB))
    assert len(found) == 7
    assert found[-1][2] == "44 more changes need nothing from you"
    full = commands(render(patch_release(), Format.GITHUB, Options(full=True)))
    assert len(full) == 1 + len(patch_release().changes)


def test_what_was_not_read_is_an_error_with_its_hint() -> None:
    _, gap, other, *_ = commands(render(incomplete(), Format.GITHUB))
    assert gap[0] == "error"
    assert (gap[1]["file"], gap[1]["line"]) == ("src/module.c", "312")
    assert gap[2].endswith("\ncompile this unit with -std=gnu11")
    assert "line" not in other[1]


def test_a_name_cannot_end_a_property_or_start_a_command() -> None:
    found = commands(render(hostile(), Format.GITHUB))
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace("\n", "\\x0a")
    assert all(set(properties) <= {"file", "line", "title"} for _, properties, _ in found)
    assert found[2][1]["file"] == f"src/{shown}.c"


def test_a_rule_that_is_switched_off_says_nothing() -> None:
    (body,) = bodies(1)
    assert len(commands(render(compare([replace(body, level=Level.OFF)]), Format.GITHUB))) == 1
    assert len(commands(render(blocked(), Format.GITHUB))) == 7
