"""Rules and kinds: ids that never clash, words that fit a report, and nothing reported that is not in the tables."""

import re

import pytest

from patchkit.model.change import Level, Requires
from patchkit.model.kinds import KINDS, kind_title
from patchkit.model.rules import RULES, Fix, find_rule, rule_name
from tests.support import ROOT

SOURCES = {
    path: path.read_text(encoding="utf-8")
    for path in (ROOT / "patchkit").rglob("*.py")
    if path.parts[-2:] != ("model", "rules.py") and path.parts[-2:] != ("model", "kinds.py")
}


def test_ids_and_names_are_unique_and_well_formed() -> None:
    assert all(re.fullmatch(r"PK[TDFCIXRMBL]\d{3}", rule.id) and key == rule.id for key, rule in RULES.items())
    names = [rule.name for rule in RULES.values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


def test_summaries_are_one_sentence_that_a_message_can_end() -> None:
    for rule in RULES.values():
        assert re.match(r"[A-Z]", rule.summary), rule.id
        assert not rule.summary.endswith("."), rule.id
        assert len(rule.summary) <= 110, rule.id


def test_a_rule_is_found_by_id_or_name_in_any_case() -> None:
    rule = find_rule("PKD210")
    assert rule is not None
    assert rule is find_rule("external-layout") is find_rule("pkd210") is find_rule("External-Layout")
    assert (rule.level, rule.requires, rule.fix) == (Level.ERROR, Requires.RESTART, Fix.BY_HAND)
    assert find_rule("no-such-rule") is None
    assert rule_name("T01") == ""


def test_every_kind_of_the_three_tables_is_there() -> None:
    expected = {f"T{n:02}" for n in range(31)} | {f"G{n:02}" for n in range(1, 12)} | {f"F{n:02}" for n in range(1, 9)}
    expected |= {"G05b", "G06b", "G06c", "V00", "V01", "V02", "V03", "S01", "S02", "S03", "B01", "B02", "embeds"}
    assert set(KINDS) == expected
    assert kind_title("T01") == "member added"
    assert kind_title("X99") == ""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_rules_of_the_table_are_reported(path: object) -> None:
    used = set(re.findall(r'"(PK[A-Z]\d{3})"', SOURCES[path]))  # type: ignore[index]
    assert used <= set(RULES)
    assert {rule_id for rule_id in used if RULES[rule_id].reserved} == set()


@pytest.mark.parametrize("path", [p for p in SOURCES if "diff" in p.parts], ids=lambda path: path.name)
def test_only_kinds_of_the_table_are_reported(path: object) -> None:
    used = set(re.findall(r'"([TGFVSB]\d\d[a-z]?)"', SOURCES[path]))  # type: ignore[index]
    assert used <= set(KINDS)
