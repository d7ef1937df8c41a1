"""What patchkit would answer, and what speaks for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from patchkit.model.change import Grade
from patchkit.model.words import listed


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer with its evidence; an empty `value` is none, whose evidence still helps to find one.

    One of strong or certain evidence is taken without asking.
    """

    value: str = ""
    grade: Grade = Grade.WEAK
    evidence: tuple[str, ...] = ()

    @property
    def decides(self) -> bool:
        """Whether it need not be asked."""
        return bool(self.value) and self.grade is not Grade.WEAK


NOTHING = Proposal()


def weak(value: str, *evidence: str) -> Proposal:
    """Return a proposal that has to be asked."""
    return Proposal(value, Grade.WEAK, evidence)


def strong(value: str, *evidence: str) -> Proposal:
    """Return a proposal that is taken."""
    return Proposal(value, Grade.STRONG, evidence)


def names(things: Iterable[str]) -> str:
    """Return the first few of some names in words."""
    return listed(tuple(sorted(set(things))), at_most=3)
