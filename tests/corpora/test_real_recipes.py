"""The recipes of real programs, as far as they can be checked without fetching one."""

from itertools import pairwise

import pytest

from corpora.real.recipe import UPDATES, Recipe, load_recipe, names
from patchkit.authoring import FILE, TRANSFORM
from patchkit.transform.update import parse_update

RECIPES = [load_recipe(name) for name in names()]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_chain_goes_forward(recipe: Recipe) -> None:
    assert recipe.chains
    for chain in recipe.chains:
        assert len(chain.versions) > 1
        assert all(old < new for old, new in pairwise(chain.versions)), chain


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_update_that_is_kept_is_a_step_of_a_chain_and_says_why(recipe: Recipe) -> None:
    steps = {recipe.updates(*pair) for chain in recipe.chains for pair in pairwise(chain.versions)}
    kept = {path.parent for path in (UPDATES / recipe.name).glob(f"*/{FILE}")}
    assert kept <= steps
    for folder in kept:
        update = parse_update((folder / FILE).read_text(), str(folder / FILE))
        answers = [*update.decisions.answers.values(), *update.down.answers.values()]
        assert all(each.reason for each in answers), folder
        assert "PK_TODO" not in "".join(path.read_text() for path in folder.glob("*.c")), folder
        assert (folder / TRANSFORM).exists() or not any(
            each.topic == "code" for each in update.decisions.answers.values()
        )
