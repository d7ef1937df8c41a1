"""Who of the old version is who in the new one, what may not run across the switch, and what an update cannot do yet.

Everything is decided here, when the bundle is made, from the comparison of both versions; the runtime follows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from patchkit.bundle.keys import Identity, Sort
from patchkit.diff.functions import changed_bodies
from patchkit.diff.matching import pair_programs
from patchkit.diff.pair import Pair
from patchkit.model.change import Change, Comparison, Subject, Verdict
from patchkit.model.ctype import CType, Function as Shape, Named
from patchkit.model.program import Function, Linkage, Program, Variable
from patchkit.transform.migration import Migration
from patchkit.transform.plan import holder_of

# The new content of these counts, if the live one is as it was at the start.
_REPLACED = frozenset({"G05", "G06b"})
# A type that is gone: what embeds it has changed itself, and nothing new knows the rest.
_GONE = "T28"
# Live state goes on as it is.
_KEPT = frozenset({"G06", "G06c", "G08", "G11", "F07"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no bundle is made: the rule, what it is about, and what to do."""

    rule: str
    subject: str
    text: str
    hint: str = ""


@dataclass(slots=True)
class Pairing:
    """The outcome. Identities of functions and variables of the new version lead to those of the old one in `former`;
    `replaced` are new variables that take the place of old ones which must be untouched, `moved` those that an update
    fills with what the old ones hold; `broken` and `changed` are old functions with the reason that a report gives;
    `edited` are all whose source changed; `down_broken` and `down_pinned` are those of the new version that keep a
    revert from happening. `knowing` are those of the old version that know a type whose objects are converted, which
    must not go on in what they were; on the way back all that is pinned is so.
    """

    former: dict[Identity, Identity] = field(default_factory=dict)
    replaced: set[Identity] = field(default_factory=set)
    moved: set[Identity] = field(default_factory=set)
    broken: dict[Identity, str] = field(default_factory=dict)
    changed: dict[Identity, str] = field(default_factory=dict)
    edited: set[Identity] = field(default_factory=set)
    knowing: dict[Identity, str] = field(default_factory=dict)
    down_broken: dict[Identity, str] = field(default_factory=dict)
    down_pinned: dict[Identity, str] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def pair_versions(
    old: Program, new: Program, comparison: Comparison, may_stay: Iterable[str], migration: Migration | None = None
) -> Pairing:
    """Pair the programs `old` and `new`. `may_stay` names changed functions that may be on a stack at the switch.

    What `migration` converts is not refused.
    """
    pair = pair_programs(old, new)
    result = Pairing()
    variables = [change for change in comparison.changes if change.subject is Subject.VARIABLE]
    verdicts = {key: change for change in variables for key in (change.folded or (change.old_key,))}
    for change in comparison.changes:
        if change.kind == _GONE:
            result.notes.append(f"{change.title}: objects of it that exist are left as they are")
        elif change.subject is Subject.BUILD or (change.subject is Subject.TYPE and migration is None):
            result.refusals += _refuse_change(change)
    _pair_functions(pair, result, frozenset(may_stay) | _standing(old))
    for old_key, new_key in pair.variables.forward.items():
        before, after = old.variables[old_key], new.variables[new_key]
        if migration is not None and (old_key in migration.moved or old_key in migration.severed):
            _join(variable_identities(before), variable_identities(after), result)
            result.moved.update(variable_identities(after))
        else:
            asked = None if migration is not None else verdicts.get(old_key)
            _pair_variable(before, after, pair, asked, verdicts.get(old_key), result)
    if migration is not None:
        for old_key, reason in migration.moved.items():
            result.broken.update(dict.fromkeys(variable_identities(old.variables[old_key]), reason))
        _pin_users(pair, migration, result.knowing)
    if migration is not None and migration.down is not None:
        for new_key, reason in migration.down.moved.items():
            variable = new.variables.get(new_key) or new.variables[holder_of(new_key, new.variables)]
            result.down_broken.update(dict.fromkeys(variable_identities(variable), reason))
        _pin_users(pair_programs(new, old), migration.down, result.down_pinned)
    return result


def _pin_users(pair: Pair, migration: Migration, pinned: dict[Identity, str]) -> None:
    """Code that knows a changed type must not go on in what it was: it may hold such objects, or reach into one.

    Names decide: those of the type, in the signature or the body, and those of its members where the body also names
    something that such an object comes from. That is more than enough.
    """
    for key, members in migration.layouts.items():
        naming = {function.key for function in pair.old_usage.naming_type(key)}
        sources = _sources(pair, key)
        for function in pair.old.functions.values():
            reaches = members.intersection(function.members) and (
                sources is None or sources.intersection((*function.members, *function.references))
            )
            if function.key in naming or reaches or _takes(function, key, pair):
                for identity in function_identities(function):
                    pinned.setdefault(identity, f"{function.name} knows {key}, which changed")


def _sources(pair: Pair, key: str) -> frozenset[str] | None:
    """Return the names by which code that does not name the record `key` comes to an object of it: members of others,
    variables, and functions that return one. None where one is a part without a name, which nothing has to name.
    """
    types = pair.old_types
    if pair.old.records[key].parent:
        return None

    def leads(ctype: CType) -> bool:
        core = types.core(ctype)
        if isinstance(core, Shape):  # it points at functions
            return leads(core.result)
        return isinstance(core, Named) and core.key == key

    found = {each.name for each in pair.old.variables.values() if leads(each.type)}
    found |= {each.name for each in pair.old.functions.values() if leads(each.type.result)}
    for record in pair.old.records.values():
        named = {member.name for member in record.members if record.key != key and leads(member.type)}
        if "" in named:
            return None
        found |= named
    return frozenset(found)


def _takes(function: Function, key: str, pair: Pair) -> bool:
    types = (function.type.result, *function.type.parameters)
    cores = (pair.old_types.core(each) for each in types)
    return any(isinstance(core, Named) and core.key == key for core in cores)


def _refuse_change(change: Change) -> Iterator[Refusal]:
    if change.verdict is Verdict.NONE or (change.subject is Subject.TYPE and not change.old_key):
        return
    if change.subject is Subject.BUILD:
        yield Refusal(
            "PKB802",
            change.name,
            f"{change.title}: {change.text}",
            "build both versions with the same compiler and flags",
        )
    else:
        what = change.title if ": " in change.title else f"{change.title} changed"
        yield Refusal(
            "PKX601",
            change.name,
            f"{what} ({change.kind}), and converting live objects needs a transformer",
            "author the update: `patchkit new OLD NEW`, and give it to `patchkit bundle` by --update",
        )


def function_identities(function: Function) -> tuple[Identity, ...]:
    """Return who `function` is: one identity, or one for each unit that has its own."""
    if function.linkage is Linkage.EXTERNAL:
        return (Identity(Sort.FUNCTION, function.name),)
    return tuple(Identity(Sort.FUNCTION, function.name, unit) for unit in function.units)


def variable_identities(variable: Variable) -> tuple[Identity, ...]:
    """Return who `variable` is: one identity, or one for each unit that has its own."""
    if variable.linkage is Linkage.EXTERNAL:
        return (Identity(Sort.VARIABLE, variable.name),)
    return tuple(
        Identity(Sort.VARIABLE, variable.name, unit, variable.function, variable.ordinal) for unit in variable.units
    )


def _join(olds: tuple[Identity, ...], news: tuple[Identity, ...], result: Pairing) -> None:
    by_unit = {identity.unit: identity for identity in olds}
    if len(olds) == len(news) == 1:
        result.former[news[0]] = olds[0]
        return
    for identity in news:
        if identity.unit in by_unit:
            result.former[identity] = by_unit[identity.unit]


def _standing(program: Program) -> frozenset[str]:
    """Functions that are on some stack all the time: main, and those that threads begin with.

    A function whose address is taken where pthread_create or thrd_create is called may be one of the latter.
    """
    roots = {"main"}
    for function in program.functions.values():
        if {"pthread_create", "thrd_create"} & set(function.references):
            roots |= {name for name in function.assigned if name in _names(program)}
    return frozenset(roots)


def _names(program: Program) -> frozenset[str]:
    return frozenset(function.name for function in program.functions.values())


def _pair_functions(pair: Pair, result: Pairing, may_stay: frozenset[str]) -> None:
    changed = {old.key for old, _ in changed_bodies(pair)}
    for old_key, function in pair.old.functions.items():
        olds = function_identities(function)
        new_key = pair.functions.forward.get(old_key)
        if new_key is None:
            for identity in olds:
                result.broken[identity] = f"{function.name} no longer exists, and old code would call it"
            continue
        successor = pair.new.functions[new_key]
        _join(olds, function_identities(successor), result)
        if not pair.same(function.type, successor.type):
            for identity in olds:
                result.broken[identity] = f"the parameters or result of {function.name} changed, and old code calls it"
        if old_key in changed:
            result.edited.update(olds)
        if old_key in changed and function.name not in may_stay:
            for identity in olds:
                result.changed[identity] = f"{function.name} changed"


def _pair_variable(
    old: Variable, new: Variable, pair: Pair, asked: Change | None, change: Change | None, result: Pairing
) -> None:
    """Pair a variable that goes on. `asked` is its change where nobody has decided about it yet."""
    olds, news = variable_identities(old), variable_identities(new)
    if old.thread_local or new.thread_local:
        if old.thread_local != new.thread_local or not pair.same(old.type, new.type):
            result.refusals.append(
                Refusal("PKD207", old.key, f"{old.name} is thread-local, and its type or storage changed")
            )
            return
    if asked is not None and asked.verdict > Verdict.AUTO_CHECK and asked.kind not in _KEPT:
        result.refusals.append(
            Refusal(
                asked.rule or "PKX601",
                old.key,
                f"{asked.title}: {asked.text}",
                "its live value needs a decision: author the update with `patchkit new`",
            )
        )
        return
    if change is not None and change.kind in _REPLACED:
        result.replaced.update(news)
    elif pair.old_types.is_constant(old.type) and not pair.new_types.is_constant(new.type):
        return  # what could not be written has no live value; the new one begins with its own
    elif not pair.same(old.type, new.type):
        result.refusals.append(
            Refusal("PKX601", old.key, f"the type of {old.name} changed, and its live value needs a transformer")
        )
        return
    elif change is not None and change.kind in ("G06", "G06c"):
        result.notes.append(f"{old.name} keeps its live value; its new initial value only counts at a start")
    _join(olds, news, result)
