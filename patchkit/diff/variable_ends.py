"""Variables that only one version has: what new ones start as, and what becomes of what old ones hold."""

import re
from collections.abc import Sequence
from dataclasses import replace

from patchkit.diff.findings import RULE_OF, plain
from patchkit.diff.homes import Homes
from patchkit.diff.library_objects import library_object
from patchkit.diff.pair import Pair
from patchkit.diff.usage import Writing, looks_like_start_up
from patchkit.model.change import Change, Grade, Reach, Storage, Subject, Verdict
from patchkit.model.ctype import Array, Pointer, Primitive, Qualified
from patchkit.model.program import Facet, Function, Linkage, Variable
from patchkit.model.words import listed

_DESCRIPTOR = re.compile(r"(?i:(^|_)(fd|fds|sock|socket|sockets|pipe|epfd)\d*$)|(?i:lock|mutex)")


def added_variables(pair: Pair, added: Sequence[Variable], removed: Sequence[Variable], homes: Homes) -> list[Change]:
    """Return the changes for variables that only the new version has."""
    gone = {
        (variable.file, variable.function, variable.name) for variable in removed if variable.linkage is Linkage.LOCAL
    }
    found = []
    for variable in added:
        kind, verdict, text, question = _first_value(pair, variable)
        givers = [key for key, ctype in homes.lost.get(variable.name, ()) if pair.same(ctype, variable.type)]
        if len(givers) == 1 and not pair.new_types.is_constant(variable.type):
            verdict, text = Verdict.CONFIRM, f"is new, and {givers[0]} lost a member of that name and type"
            question = f"Does {variable.key} take over the value of {givers[0]}.{variable.name}?"
        if variable.linkage is Linkage.LOCAL:
            kind, text = "G09", f"{text} (static in {variable.function})"
            if (variable.file, variable.function, variable.name) in gone:
                verdict, question = _ambiguous(variable)
        rule = RULE_OF["G10"] if variable.thread_local else RULE_OF[kind]
        title = f"{variable.key} is new"
        text = f"{variable.name} {text}"
        change = plain(Subject.VARIABLE, kind, verdict, "", variable.key, title, text, rule=rule, question=question)
        found.append(replace(change, new_coord=variable.coord, new_size=variable.size))
    return found


def _ambiguous(variable: Variable) -> tuple[Verdict, str]:
    return Verdict.CONFIRM, f"Does {variable.key} start anew, although {variable.function} had another {variable.name}?"


def _first_value(pair: Pair, variable: Variable) -> tuple[str, Verdict, str, str]:
    """Return kind, verdict, text and question about what a new variable starts as."""
    if pair.new_types.is_constant(variable.type):
        return "G01", Verdict.AUTO, "comes with the new version and is never written", ""
    question = f"What sets {variable.key} when the update happens, since start-up code will not run again?"
    if variable.thread_local:
        text = "starts as its initialiser says in threads made from now on; threads that run need it now"
        return (
            "G10",
            Verdict.CONFIRM,
            text,
            f"Does the initial value of {variable.key} fit the threads that run already?",
        )
    library = library_object(pair.new_types, variable.type)
    if not pair.new_usage.bodies_seen and variable.initialiser is None:
        return "G02", Verdict.CONFIRM, "has a first value that was not read, nor was who sets it", question
    setters = _starters(pair, variable)
    if setters:
        names = listed(tuple(sorted({f.name for f in setters})), at_most=3)
        return (
            "G02",
            Verdict.CONFIRM,
            f"is set by {names}, which ran before the update and will not run again",
            question,
        )
    row = _as_row(pair, variable)
    if row:
        return "G02", Verdict.CONFIRM, row, question
    if library and variable.initialiser is None:
        return "G02", Verdict.CONFIRM, f"is a {library} that nothing seems to set up", question
    if variable.initialiser is None and Facet.INITIALISERS not in pair.new.unseen:
        return "G01", Verdict.AUTO, "starts as zero, as it would in a fresh process", ""
    return "G01", Verdict.AUTO, "starts as its initialiser says", ""


def _starters(pair: Pair, variable: Variable) -> list[Function]:
    """Return the functions that write `variable` and ran while the program started, as their names say."""
    return [writer for writer in pair.new_usage.writers(variable) if looks_like_start_up(writer)]


def _as_row(pair: Pair, variable: Variable) -> str:
    """Return which table of both versions leads to a new variable, if start-up code goes through it; else nothing."""
    usage = pair.new_usage
    for table in usage.holders(variable):
        users = usage.mentions(table)
        went = [each.name for each in users if looks_like_start_up(each) or each.key in usage.started_once]
        if went and table.key in pair.variables.backward:
            who = listed(tuple(sorted(set(went))), at_most=3)
            return f"is a row of {table.name}, which {who} went through before the update and will not go through again"
    return ""


def removed_variables(pair: Pair, removed: Sequence[Variable], added: Sequence[Variable], homes: Homes) -> list[Change]:
    """Return the changes for variables that only the old version has."""
    again = {
        (variable.file, variable.function, variable.name) for variable in added if variable.linkage is Linkage.LOCAL
    }
    found = []
    for variable in removed:
        kind, verdict, text, question = _last_value(pair, variable)
        grade, evidence = Grade.CERTAIN, tuple[str, ...]()
        takers = [key for key, ctype in homes.gained.get(variable.name, ()) if pair.same(variable.type, ctype)]
        likely = pair.variables.refused.get(variable.key, ())
        if len(takers) == 1 and verdict is not Verdict.NONE:
            verdict, grade = Verdict.CONFIRM, Grade.STRONG
            text = f"is gone, and {takers[0]} has a member of that name and type now"
            question = f"Does the value of {variable.key} go to {takers[0]}.{variable.name}?"
        elif likely:
            evidence = (f"{listed(likely, at_most=3)} may each be what became of it",)
            verdict = max(verdict, Verdict.CONFIRM)
            question = question or f"May the value of {variable.key} be dropped, although variables like it are new?"
        elif variable.linkage is Linkage.LOCAL:
            kind = "G09"
            if (variable.file, variable.function, variable.name) in again:
                verdict = Verdict.CONFIRM
                question = (
                    f"May {variable.key} be dropped, although {variable.function} has another {variable.name} now?"
                )
        rule = RULE_OF["G10"] if variable.thread_local and kind == "G03" else RULE_OF[kind]
        title = f"{variable.key} is gone"
        text = f"{variable.name} {text}"
        change = plain(Subject.VARIABLE, kind, verdict, variable.key, "", title, text, rule=rule, question=question)
        storage = Storage.THREAD if variable.thread_local else Storage.STATIC
        reach = (Reach(variable.key, variable.name, storage),)
        found.append(
            replace(
                change, old_coord=variable.coord, old_size=variable.size, reach=reach, grade=grade, evidence=evidence
            )
        )
    return found


def _last_value(pair: Pair, variable: Variable) -> tuple[str, Verdict, str, str]:
    types, ctype = pair.old_types, variable.type
    if types.is_constant(ctype):
        return "G03", Verdict.AUTO, "was never written; nothing of the process is lost", ""
    question = f"May what {variable.key} holds be dropped, because nothing else has to be released?"
    library = library_object(types, ctype)
    if library:
        return "G03", Verdict.CONFIRM, f"is a {library} that somebody may hold or wait for", question
    if pair.new.gaps:
        return "G03", Verdict.CONFIRM, "is not in what was read of the new version", question
    if _DESCRIPTOR.search(variable.name):
        return "G03", Verdict.CONFIRM, "is gone; the descriptor or lock that it names stays behind", question
    if _owns(pair, variable):
        return "G03", Verdict.CONFIRM, "is gone; what it points at leaks unless it is released", question
    return "G03", Verdict.AUTO, "is gone and its value is dropped", ""


def _owns(pair: Pair, variable: Variable) -> bool:
    """Whether a variable may be the last to know of something; text constants and functions need no release."""
    types = pair.old_types
    if not types.holds_pointer(variable.type) or pair.old_usage.writing(variable) is Writing.NEVER:
        return False
    element = types.element(variable.type)
    if variable.initialiser is not None and isinstance(types.bare(variable.type), Array):
        return pair.old_usage.writing(variable) is Writing.RUN_TIME  # else it points at what it was written down with
    if isinstance(element, Pointer):
        target = types.resolve(element.target)
        literal = (
            isinstance(target, Qualified) and "const" in target.qualifiers and isinstance(types.bare(target), Primitive)
        )
        return not (literal or types.is_function_pointer(element))
    return True
