"""Completes the tables of a pair: what the names left over may correspond to, by evidence."""

from patchkit.diff.match_symbols import match_functions, match_variables
from patchkit.diff.match_types import match_types
from patchkit.diff.pair import Pair
from patchkit.model.program import Program


def pair_programs(old: Program, new: Program) -> Pair:
    """Return `old` and `new` with everything matched that names or evidence match; types first, the rest needs them."""
    pair = Pair(old, new)
    match_types(pair)
    match_functions(pair)
    match_variables(pair)
    return pair
