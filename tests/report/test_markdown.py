"""The comment for a pull request, rendered as the hosting site renders it."""

import re

import pytest
from markdown_it import MarkdownIt

from patchkit.report import Format, Options, render
from patchkit.report.markdown import code, escape
from tests.support.comparisons import HOSTILE, SAMPLES, blocked, hostile, minor_release, patch_release

PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": True})
COMMENT_LIMIT = 65_536


def html(text: str) -> str:
    return str(PARSER.render(text))


def visible(text: str) -> str:
    """Return what a reader sees of rendered HTML."""
    bare = re.sub(r"<[^>]*>", "", re.sub(r"<!--.*?-->", "", text))
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


@pytest.mark.parametrize("name", list(SAMPLES))
def test_it_is_a_heading_then_a_table_then_details(name: str) -> None:
    report = render(SAMPLES[name](), Format.MARKDOWN)
    assert report.startswith("### ")
    page = html(report)
    assert page.count("<details>") == page.count("</details>") == page.count("<summary>")
    assert ("<table>" in page) == (name != "unchanged")


def test_the_table_has_a_row_for_each_change_that_asks_and_one_for_each_heap() -> None:
    page = html(render(patch_release(), Format.MARKDOWN))
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("</table>")[0], re.S)
    assert len(rows) == 1 + 5 + 6
    assert all(row.count("<td>") == 5 for row in rows[1:])
    assert "<strong>confirm</strong>" in rows[1]
    assert "35 × function body changed" in page


def test_details_hold_layout_and_question() -> None:
    page = visible(html(render(patch_release(), Format.MARKDOWN)))
    assert "Question: Which value does acl_fail_limit start with" in page
    assert "+ long int acl_fail_limit" in page
    assert "(25 bits unused)" in page


def test_gaps_and_blind_spots_end_it() -> None:
    page = visible(html(render(blocked(), Format.MARKDOWN)))
    assert "Not read src/module.c:312 of redis-7.0.16" in page
    assert "Unseen: inline assembly in src/fast.c is not read" in page


def test_a_large_comparison_still_fits_into_a_comment() -> None:
    report = render(minor_release(), Format.MARKDOWN)
    assert len(report) < COMMENT_LIMIT
    assert "… and " in report
    full = render(minor_release(), Format.MARKDOWN, Options(full=True))
    assert [change.name for change in minor_release().changes if change.name not in full] == []


def test_a_name_cannot_become_markup() -> None:
    page = html(render(hostile(), Format.MARKDOWN))
    assert "<script" not in page
    assert not re.search(r"<(a|img|strong|em)\b(?![^>]*>(Question|Not read|confirm))", page)
    assert page.count("<table>") == 1


@pytest.mark.parametrize(
    "text", ["*a* _b_ [c](d) ~~e~~ `f` | $x$", "<b>&amp;", "# h", "http://x.y/z", "www.x.org", "@someone #12", HOSTILE]
)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    page = html(f"- x {escape(text)}")
    assert "<a" not in page
    assert re.search(r"<(b|em|strong|code|s|h1)>", page) is None
    assert (
        visible(page).strip()
        == f"x {text.translate({27: chr(92) + 'x1b', 0x202E: chr(92) + 'u202e', 10: chr(92) + 'x0a'})}"
    )


@pytest.mark.parametrize("text", ["a", "`", "a`b``c", "``x", "|", "a | b"])
def test_code_spans_hold_any_text(text: str) -> None:
    assert visible(html(code(text))).strip() == text
    table = html(f"| a |\n|---|\n| {code(text, in_table=True)} |\n")
    assert visible(re.findall(r"<td>(.*?)</td>", table, re.S)[0]) == text


def test_mentions_and_references_are_broken_up() -> None:
    assert escape("@someone") == "@<!-- -->someone"
    assert escape("see #12") == "see #<!-- -->12"
