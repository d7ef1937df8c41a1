"""Every pair of `corpora/changes`: what its update asks, what evidence decides, what is to be written."""

import os
from pathlib import Path

from tests.support import ROOT, needs
from tests.support.pairs import NAMES, SIDES, load
from tests.support.planning import line_of, plan_sources

GOLDEN = ROOT / "tests/golden/plans.txt"

pytestmark = needs("gcc")


def test_plans_of_all_pairs_are_the_golden_ones(tmp_path: Path) -> None:
    lines = []
    for name in NAMES:
        pair = load(name)
        sources = {side: pair.stage(side, tmp_path / name) for side in SIDES}
        plan = plan_sources(sources, {side: pair.flags(side) for side in SIDES}).plan
        lines.append(f"{name}: {plan.changed} changed, {plan.unaided} without a line by hand")
        lines += [f"    {line_of(item)}" for item in plan.items]
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "set UPDATE_GOLDEN=1 to take the new outcome"
