"""Compares variables: what becomes of the storage and the value that the running process has for each."""

import re
from dataclasses import dataclass, field, replace

from patchkit.diff.ctypes_compare import Relation, relate
from patchkit.diff.findings import RULE_OF, edited
from patchkit.diff.homes import Homes
from patchkit.diff.match_symbols import is_object, unmatched_variables
from patchkit.diff.pair import Pair
from patchkit.diff.unclassified import unclassified_edit
from patchkit.diff.usage import Writing
from patchkit.diff.variable_ends import added_variables, removed_variables
from patchkit.model.change import Change, Edit, Reach, Storage, Subject, Verdict
from patchkit.model.ctype import Array, Pointer, spell
from patchkit.model.program import Facet, Linkage, Variable

_OPTION = re.compile(r"(?i:conf|config|default|option|settings?|param|tunable|opt_)")
_ZERO = re.compile(r"[({\s]*(\(void\*\))?(0[xX]?0*[uUlL]*|0?\.0*f?|NULL|nullptr|false|'\\0'|\"\")?[)}\s,]*;?$")
_SHORT = 100  # characters of an initialiser that can be shown whole
_WORTH_CUTTING = 12  # tokens that two initialisers have in common
_MATTERING = frozenset(
    {"weak", "common", "section", "constructor", "destructor", "alias", "ifunc", "tls_model", "used"}
)


@dataclass(slots=True)
class VariableChanges:
    """The changes of variables, and the typedefs that they show a change of."""

    changes: list[Change] = field(default_factory=list)
    typedefs: set[str] = field(default_factory=set)


def compare_variables(pair: Pair, homes: Homes) -> VariableChanges:
    """Return what differs between the variables."""
    found = VariableChanges()
    for key, other in pair.variables.forward.items():
        if not pair.shifting and key in pair.equal_variables and key not in pair.variables.notable:
            continue
        old, new = pair.old.variables[key], pair.new.variables[other]
        if not is_object(pair.old_types, old) or _unchanged(pair, old, new):
            continue
        edits = _edits(pair, old, new)
        if edits:
            found.changes.append(_change(pair, old, new, edits))
            if any(edit.was for edit in edits):
                found.typedefs.update(t.key for t in pair.old_types.typedefs_in(old.type))
    removed, added = unmatched_variables(pair)
    found.changes += removed_variables(pair, removed, added, homes)
    found.changes += added_variables(pair, added, removed, homes)
    return found


def _unchanged(pair: Pair, old: Variable, new: Variable) -> bool:
    if old.key in pair.variables.notable or old.file != new.file or (pair.shifting and pair.shifts(old.type)):
        return False
    if max(len(old.units), len(new.units)) > 1 and old.units != new.units:
        return False
    if old.fingerprint and old.fingerprint == new.fingerprint:
        return True
    return old == replace(new, coord=old.coord, fingerprint=old.fingerprint)


def _edits(pair: Pair, old: Variable, new: Variable) -> list[Edit]:
    edits = _moved(pair, old)
    if old.thread_local is not new.thread_local:
        text = "becomes one per thread" if new.thread_local else "was one per thread and becomes one for all"
        edits.append(
            Edit("G10", RULE_OF["G10"], Verdict.CODE, "", f"{text}; which value goes where is for a programmer to say")
        )
    attributes = sorted((set(old.attributes) ^ set(new.attributes)) & _MATTERING)
    if attributes:
        question = f"May {old.key} keep the storage it has, although {', '.join(attributes)} changed?"
        edits.append(Edit("G11", "", Verdict.CONFIRM, "", f"{', '.join(attributes)} changed", question=question))
    relation = relate(pair, old.type, new.type)
    table = is_table(pair, old) and is_table(pair, new)
    constant = pair.old_types.is_constant(old.type)
    if relation.kind and not (constant or pair.sees(Facet.INITIALISERS)) and _arrays_of_one_type(pair, old, new):
        edits.append(_unread_table(old, new))
    elif relation.kind and not (table and _only_bound(pair, old, new)):
        edits.append(_type_edit(old, new, relation))
    elif relation.kind or (pair.sees(Facet.INITIALISERS) and _starts_otherwise(old, new)):
        edits.append(_content_edit(pair, old, new, table, bool(relation.kind)))
    edits += _instances(pair, old, new)
    if not edits and old.linkage is not new.linkage:
        edits.append(Edit("G08", "", Verdict.AUTO, "", f"was {old.linkage} and is {new.linkage}; its storage stays"))
    elif not edits and old.file != new.file:
        edits.append(Edit("G08", "", Verdict.AUTO, "", f"moved from {old.file} to {new.file}; its storage stays"))
    if not edits and _left_over(pair, old, new):
        edits.append(unclassified_edit(old, new))
    return edits


def _left_over(pair: Pair, old: Variable, new: Variable) -> bool:
    """Whether two variables differ in something that no part of this comparison has looked at."""
    if old.size != new.size and pair.old_types.record(old.type) is None and old.size and new.size:
        return True
    return (old.name, old.function, old.ordinal) != (new.name, new.function, new.ordinal)


def _moved(pair: Pair, old: Variable) -> list[Edit]:
    match = pair.variables.notable.get(old.key)
    if match is None:
        return []
    text = f"{match.old} is {match.new} now"
    if not match.proposed:
        return [Edit("G08", "", Verdict.AUTO, "", text, match.old, match.new, grade=match.grade)]
    question = f"Is {match.new} the variable that {match.old} was?"
    kind = "G09" if old.linkage is Linkage.LOCAL else "G08"
    return [
        Edit(kind, RULE_OF[kind], Verdict.CONFIRM, "", text, match.old, match.new, question=question, grade=match.grade)
    ]


def is_table(pair: Pair, variable: Variable) -> bool:
    """Whether a variable is an array that starts with contents, or a constant."""
    types = pair.old_types if pair.old.variables.get(variable.key) is variable else pair.new_types
    if types.is_constant(variable.type):
        return True
    filled = variable.initialiser is not None and not _ZERO.match(variable.initialiser.text)
    return filled and isinstance(types.bare(variable.type), Array)


def _only_bound(pair: Pair, old: Variable, new: Variable) -> bool:
    # A constant of whatever type comes with the new version.
    constant = pair.old_types.is_constant(old.type) and pair.new_types.is_constant(new.type)
    return constant or _arrays_of_one_type(pair, old, new)


def _arrays_of_one_type(pair: Pair, old: Variable, new: Variable) -> bool:
    one, other = pair.old_types.bare(old.type), pair.new_types.bare(new.type)
    return isinstance(one, Array) and isinstance(other, Array) and pair.same(one.element, other.element)


def _unread_table(old: Variable, new: Variable) -> Edit:
    was, now = spell(old.type, old.name), spell(new.type, new.name)
    question = f"Is {old.key} a table that the source spells out (else its live elements are copied)?"
    text = f"{old.name} has another bound; whether it starts with contents was not read"
    return Edit("G05", RULE_OF["G05"], Verdict.CONFIRM, "", text, was, now, question=question)


def _type_edit(old: Variable, new: Variable, relation: Relation) -> Edit:
    return Edit(
        kind=relation.kind,
        rule=relation.rule,
        verdict=relation.verdict,
        name="",
        text=f"{old.name} {relation.text}",
        was=spell(old.type, old.name),
        now=spell(new.type, new.name),
        question=relation.question.format(name=old.key),
    )


def _starts_otherwise(old: Variable, new: Variable) -> bool:
    one, other = old.initialiser, new.initialiser
    if one is None or other is None:
        only = one or other
        return only is not None and not _ZERO.match(only.text.replace(" ", ""))
    return one.fingerprint != other.fingerprint


def _content_edit(pair: Pair, old: Variable, new: Variable, table: bool, bound: bool) -> Edit:
    before, after = _contrast(*(v.initialiser.text if v.initialiser else "" for v in (old, new)))
    found = _table(pair, old) if table else _start_value(pair, old, after)
    return Edit(
        kind=found.kind,
        rule=found.rule,
        verdict=found.verdict,
        name="",
        text=f"{old.name} {found.text}",
        was=spell(old.type, old.name) if bound else before,
        now=spell(new.type, new.name) if bound else after,
        question=found.question,
    )


def _contrast(before: str, after: str) -> tuple[str, str]:
    """Return two initialisers from where they begin to differ; nothing where that lies behind what is kept of them."""
    if before == after:
        return "", ""
    ours, theirs = before.split(" "), after.split(" ")
    shared = next(
        (at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs))
    )
    if shared < _WORTH_CUTTING or max(len(before), len(after)) <= _SHORT:
        return before, after
    return " ".join(("…", *ours[shared - 1 :])), " ".join(("…", *theirs[shared - 1 :]))


def rows_are_held(pair: Pair, table: Variable) -> bool:
    """Whether other data points at records like the rows of an array, so that it may point at these."""
    record = pair.old_types.record(table.type)
    if record is None or not isinstance(pair.old_types.bare(table.type), Array):
        return False
    return record.key in pair.old_usage.pointed_at


def _start_value(pair: Pair, old: Variable, now: str) -> Relation:
    if pair.old_usage.writing(old) is Writing.NEVER:
        return Relation("G06b", "PKD202", Verdict.AUTO, "starts otherwise and is never written: the new value is taken")
    question = f"Does {old.key} keep its live value (else it is set to {now or '0'})?"
    if _OPTION.search(old.name) or _OPTION.search(old.file):
        text = "has another default; the process keeps the old one unless told"
        return Relation("G06c", RULE_OF["G06c"], Verdict.CONFIRM, text, question)
    if pair.old_types.scalar(old.type) is None:
        text = "starts otherwise, and parts of it are written while the process runs"
        return Relation("G06", "PKD202", Verdict.CONFIRM, text, question)
    return Relation("G06", "PKD202", Verdict.AUTO, "starts otherwise; the live value stays")


def _table(pair: Pair, old: Variable) -> Relation:
    writing = pair.old_usage.writing(old)
    rule = "PKD206" if pair.old_types.holds_function_pointer(old.type) else "PKD202"
    if writing is Writing.NEVER and not rows_are_held(pair, old):
        return Relation("G05", rule, Verdict.AUTO, "is a table that is never written: the new one is taken")
    if writing is Writing.NEVER:
        text = "is a table that is never written, but live data may point at its rows: each needs its successor"
        question = f"Does every row of {old.key} that live data may point at have the same place in the new table?"
        return Relation("G05", rule, Verdict.CONFIRM, text, question)
    element = pair.old_types.element(old.type)
    if writing is Writing.UNKNOWN or isinstance(element, Pointer):
        text = "is a table: the new one is taken if the live one is as it was at the start"
        return Relation("G05", rule, Verdict.AUTO_CHECK, text)
    question = f"Does the program write into {old.key} after its start (else the new table is taken as it is)?"
    text = "is a table that may be written in part: new rows from the new version, live state from the old"
    return Relation("G05b", rule, Verdict.CONFIRM, text, question)


def _instances(pair: Pair, old: Variable, new: Variable) -> list[Edit]:
    """A static variable of a header exists once in each unit that includes it."""
    if old.key in pair.variables.notable or pair.old_types.is_constant(old.type) or not old.units or not new.units:
        return []
    gained, lost = sorted(set(new.units) - set(old.units)), sorted(set(old.units) - set(new.units))
    if max(len(old.units), len(new.units)) < 2 or not (gained or lost):
        return []
    parts = [f"{', '.join(gained)} has one of its own now"] * bool(gained) + [
        f"that of {', '.join(lost)} is gone"
    ] * bool(lost)
    return [Edit("G01" if gained else "G03", RULE_OF["G01" if gained else "G03"], Verdict.AUTO, "", "; ".join(parts))]


def _change(pair: Pair, old: Variable, new: Variable, edits: list[Edit]) -> Change:
    content = {edit.kind for edit in edits}
    title = f"{old.key}" if old.key == new.key else f"{old.key} → {new.key}"
    typed = next((edit for edit in edits if edit.kind.startswith("T") and edit.kind != "T00"), None)
    if typed is not None:
        title += f": {spell(pair.old_types.resolve(old.type))} → {spell(pair.new_types.resolve(new.type))}"
    else:
        title += f": {_summary(content, edits)}"
    change = edited(Subject.VARIABLE, old.key, new.key, title, "; ".join(edit.text for edit in edits), edits)
    if typed is not None:
        kind = "G10" if new.thread_local else "G09" if new.linkage is Linkage.LOCAL else "G04"
        rule = RULE_OF["G10"] if new.thread_local else RULE_OF["G04"]
        change = replace(change, kind=kind, rule=rule, id=f"{rule}:{Subject.VARIABLE}:{old.key}")
    match = pair.variables.notable.get(old.key)
    storage = Storage.THREAD if old.thread_local else Storage.STATIC
    return replace(
        change,
        old_coord=old.coord,
        new_coord=new.coord,
        old_size=old.size,
        new_size=new.size,
        reach=(Reach(old.key, old.name, storage),),
        evidence=match.evidence if match is not None else (),
    )


def _summary(kinds: set[str], edits: list[Edit]) -> str:
    if kinds & {"G05", "G05b"}:
        bounds = [edit for edit in edits if edit.kind in ("G05", "G05b") and "[" in edit.was and "[" in edit.now]
        return f"table, {bounds[0].was} → {bounds[0].now}" if bounds else "contents of the table"
    if kinds & {"G06", "G06b", "G06c"}:
        return "initial value"
    if kinds & {"G08", "G09"}:
        return "moved or renamed"
    return edits[0].text
