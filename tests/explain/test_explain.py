"""`patchkit explain`: a page for every rule and every kind of change, found by any name a report prints."""

import re

import pytest

from patchkit.errors import InputError
from patchkit.explain import explain, page
from patchkit.model.kinds import KINDS
from patchkit.model.rules import RULES
from tests.support import ROOT

PARTS = ["In the running process", "Example", "What patchkit does", "What you do"]
PAGES = sorted(path.stem for path in (ROOT / "patchkit/explain/pages").iterdir())


def test_every_rule_and_kind_has_its_page_and_every_page_its_subject() -> None:
    assert sorted([*RULES, *KINDS]) == PAGES


@pytest.mark.parametrize("code", PAGES)
def test_a_page_says_what_it_means_shows_it_and_says_what_to_do(code: str) -> None:
    text = page(code)
    assert re.findall(r"^## (.*)$", text, re.M) == PARTS
    parts = [part.partition("\n")[2].strip() for part in text.split("## ")[1:]]
    assert all(parts)
    assert 12 <= len(text.splitlines()) <= 24
    assert [line for line in text.splitlines() if len(line) > 104] == []
    assert all(line.startswith("    ") for line in text.split("## ")[2].splitlines()[1:] if line)
    assert all(part.endswith((".", "?")) for number, part in enumerate(parts) if number != 1)


@pytest.mark.parametrize("code", PAGES)
def test_a_page_points_only_at_rules_and_kinds_that_exist(code: str) -> None:
    text = page(code)
    assert set(re.findall(r"\bPK[A-Z]\d{3}\b", text)) <= set(RULES)
    assert set(re.findall(r"(?<![\w.])[TGFSBV]\d\d[a-c]?\b", text)) <= set(KINDS)


@pytest.mark.parametrize("name", ["PKT101", "pkt101", "field-added", "FIELD-ADDED", " PKT101 "])
def test_a_rule_is_found_by_id_and_name(name: str) -> None:
    text = explain(name)
    assert text.startswith("# PKT101 field-added\n\nLive objects have no value for the new member")
    assert "Level error, requires transformer, fix automatic." in text
    assert text.endswith(page("PKT101"))


@pytest.mark.parametrize(("name", "head"), [("T17", "T17 union"), ("g05B", "G05b mostly"), ("embeds", "embeds type")])
def test_a_kind_is_found_by_its_code(name: str, head: str) -> None:
    text = explain(name)
    assert text.startswith(f"# {head}")
    assert "\nVerdict: " in text


def test_a_rule_that_is_not_reported_yet_says_so() -> None:
    assert "This release does not report it yet." in explain("PKX608")
    assert "This release does not report it yet." not in explain("PKT101")


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("field-addd", "field-added"),
        ("PKT1O1", "PKT101"),
        ("enum", "enum-renumbered"),
        ("member added", "T01 (member added)"),
        ("", "PKT101"),
        ("../../etc/passwd", "T01"),
        ("T99", "T0"),
    ],
)
def test_an_unknown_name_is_refused_with_what_was_probably_meant(asked: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        explain(asked)
    assert repr(asked) in caught.value.message
    assert hint in caught.value.hint
