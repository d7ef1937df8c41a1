"""Which sources every file of a build was made from, kept from one recording to the next."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath

from patchkit.model.build import CompileCommand

NOT_RECORDED = "it was linked, but its compile was not recorded"


class Kind(StrEnum):
    """What a product of the build is."""

    OBJECT = "object"
    ARCHIVE = "archive"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Step:
    """A compile that the build did.

    `at` is its object, or what it linked at once; `problem` says why it cannot be read.
    """

    command: CompileCommand
    at: str
    problem: str = ""


@dataclass(slots=True)
class Product:
    """A file that the build made. `parts` are the numbers of the steps behind each member of it, in order of linking.

    An object has one member without a name. `original` is the file that it was copied from.
    """

    kind: Kind
    parts: dict[str, tuple[int, ...]]
    original: str = ""

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps behind all of it, each once."""
        return tuple(dict.fromkeys(number for part in self.parts.values() for number in part))


@dataclass(slots=True)
class Graph:
    """Everything that is known of a build. `root` is the directory outside of which files count as the system's."""

    root: str
    steps: dict[int, Step] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop the products that no longer exist, and the steps that nothing comes from any more."""
        self.products = {path: product for path, product in self.products.items() if os.path.isfile(path)}
        used = {number for product in self.products.values() for number in product.steps}
        self.steps = {number: step for number, step in self.steps.items() if number in used}

    def programs(self) -> dict[str, Product]:
        """Return the executables and shared libraries, without configuration trials and mere copies."""
        return {
            path: product
            for path, product in sorted(self.products.items())
            if product.kind is Kind.PROGRAM
            and product.steps
            and not _is_trial(path, product.kind)
            and product.original not in self.products
        }

    def counted(self) -> list[int]:
        """Return the numbers of the steps that end in a program, or, where nothing was linked, in any object.

        All members of an archive that was linked count, also those that no program took.
        """
        programs = self.programs()
        counted = set(programs) | {name for program in programs.values() for name in program.parts}
        if not programs:
            counted = {path for path, product in self.products.items() if not _is_trial(path, product.kind)}
        products = [self.products[path] for path in counted if path in self.products]
        numbers = {number for product in products for number in product.steps}
        return sorted(numbers, key=lambda number: (self.steps[number].command.source, self.steps[number].at, number))


_TRIAL_DIRECTORIES = {"CMakeFiles", "meson-private", "meson-logs", ".patchkit"}


def _is_trial(path: str, kind: Kind) -> bool:
    """Tell whether `path` is what a configuration step left of its experiments."""
    *directories, name = PurePath(path).parts
    # CMake keeps real objects in these, but no real program.
    beside = kind is Kind.PROGRAM and not _TRIAL_DIRECTORIES.isdisjoint(directories)
    return beside or name.startswith("conftest")
