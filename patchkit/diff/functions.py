"""Compares functions: their code switches as a whole; what matters is what the process cannot take over by itself."""

import re
from collections import defaultdict
from dataclasses import replace

from patchkit.diff.findings import RULE_OF, edited
from patchkit.diff.fold import folded
from patchkit.diff.function_ends import removed_functions
from patchkit.diff.match_symbols import unmatched_functions
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind, is_foreign
from patchkit.diff.usage import is_loop, looks_like_start_up
from patchkit.model.change import Change, Edit, Grade, Subject, Verdict
from patchkit.model.ctype import VOID, Function as Shape, Pointer, spell
from patchkit.model.program import Facet, Function
from patchkit.model.words import counted, listed

_REGISTERS = re.compile(
    r"(?i:register|subscribe|add_?(handler|listener|hook|event|command|option|module)|create.*event|event_(set|add|new)"
    r"|set_?(handler|hook|proc|callback)|(^|_)on_|listen|bind|socket|signal|sigaction|atexit|pthread_(key_)?create|timer"
    r"|setrlimit|umask|setsockopt|prctl)"
)
_KEEPS_ORDER = re.compile(r"(?i:hash|compare|(^|_)n?cmp|cmp$|less(_?than)?$|(^|_)equals?($|_))")
_MAKES_ORDER = re.compile(
    r"(^|_)hash(_(name|key|str(ing)?|bytes|buf(fer)?|code|value|func(tion)?|fn))?$|^(gen_?)?hash_?of_|_hash$"
    r"|[a-z](Hash|HashFunction|HashCode|HashKey)$|^hash(Name|Key|Str(ing)?|Bytes|Buf(fer)?|Code|Value|Func(tion)?)$"
)
_BODY_KINDS = ("F01", "F06", "F08", "S01")  # say of themselves that the body changed
_UNPATCHABLE = frozenset({"naked", "ifunc", "alias", "weakref", "target_clones"})
_MATTERING = frozenset({"constructor", "destructor", "section", "weak"}) | _UNPATCHABLE


def compare_functions(pair: Pair) -> list[Change]:
    """Return what differs between the functions; bodies that merely changed are one change."""
    found: list[Change] = []
    bodies: dict[str, list[Function]] = defaultdict(list)
    for key, other in pair.functions.forward.items():
        if key == other and key in pair.equal_functions and not pair.shifting and key not in pair.functions.notable:
            continue
        old, new = pair.old.functions[key], pair.new.functions[other]
        if is_foreign(old.coord) or _unchanged(pair, old, new):
            continue
        edits, evidence = _edits(pair, old, new)
        changed = old.body != new.body and pair.sees(Facet.BODIES)
        if edits and not (changed and _merely_moved(edits)):
            if changed and all(edit.kind not in _BODY_KINDS for edit in edits):
                edits.append(Edit("F01", "", Verdict.AUTO, "", "its body changed too"))
            found.append(_change(pair, old, new, edits, evidence))
        elif changed:
            bodies["inline" if new.inline else "plain"].append(new)
    if bodies["plain"]:
        found.append(_bodies(bodies["plain"]))
    if bodies["inline"]:
        found.append(_inlined(bodies["inline"]))
    removed, added = unmatched_functions(pair)
    found += removed_functions(pair, removed)
    if added:
        text = "nothing in the process refers to new functions until the new version does"
        title = counted(len(added), "function added", "functions added")
        found.append(
            folded(
                Subject.FUNCTION, "F02", Verdict.NONE, title, text, [f.key for f in added], added[0].coord, gone=False
            )
        )
    return found


def _merely_moved(edits: list[Edit]) -> bool:
    """Whether a function only stands elsewhere, which nobody notices beside a changed body."""
    return all(edit.kind == "F05" and edit.verdict is Verdict.AUTO for edit in edits)


def _unchanged(pair: Pair, old: Function, new: Function) -> bool:
    if old.key in pair.functions.notable or old.body != new.body or old.coord.file != new.coord.file:
        return False
    if pair.shifting and pair.shifts(old.type):
        return False
    if old.fingerprint and old.fingerprint == new.fingerprint:
        return True
    ours, theirs = ((f.type, f.linkage, f.inline, _MATTERING.intersection(f.attributes)) for f in (old, new))
    return ours == theirs


def _edits(pair: Pair, old: Function, new: Function) -> tuple[list[Edit], list[str]]:
    edits: list[Edit] = []
    evidence: list[str] = []
    if not pair.same(old.type, new.type):
        edits.append(_signature(pair, old, new))
    match = pair.functions.notable.get(old.key)
    if match is not None and not match.proposed:
        edits.append(
            Edit("F05", "", Verdict.AUTO, "", f"{old.key} is {new.key} now", old.key, new.key, grade=match.grade)
        )
        evidence += match.evidence
    elif match is not None:
        edits += _renamed(pair, old, new)
        evidence += match.evidence
    elif old.inline is not new.inline or old.linkage is not new.linkage:
        words = [
            ("inline" if f.inline else "not inline") if old.inline is not new.inline else str(f.linkage)
            for f in (old, new)
        ]
        edits.append(Edit("F05", "", Verdict.AUTO, "", f"was {words[0]} and is {words[1]}", words[0], words[1]))
    elif old.file != new.file:
        edits.append(Edit("F05", "", Verdict.AUTO, "", f"moved from {old.file} to {new.file}", old.file, new.file))
    attributes = (set(old.attributes) ^ set(new.attributes)) & _MATTERING
    if attributes:
        names = ", ".join(sorted(attributes))
        question = f"Does {new.name} need nothing done when the update happens, although {names} changed?"
        edits.append(Edit("G11", "", Verdict.CONFIRM, "", f"{names} changed", question=question))
    if old.body != new.body and pair.sees(Facet.BODIES):
        edits += _what_the_body_shows(pair, old, new, evidence)
    return edits, evidence


def _signature(pair: Pair, old: Function, new: Function) -> Edit:
    was, now = spell(old.type, old.name), spell(new.type, new.name)
    text = "callers and callee switch at one moment"
    holders = sorted(v.key for v in pair.old_usage.holders(old))
    passed = sorted(f.name for f in pair.old_usage.address_passed(old))
    before, after = pair.old_types.canonical(old.type), pair.new_types.canonical(new.type)
    followed = before in pair.old_usage.callback_types and after in pair.new_usage.callback_types
    unread = not pair.old_usage.bodies_seen and before in pair.old_usage.callback_types
    if (holders or passed or unread) and not followed:
        names = listed((*holders, *passed), at_most=3) if holders or passed else "which there are was not read"
        question = f"Is every stored pointer to {old.name} ({names}) called with the new parameters?"
        return Edit(
            "F04", "PKF302", Verdict.CONFIRM, "", f"{text}, but pointers to it are stored", was, now, question=question
        )
    return Edit("F04", RULE_OF["F04"], Verdict.AUTO, "", text, was, now)


def _renamed(pair: Pair, old: Function, new: Function) -> list[Edit]:
    """A function whose body came back under another name matters only where the process knows the old one."""
    keeps = [key for key, v in pair.old.variables.items() if v.function == old.name and v.file == old.file]
    kept = pair.old_usage.is_stored(old)
    if not kept and not keeps:
        return [
            Edit(
                "F05",
                "",
                Verdict.AUTO,
                "",
                f"{old.key} has the same body as {new.key} now",
                old.key,
                new.key,
                grade=Grade.STRONG,
            )
        ]
    reason = "stored pointers lead to it" if kept else f"{listed(tuple(keeps), at_most=3)} live in it"
    question = f"Is {new.key} the function that {old.key} was?"
    text = f"{old.key} is gone, {new.key} has its body, and {reason}"
    return [
        Edit("F05", RULE_OF["T04"], Verdict.CONFIRM, "", text, old.key, new.key, question=question, grade=Grade.STRONG)
    ]


def _what_the_body_shows(pair: Pair, old: Function, new: Function, evidence: list[str]) -> list[Edit]:
    blocked = _UNPATCHABLE & (set(old.attributes) | set(new.attributes))
    if blocked:
        text = f"its entry cannot be redirected ({', '.join(sorted(blocked))}); without that attribute it could"
        return [Edit("F01", "PKF306", Verdict.BLOCKED, "", text)]
    running = _running(pair, old)
    if running:
        evidence.append(running)
        question = f"Does nothing that changed in {new.name} have to happen in a process that runs already?"
        text = f"{old.name} goes on in its old body, which the new one replaces only where it is entered again"
        certain = Grade.CERTAIN if old.name == "main" else Grade.WEAK
        return [Edit("F06", RULE_OF["F06"], Verdict.CONFIRM, "", text, question=question, grade=certain)]
    once = old.key in pair.old_usage.started_once
    if once or looks_like_start_up(old):
        names = set(old.references) ^ set(new.references)
        changed = sorted(name for name in names if _REGISTERS.search(name) or (once and _is_function(pair, name)))
        if changed:
            evidence.append(f"it mentions {listed(tuple(changed), at_most=3)} in one version only")
            question = f"Does anything that {new.name} does at start-up have to be done when the update happens?"
            text = f"{new.name} ran at start-up and will not run again, and what it registers or sets up changed"
            return [Edit("F08", RULE_OF["F08"], Verdict.CONFIRM, "", text, question=question)]
    tables = sorted(v.key for v in pair.old_usage.holders(old)) if _KEEPS_ORDER.search(old.name) else []
    if tables or (_MAKES_ORDER.search(old.name) and _is_pure(pair, old)):
        if tables:
            evidence.append(f"{listed(tuple(tables), at_most=3)} stores it")
        question = f"Does {new.name} give the same answer as before for everything that containers hold now?"
        text = "live containers are arranged by its old answers"
        grade = Grade.STRONG if tables else Grade.WEAK
        return [Edit("S01", RULE_OF["S01"], Verdict.CONFIRM, "", text, question=question, grade=grade)]
    return []


def _is_function(pair: Pair, name: str) -> bool:
    return any(name in program.functions for program in (pair.old, pair.new))


def _is_pure(pair: Pair, function: Function) -> bool:
    """Whether a function turns its arguments into a number and, as far as is seen, does nothing else."""
    scalar = pair.old_types.scalar(function.type.result)
    number = scalar is not None and scalar.kind is ScalarKind.INTEGER
    return number and bool(function.type.parameters) and not function.assigned


def _change(pair: Pair, old: Function, new: Function, edits: list[Edit], evidence: list[str]) -> Change:
    name = old.key if old.key == new.key else f"{old.key} → {new.key}"
    title = f"{name}: {'; '.join(_WORDS.get(edit.kind, 'changed') for edit in edits)}"
    change = edited(Subject.FUNCTION, old.key, new.key, title, "; ".join(edit.text for edit in edits), edits)
    callers: tuple[str, ...] = ()
    if any(edit.kind == "F04" for edit in edits):
        users = [*pair.old_usage.mentions(old), *pair.new_usage.mentions(new)]
        callers = tuple(sorted({user.file for user in users}))
        if not pair.sees(Facet.REFERENCES):
            evidence = [*evidence, "who calls it was not read"]
    return replace(change, old_coord=old.coord, new_coord=new.coord, evidence=tuple(evidence), callers=callers)


_WORDS = {
    "F01": "body changed",
    "F04": "signature changed",
    "F05": "moved, renamed or linked otherwise",
    "F06": "runs, and its body changed",
    "F08": "start-up code changed",
    "G11": "attributes changed",
    "S01": "order or hash changed",
    "T00": "differs otherwise",
}


def _bodies(functions: list[Function]) -> Change:
    text = "the new code is entered at the next call; nothing that is stored depends on it"
    title = counted(len(functions), "body changed", "bodies changed")
    keys = [function.key for function in functions]
    change = folded(Subject.FUNCTION, "F01", Verdict.AUTO, title, text, keys, functions[0].coord, label="bodies")
    unread = sum(not function.body for function in functions)
    return (
        replace(change, evidence=(f"{counted(unread, 'new body', 'new bodies')} could not be read",))
        if unread
        else change
    )


def _running(pair: Pair, old: Function) -> str:
    """Return why a function may be running whenever an update happens, empty where nothing says so."""
    if old.name == "main":
        return "main runs as long as the process does"
    root = Shape(Pointer(VOID), (Pointer(VOID),))
    starters = sorted(f.name for f in pair.old_usage.address_passed(old) if "pthread_create" in f.references)
    if starters and pair.old_types.canonical(old.type) == root:
        return f"{starters[0]} seems to start threads in it"
    if is_loop(pair.old_usage, old):
        return "main alone calls it, and its name is that of a loop"
    return ""


def _inlined(functions: list[Function]) -> Change:
    text = "copies of the old body inside other functions are replaced with those functions"
    title = counted(len(functions), "inline body changed", "inline bodies changed")
    keys = [function.key for function in functions]
    return folded(
        Subject.FUNCTION, "F01", Verdict.AUTO, title, text, keys, functions[0].coord, rule="PKF305", label="inline"
    )


def changed_bodies(pair: Pair) -> list[tuple[Function, Function]]:
    """Return the functions whose bodies differ, old and new."""
    both = (
        (pair.old.functions[key], pair.new.functions[other])
        for key, other in pair.functions.forward.items()
        if key != other or key not in pair.equal_functions
    )
    return [(old, new) for old, new in both if old.body != new.body]
