"""The versions of a program: fetched, patched, built and recorded once, in a folder that is never committed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from corpora.archive import SourcePackage, Unavailable, apply_patches, fetch, read_series, unpack_upstream
from corpora.bench.processes import patchkit
from corpora.real.recipe import Recipe

PLACE = Path(__file__).resolve().parents[1] / ".fetched" / "real"
_BUILT = ".built"  # a file of a tree that was recorded to its end


@dataclass(frozen=True, slots=True)
class Versions:
    """The source package of a recipe, and the names of its patches in the order in which they are applied."""

    recipe: Recipe
    package: SourcePackage
    patches: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the trees are."""
        return PLACE / self.recipe.name

    def tree(self, number: int) -> Path:
        """Return where version `number` is built."""
        return self.folder / f"{number:02d}"

    def title(self, number: int) -> str:
        """Return the name of the last patch in a version."""
        return Path(self.patches[number - 1]).name.removesuffix(".patch") if number else "upstream"

    def build(self, number: int) -> Path:
        """Return the built and recorded tree of a version. Raises Unavailable where the build fails."""
        tree = self.tree(number)
        if (tree / _BUILT).exists():
            return tree
        shutil.rmtree(tree, ignore_errors=True)
        unpack_upstream(self.package, tree)
        apply_patches(self.package, tree, self.patches[:number])
        try:
            patchkit("record", "--", "sh", "-ec", self.recipe.build, cwd=tree)
        except SystemExit as problem:
            raise Unavailable(str(problem)) from problem
        (tree / _BUILT).touch()
        return tree

    def changed_lines(self, old: int, new: int) -> int:
        """Return how many lines the patches between two versions add or take away."""
        folder = self.tree(new) / "debian/patches"
        texts = (folder / name for name in self.patches[old:new])
        return sum(
            line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
            for path in texts
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        )


def versions_of(recipe: Recipe) -> Versions:
    """Fetch the source package of a recipe. Raises Unavailable."""
    package = fetch(recipe.package, PLACE.parent / recipe.package)
    return Versions(recipe, package, read_series(package))
