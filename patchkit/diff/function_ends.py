"""Functions that only the old version has: whether anything in the process may still call them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from patchkit.diff.findings import level_of, plain
from patchkit.diff.fold import MANY, folded
from patchkit.diff.pair import Pair
from patchkit.diff.usage import Writing
from patchkit.diff.variables import rows_are_held
from patchkit.model.change import Change, Subject, Verdict
from patchkit.model.ctype import VOID, CType, Function as FunctionType, Pointer, Primitive
from patchkit.model.program import Facet, Function
from patchkit.model.words import counted, listed

_INT = Primitive("int")
_SIGNALS = frozenset({"signal", "sigaction", "bsd_signal", "sigset"})
_REGISTRARS = {
    "atexit": FunctionType(VOID, ()),
    "at_quick_exit": FunctionType(VOID, ()),
    "pthread_atfork": FunctionType(VOID, ()),
    "pthread_key_create": FunctionType(VOID, (Pointer(VOID),)),
    "pthread_create": FunctionType(Pointer(VOID), (Pointer(VOID),)),
    "on_exit": FunctionType(VOID, (_INT, Pointer(VOID))),
}


def removed_functions(pair: Pair, removed: Sequence[Function]) -> list[Change]:
    """Return one change for all functions that are simply gone, and one for each that something may still call."""
    found: list[Change] = []
    plainly: list[Function] = []
    for function in removed:
        held = _held(pair, function)
        if held is None:
            plainly.append(function)
        else:
            found.append(replace(held, old_coord=function.coord))
    found = _alike(found)
    if plainly:
        title = counted(len(plainly), "function removed", "functions removed")
        text = "no stored pointer to them is known; once they are on no stack they are never entered again"
        keys = [function.key for function in plainly]
        change = folded(Subject.FUNCTION, "F03", Verdict.AUTO, title, text, keys, plainly[0].coord, gone=True)
        found.append(_doubted(pair, change))
    return found


def _alike(changes: list[Change]) -> list[Change]:
    """Return `changes` with those that the same table held as one."""
    groups: dict[tuple[str, Verdict, str], list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.rule, change.verdict, change.text].append(change)
    found: list[Change] = []
    for (rule, verdict, text), members in groups.items():
        if len(members) < MANY:
            found += members
            continue
        keys = sorted(change.old_key for change in members)
        title = f"{counted(len(members), 'function', 'functions')} gone that data may point at"
        change = folded(Subject.FUNCTION, "F03", verdict, title, text, keys, None, rule=rule, label=keys[0], gone=True)
        question = "Does every pointer to one of these functions lead elsewhere when the update happens?"
        found.append(replace(change, question=question if verdict is Verdict.CONFIRM else ""))
    return found


def _doubted(pair: Pair, change: Change) -> Change:
    """Return the change of functions that are simply gone with the question that missing evidence makes necessary."""
    if pair.new.gaps:
        question = "Are these functions really gone (a part of the new version was not read)?"
    elif not pair.old_usage.bodies_seen or Facet.INITIALISERS in pair.old.unseen:
        question = "Does no stored pointer lead to one of these functions (whose address is taken was not read)?"
    else:
        return change
    return replace(change, verdict=Verdict.CONFIRM, question=question, level=level_of("", Verdict.CONFIRM))


def _held(pair: Pair, function: Function) -> Change | None:
    tables = pair.old_usage.holders(function)
    passed = pair.old_usage.address_passed(function)
    title = f"{function.key} is gone"
    question = f"Does every pointer to {function.name} lead elsewhere when the update happens?"
    if tables:
        names = listed(tuple(sorted(v.key for v in tables)), at_most=3)
        if any(pair.old_usage.writing(v) is Writing.RUN_TIME and v.key in pair.variables.forward for v in tables):
            text = f"{names} starts with a pointer to it and keeps its live value: which successor?"
            return plain(Subject.FUNCTION, "F03", Verdict.CODE, function.key, "", title, text, rule="PKF303")
        if any(rows_are_held(pair, table) for table in tables):
            text = f"live data may point at the rows of {names}, and through them at it: what replaces it?"
            return plain(Subject.FUNCTION, "F03", Verdict.CODE, function.key, "", title, text, rule="PKF303")
        text = f"{names} starts with a pointer to it, of which copies may live"
        return plain(
            Subject.FUNCTION, "F03", Verdict.CONFIRM, function.key, "", title, text, rule="PKF303", question=question
        )
    registered = _registered(pair, function, title, question)
    if registered is not None:
        return registered
    if passed:
        names = listed(tuple(sorted(f.name for f in passed)), at_most=3)
        text = f"{names} passed its address on, and live data may hold it"
        verdict = Verdict.CONFIRM
        if pair.old_types.canonical(function.type) in pair.old_usage.kept_callbacks:
            verdict, question, text = Verdict.CODE, "", f"{text}: each pointer to it needs a successor"
        return plain(Subject.FUNCTION, "F03", verdict, function.key, "", title, text, rule="PKF303", question=question)
    return None


def _registered(pair: Pair, function: Function, title: str, question: str) -> Change | None:
    shape: CType = pair.old_types.canonical(function.type)
    for user in pair.old_usage.address_passed(function):
        if _SIGNALS & set(user.references) and _handles_signals(function):
            text = f"{user.name} may have installed it as a signal handler"
            return plain(
                Subject.FUNCTION,
                "F03",
                Verdict.CONFIRM,
                function.key,
                "",
                title,
                text,
                rule="PKF309",
                question=question,
            )
        for registrar, wanted in _REGISTRARS.items():
            if registrar in user.references and shape == wanted:
                text = f"{user.name} may have given it to {registrar}"
                return plain(
                    Subject.FUNCTION,
                    "F03",
                    Verdict.CONFIRM,
                    function.key,
                    "",
                    title,
                    text,
                    rule="PKF310",
                    question=question,
                )
    return None


def _handles_signals(function: Function) -> bool:
    parameters = function.type.parameters
    return function.type.result == VOID and len(parameters) in (1, 3) and parameters[0] == _INT
