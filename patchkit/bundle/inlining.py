"""Which functions hold the code of others, because the compiler has put it there.

The source of a function mentions all that it calls, its machine code only what was not put into it. A function of which
the compiler has put one call in place and left another counts as called.
"""

from collections.abc import Iterable, Iterator, Mapping, Set

from patchkit.bundle.keys import Identity
from patchkit.bundle.objects import Program as Objects, functions_of
from patchkit.bundle.pairing import function_identities
from patchkit.bundle.payload import FunctionRow
from patchkit.model.program import Function, Program

Mentions = Mapping[int, Set[int]]  # by keys of identities


def mentions_of_rows(rows: Iterable[FunctionRow]) -> Mentions:
    """Return what the functions of a running program mention."""
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row.key, set()).update(row.references)
    return found


def mentions_of_objects(objects: Objects) -> Mentions:
    """Return what the functions of objects mention."""
    found: dict[int, set[int]] = {}
    for each in functions_of(objects.objects):
        if each.identity is not None:
            found.setdefault(each.identity.key, set()).update(other.key for other in objects.mentioned(each))
    return found


def pin_holders(program: Program, pinned: dict[Identity, str], mentions: Mentions) -> None:
    """Add to `pinned` each function of `program` that one of them was put into, for the same reason."""
    names: dict[str, list[Function]] = {}
    for function in program.functions.values():
        names.setdefault(function.name, []).append(function)
    reasons = dict(pinned)
    for function in program.functions.values():
        identities = function_identities(function)
        if all(identity in reasons for identity in identities):
            continue
        own = {key for identity in identities for key in mentions.get(identity.key, ())}
        held = (identity for each in _held(function, names, own) for identity in function_identities(each))
        reason = next((reasons[identity] for identity in held if identity in reasons), "")
        for identity in identities if reason else ():
            _, _, what = reason.partition(" knows ")
            pinned.setdefault(identity, f"{function.name} knows {what}, in code that was put into it")


def _held(function: Function, names: Mapping[str, list[Function]], own: Set[int]) -> Iterator[Function]:
    """Yield the functions whose code was put into `function`, which mentions `own`."""
    units, seen, waiting = set(function.units), {function.key}, [function]
    while waiting:
        for name in waiting.pop().references:
            for other in names.get(name, ()):
                keys = {identity.key for identity in function_identities(other)}
                if other.key not in seen and units.intersection(other.units) and not keys & own:
                    seen.add(other.key)
                    waiting.append(other)
                    yield other
