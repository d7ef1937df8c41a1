"""Everything that both versions' code is asked for, made when it is first needed."""

from functools import cached_property

from patchkit.diff.pair import Pair
from patchkit.transform.acceptance import Acceptance
from patchkit.transform.allocators import Allocators
from patchkit.transform.code import Code, Fetch, no_bodies
from patchkit.transform.enums import Carriers
from patchkit.transform.initial import InitialValues
from patchkit.transform.lengths import Lengths
from patchkit.transform.lists import Lists
from patchkit.transform.payloads import Payloads
from patchkit.transform.renames import Renames
from patchkit.transform.tables import Tables


class Evidence:
    """The code of both versions of a pair, and those who look at it."""

    def __init__(self, pair: Pair, old: Fetch = no_bodies, new: Fetch = no_bodies) -> None:
        self.pair = pair
        self.old = Code(pair.old, pair.old_types, pair.old_usage, old)
        self.new = Code(pair.new, pair.new_types, pair.new_usage, new)

    @cached_property
    def initial(self) -> InitialValues:
        """What the new version gives fresh objects."""
        return InitialValues(self.pair, self.new)

    @cached_property
    def lists(self) -> Lists:
        """Heads and links."""
        return Lists(self.pair, self.old)

    @cached_property
    def payloads(self) -> Payloads:
        """What untyped pointers lead to."""
        return Payloads(self.pair, self.old)

    @cached_property
    def lengths(self) -> Lengths:
        """Pointers that are used as arrays."""
        return Lengths(self.pair, self.old)

    @cached_property
    def allocators(self) -> Allocators:
        """Who makes and frees objects."""
        return Allocators(self.pair, self.new)

    @cached_property
    def tables(self) -> Tables:
        """Rows and who writes them."""
        return Tables(self.pair, self.old)

    @cached_property
    def renames(self) -> Renames:
        """Uses of names in both versions."""
        return Renames(self.pair, self.old, self.new)

    @cached_property
    def acceptance(self) -> Acceptance:
        """What differs between bodies."""
        return Acceptance(self.pair, self.old, self.new)

    @cached_property
    def carriers(self) -> Carriers:
        """Integers that hold constants of enumerations."""
        return Carriers(self.pair, self.old)
