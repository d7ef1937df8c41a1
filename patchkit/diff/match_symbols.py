"""Matches functions and variables whose keys differ: moved, static or extern now, renamed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TypeVar

from patchkit.diff.correspondence import Match
from patchkit.diff.pair import Pair
from patchkit.diff.types import Types, is_foreign
from patchkit.model.change import Grade
from patchkit.model.ctype import Array, Function as FunctionType, Primitive
from patchkit.model.program import Function, Linkage, Variable
from patchkit.model.rows import symbols

Symbol = TypeVar("Symbol", Function, Variable)
_NAMES_SHOWN = 3


def match_functions(pair: Pair) -> None:
    """Complete the table of functions: first what kept its name, then what kept its body."""
    removed, added = unmatched_functions(pair)
    for old, new, unique in _pair_by_name(removed, added):
        if not pair.same(old.type, new.type):
            continue
        evidence = (_moved(old, new), "name and type are unique" if unique else "the path and name agree best")
        pair.functions.join(Match(old.key, new.key, Grade.CERTAIN if unique else Grade.STRONG, evidence))
    removed, added = unmatched_functions(pair)
    bodies: dict[str, tuple[list[Function], list[Function]]] = defaultdict(lambda: ([], []))
    for side, functions in enumerate((removed, added)):
        for function in functions:
            if function.body and (function.references or function.members):
                bodies[function.body][side].append(function)
    for olds, news in bodies.values():
        if len(olds) == len(news) == 1 and pair.same(olds[0].type, news[0].type):
            reason = "the bodies are the same, and so are the types"
            pair.functions.join(Match(olds[0].key, news[0].key, Grade.STRONG, (reason,), proposed=True))


def match_variables(pair: Pair) -> None:
    """Complete the table of variables: first what kept its name, then static locals, then renamed ones by use."""
    removed, added = unmatched_variables(pair)
    glob = [[v for v in side if v.linkage is not Linkage.LOCAL] for side in (removed, added)]
    named = [
        Counter(name for _, name, linkage in symbols(program.variables) if linkage != Linkage.LOCAL)
        for program in (pair.old, pair.new)
    ]
    for old, new, unique in _pair_by_name(glob[0], glob[1]):
        _join_moved(pair, old, new, alone=unique and all(count[old.name] == 1 for count in named))
    _match_locals(pair)
    _match_renamed(pair)


def unmatched_functions(pair: Pair) -> tuple[list[Function], list[Function]]:
    """Return the program's own functions of each side that correspond to nothing."""
    old = [pair.old.functions[key] for key in pair.functions.removed(pair.old.functions)]
    new = [pair.new.functions[key] for key in pair.functions.added(pair.new.functions)]
    return [f for f in old if not is_foreign(f.coord)], [f for f in new if not is_foreign(f.coord)]


def unmatched_variables(pair: Pair) -> tuple[list[Variable], list[Variable]]:
    """Return the program's own variables of each side that correspond to nothing."""
    old = [pair.old.variables[key] for key in pair.variables.removed(pair.old.variables)]
    new = [pair.new.variables[key] for key in pair.variables.added(pair.new.variables)]
    return [v for v in old if is_object(pair.old_types, v)], [v for v in new if is_object(pair.new_types, v)]


def is_object(types: Types, variable: Variable) -> bool:
    """Whether a variable is an object of the program, and not a function that a typedef of its type declares."""
    return not is_foreign(variable.coord) and not isinstance(types.bare(variable.type), FunctionType)


def _pair_by_name(removed: Iterable[Symbol], added: Iterable[Symbol]) -> list[tuple[Symbol, Symbol, bool]]:
    """Pair what has one name; where several do, by how much of their paths agrees. The flag: the name was unique."""
    groups: dict[str, tuple[list[Symbol], list[Symbol]]] = defaultdict(lambda: ([], []))
    for old in removed:
        groups[old.name][0].append(old)
    for new in added:
        groups[new.name][1].append(new)
    found: list[tuple[Symbol, Symbol, bool]] = []
    for olds, news in groups.values():
        if len(olds) == len(news) == 1:
            found.append((olds[0], news[0], True))
        elif olds and news:
            found += [(old, new, False) for old, new in _by_path(olds, news)]
    return found


def _by_path(olds: Sequence[Symbol], news: Sequence[Symbol]) -> list[tuple[Symbol, Symbol]]:
    def best(one: Symbol, others: Sequence[Symbol]) -> Symbol | None:
        ranked = sorted(((_shared_tail(one.file, other.file), other.key, other) for other in others), reverse=True)
        if not ranked[0][0] or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
            return None
        return ranked[0][2]

    found = []
    for old in olds:
        new = best(old, news)
        if new is not None and best(new, olds) is old:
            found.append((old, new))
    return found


def _shared_tail(one: str, other: str) -> int:
    count = 0
    for ours, theirs in zip(reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def _moved(old: Symbol, new: Symbol) -> str:
    parts = []
    if old.file != new.file:
        parts.append(f"moved from {old.file} to {new.file}")
    if old.linkage is not new.linkage:
        parts.append(f"was {old.linkage} and is {new.linkage}")
    return ", ".join(parts) or f"stands in {new.file}"


def _join_moved(pair: Pair, old: Variable, new: Variable, *, alone: bool) -> None:
    """Match two variables of one name; `alone` where no other variable of either version has it."""
    same = pair.same(old.type, new.type) or _same_but_bound(pair, old, new)
    if not same and old.linkage is new.linkage is Linkage.STATIC:
        return  # two statics that share no more than a name
    evidence = [_moved(old, new)]
    evidence.append("the type is the same" if same else "the type is another")
    if not alone:
        evidence.append(f"other variables are called {old.name} too")
    grade = Grade.CERTAIN if same and alone else Grade.STRONG if same else Grade.WEAK
    pair.variables.join(Match(old.key, new.key, grade, tuple(evidence), proposed=not (same and alone)))


def _same_but_bound(pair: Pair, old: Variable, new: Variable) -> bool:
    """Whether two variables are tables of one element type, whose bounds follow from what they start with."""
    one, other = pair.old_types.bare(old.type), pair.new_types.bare(new.type)
    filled = old.initialiser is not None and new.initialiser is not None
    return filled and isinstance(one, Array) and isinstance(other, Array) and pair.same(one.element, other.element)


def _match_locals(pair: Pair) -> None:
    """A static local follows its function when that was moved or renamed."""
    removed, added = unmatched_variables(pair)
    places = {(v.file, v.function, v.name, v.ordinal): v for v in added if v.linkage is Linkage.LOCAL}
    for old in removed:
        key = f"{old.file}:{old.function}"
        key = key if key in pair.old.functions else old.function
        function = pair.new.functions.get(pair.functions.forward.get(key, ""))
        if old.linkage is not Linkage.LOCAL or function is None:
            continue
        new = places.get((function.file, function.name, old.name, old.ordinal))
        if new is not None:
            match = pair.functions.notable.get(key) or Match(key, function.key, Grade.CERTAIN)
            evidence = (f"its function {old.function} is {function.key} in {function.file} now", *match.evidence)
            pair.variables.join(Match(old.key, new.key, match.grade, evidence, proposed=match.proposed))


def _match_renamed(pair: Pair) -> None:
    """Propose a renamed variable where the same functions of one file use it and nothing else of its type fits."""
    removed, added = unmatched_variables(pair)
    if not removed or not added or not (pair.old_usage.bodies_seen and pair.new_usage.bodies_seen):
        return
    fitting: dict[str, list[Match]] = defaultdict(list)
    for old in removed:
        for new in added:
            match = _judge(pair, old, new) if old.file == new.file and new.linkage is not Linkage.LOCAL else None
            if match is not None:
                fitting[old.key].append(match)
    claims = Counter(match.new for matches in fitting.values() for match in matches)
    for key, matches in fitting.items():
        if len(matches) == 1 and claims[matches[0].new] == 1:
            pair.variables.join(matches[0])
        else:
            pair.variables.refused[key] = tuple(match.new for match in matches)


def _judge(pair: Pair, old: Variable, new: Variable) -> Match | None:
    if not pair.same(old.type, new.type):
        return None
    alike = _initial(old) == _initial(new)
    after = {user.key for user in pair.new_usage.mentions(new)}
    if old.linkage is Linkage.LOCAL:
        return _judge_local(pair, old, new, alike, after)
    before = {pair.functions.forward.get(user.key, "") for user in pair.old_usage.mentions(old)}
    common = sorted(before & after)
    plain = isinstance(pair.old_types.bare(old.type), Primitive)
    telling = len(common) > 1 or not plain or (alike and old.initialiser is not None)
    if not common or 2 * len(common) < max(len(before), len(after)) or not telling:
        return None
    names = ", ".join(common[:_NAMES_SHOWN]) + (" …" if len(common) > _NAMES_SHOWN else "")
    evidence = (f"{names} used {old.name} and use {new.name} now", f"both are in {old.file} and of one type")
    return Match(old.key, new.key, Grade.STRONG if before == after else Grade.WEAK, evidence, proposed=True)


def _judge_local(pair: Pair, old: Variable, new: Variable, alike: bool, after: set[str]) -> Match | None:
    """A static local that stands outside its function now, so that others can reach it."""
    home = f"{old.file}:{old.function}"
    successor = pair.functions.forward.get(home) or pair.functions.forward.get(old.function, "")
    if not alike or successor not in after:
        return None
    named = "under its name" if old.name == new.name else f"where {old.name} began alike"
    evidence = (f"{successor} uses {new.name} now, {named}", f"both are in {old.file} and of one type")
    return Match(old.key, new.key, Grade.STRONG if old.name == new.name else Grade.WEAK, evidence, proposed=True)


def _initial(variable: Variable) -> str:
    return variable.initialiser.fingerprint if variable.initialiser is not None else ""
