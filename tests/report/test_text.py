"""The text report: what stands first, what is folded, how layouts are drawn, what a terminal does to it."""

import io
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from patchkit.model.change import Subject
from patchkit.model.headline import headline
from patchkit.report import Format, Options, render
from patchkit.report.text import print_report
from tests.support import ROOT, run
from tests.support.comparisons import (
    SAMPLES,
    blocked,
    client_only,
    hostile,
    incomplete,
    minor_release,
    patch_release,
    unchanged,
    untyped,
)

REALISTIC = ("patch", "minor", "blocked", "incomplete", "unchanged", "client", "untyped")


def text(name: str, **options: object) -> str:
    return render(SAMPLES[name](), Format.TEXT, replace(Options(), **options))  # type: ignore[arg-type]


def line_with(report: str, part: str) -> str:
    return next(line for line in report.splitlines() if part in line)


@pytest.mark.parametrize("name", REALISTIC)
def test_the_headline_is_the_first_line(name: str) -> None:
    assert text(name, width=300).splitlines()[0] == headline(SAMPLES[name]())


@pytest.mark.parametrize("width", [80, 100, 120, 160])
@pytest.mark.parametrize("name", REALISTIC)
def test_no_line_is_wider_than_asked_for(name: str, width: int) -> None:
    lines = text(name, width=width).splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_what_asks_most_comes_first() -> None:
    report = render(blocked(), Format.TEXT, Options())
    order = [report.index(word) for word in ("\nBLOCKED (2)", "\nCODE (1)", "\nAUTO (4)")]
    assert order == sorted(order)
    assert report.index("union value  8") < report.index("struct line  64")


def test_releases_fit_on_a_few_screens() -> None:
    assert len(text("patch").splitlines()) <= 75
    assert len(text("minor").splitlines()) <= 400
    assert len(text("minor", width=160).splitlines()) <= 400
    assert len(text("incomplete").splitlines()) <= 20


def test_like_changes_are_one_line_with_their_number() -> None:
    report = text("patch", width=140)
    assert "35  F01 function body changed: in src/acl.c 6" in report
    assert "2  G05 constant table grew, shrank or has other contents: redisCommandTable (src/config.c:7170)" in report
    assert "(--full)" in line_with(text("patch", width=80), "F01")


def test_full_leaves_no_name_out() -> None:
    report = text("minor", full=True)
    names = {change.name for change in minor_release().changes}
    assert len(names) > 1000
    assert [name for name in names if name not in report] == []
    assert "--full" not in report


def test_an_added_member_is_drawn_between_its_neighbours_with_both_offsets() -> None:
    report = text("patch", width=100)
    row = line_with(report, "+ long int acl_fail_limit")
    assert row.split()[:3] == ["-", "2672", "8"]
    assert row.endswith("T01 field-added")
    assert "… 335 members unmoved" in report
    assert "… 64 members moved by +8 bytes" in report


@pytest.mark.parametrize(
    ("member", "row"),
    [
        ("flags_dirty", "12+0  12+0    2b→3b  ~ unsigned int flags_dirty : 2 → 3"),
        ("flags_master", "12+2  12+3       1b    unsigned int flags_master : 1"),
        ("*peerid", "16     -        8  - char *peerid"),
        ("port", "32    24      2→4  ~ short int port → int port"),
        ("sentlen", "48    32        8  > long int sentlen"),
        ("slots", "60    64    24→32  ~ short int slots[12] → slots[16]"),
    ],
)
def test_the_unified_drawing_marks_what_became_of_each_member(member: str, row: str) -> None:
    assert line_with(text("client", width=110), f"{member}").strip().startswith(row)


def test_a_wide_terminal_shows_both_layouts_with_their_holes() -> None:
    report = text("client", width=150)
    assert line_with(report, "(25 bits unused)").split(" │ ")[1].strip().startswith("13")
    assert line_with(report, "long int sentlen  (from 48)").split(" │ ")[0].strip() == ""
    assert line_with(report, "long int sentlen  (to 32)").split(" │ ")[0].strip().startswith("48      8  >")
    assert " │ " not in text("client", width=119)
    assert " │ " in text("client", width=90, side_by_side=True)
    assert " │ " not in text("client", width=150, side_by_side=False)


def test_a_changed_type_says_where_it_lives_and_what_it_asks() -> None:
    report = text("client", width=140)
    assert "88 → 96 bytes (+8)  src/server.h:1107  T02 field-removed" in report
    assert "heap: server.current_client, server.clients->head->value" in report
    assert "thread-local: cached_client (src/script_lua.c)" in report
    assert "? peerid: nobody releases its string. Does the update free what peerid points at?" in report


def test_weak_evidence_is_said_with_the_question() -> None:
    assert "Does server.clients hold struct client in value? (weak evidence)" in render(
        untyped(), Format.TEXT, Options(width=120)
    )


def test_a_removed_pointer_names_its_whole_type() -> None:
    assert "char text[64] → char *text" in render(blocked(), Format.TEXT, Options())


def test_stat_is_a_table_whose_sums_are_right() -> None:
    lines = text("patch", stat=True).splitlines()
    head = next(index for index, line in enumerate(lines) if line.strip().startswith("confirm"))
    rows = [line.split() for line in lines[head + 1 : lines.index("", head)]]
    columns = len(lines[head].split())
    numbers = [[0 if cell == "-" else int(cell.replace(",", "")) for cell in row[-columns:]] for row in rows]
    *kinds, total = numbers
    assert total == [sum(column) for column in zip(*kinds, strict=True)]
    assert all(row[-1] == sum(row[:-1]) for row in numbers)
    assert total[-1] == len(patch_release().changes)
    assert "struct client" not in text("patch", stat=True)


def test_only_leaves_other_subjects_out_and_says_so() -> None:
    report = text("patch", only=frozenset({Subject.VARIABLE}))
    assert report.startswith("UPDATABLE: 42 auto, 1 check on live data, 4 questions\n")
    assert "only variable changes are shown: 4 of 49" in report
    assert "static_configs" in report
    assert "struct client" not in report
    assert "F01" not in report


def test_the_last_lines_say_what_was_read_and_what_was_not() -> None:
    report = render(incomplete(), Format.TEXT, Options(width=120))
    assert "read     redis-7.0.15: 146 units, 509 types, 918 variables, 4,251 functions (recording)" in report
    assert "NOT READ src/module.c:312: `__builtin_choose_expr` is not understood [redis-7.0.16]" in report
    assert "hint: compile this unit with -std=gnu11" in report
    assert "unseen   functions called only from assembly are not seen" in text("patch")


@pytest.mark.parametrize("style", list(Format))
def test_a_version_against_itself_has_a_headline_and_no_body(style: Format) -> None:
    report = render(unchanged(), style, Options())
    assert "NO CHANGE: redis-7.0.15 and redis-7.0.15 are the same program" in report
    for word in ("T01", "F01", "src/", "→"):
        assert word not in report.split("</style>")[-1]


@pytest.mark.parametrize("style", [Format.TEXT, Format.MARKDOWN, Format.HTML, Format.GITHUB, Format.SARIF])
def test_names_cannot_act_on_the_screen(style: Format) -> None:
    for full in (False, True):
        report = render(hostile(), style, Options(full=full))
        assert [c for c in report if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c == "\u202e")] == []
    assert "\\x1b[31m" in render(hostile(), Format.TEXT, Options())


def console(encoding: str = "utf-8", **options: object) -> tuple[Console, io.BytesIO]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    return Console(file=stream, width=100, **options), raw  # type: ignore[arg-type]


def test_a_pipe_gets_plain_text() -> None:
    out, raw = console()
    print_report(patch_release(), out, Options())
    assert raw.getvalue().decode() == text("patch", width=100)


def test_a_terminal_gets_colour_and_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    out, raw = console(force_terminal=True, color_system="standard")
    print_report(client_only(), out, Options())
    coloured = raw.getvalue().decode()
    assert "\x1b[32m+ double obuf_limit\x1b[0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    out, raw = console(force_terminal=True)
    print_report(client_only(), out, Options())
    assert "\x1b[3" not in raw.getvalue().decode()


def test_a_terminal_without_unicode_gets_ascii() -> None:
    out, raw = console("ascii")
    print_report(client_only(), out, Options())
    assert "88 -> 96 bytes" in raw.getvalue().decode("ascii")
    assert "?" not in raw.getvalue().decode("ascii").splitlines()[1]


@pytest.mark.parametrize("style", [style for style in Format if style is not Format.HTML])
def test_rendering_loads_no_heavy_library(style: Format) -> None:
    program = (
        "import sys\n"
        "from patchkit.report import Format, Options, render\n"
        "from patchkit.model.change import Comparison, Side\n"
        "from patchkit.model.program import Origin\n"
        "side = Side('a', Origin.ELF, 1, 0, 0, 0, 0, 0)\n"
        f"render(Comparison(side, side, (), {{}}), Format({style.value!r}), Options())\n"
        "print(sorted(set(sys.modules) & {'rich', 'jinja2', 'textual', 'deepdiff', 'pycparser', 'elftools'}))\n"
    )
    assert run(sys.executable, "-c", program, cwd=ROOT).out.strip() == "[]"
