"""How the comparers put their findings together: edits and changes with the rule, level and id that belong to them."""

from collections.abc import Iterable, Sequence

from patchkit.model.change import Change, Edit, Level, Requires, Subject, Verdict
from patchkit.model.rules import find_rule

# What a kind requires of the process where no rule says it.
_KIND_REQUIRES = {"F01": Requires.QUIESCE, "F02": Requires.NOTHING, "F03": Requires.QUIESCE, "F05": Requires.QUIESCE}

_MOVES = ("T03", "embeds", "F05", "G08")

# The rule that reports a kind, where the finding does not name another one.
RULE_OF = {
    "T01": "PKT101",
    "T02": "PKT102",
    "T03": "PKT103",
    "T04": "PKT106",
    "T05": "PKT104",
    "T06": "PKT105",
    "T07": "PKT105",
    "T08": "PKT107",
    "T09": "PKT107",
    "T10": "PKT108",
    "T11": "PKT108",
    "T12": "PKT107",
    "T13": "PKT103",
    "T14": "PKT106",
    "T15": "PKT107",
    "T16": "PKT110",
    "T17": "PKT110",
    "T18": "PKT111",
    "T19": "PKT114",
    "T20": "PKT112",
    "T21": "PKT113",
    "T23": "PKF302",
    "T24": "PKT115",
    "T25": "PKT104",
    "T26": "PKT118",
    "T27": "PKT118",
    "T28": "PKT102",
    "T29": "PKD210",
    "embeds": "PKT103",
    "G01": "PKD204",
    "G02": "PKD204",
    "G03": "PKD203",
    "G04": "PKD201",
    "G05": "PKD202",
    "G05b": "PKD202",
    "G06": "PKD202",
    "G06b": "PKD202",
    "G06c": "PKI502",
    "G08": "PKT106",
    "G09": "PKD205",
    "G10": "PKD207",
    "F04": "PKF301",
    "F06": "PKC401",
    "F08": "PKI501",
    "V01": "PKF313",
    "V02": "PKF313",
    "V03": "PKF313",
    "S01": "PKT119",
    "B01": "PKB802",
    "B02": "PKI504",
    "R901": "PKR901",
}


def level_of(rule: str, verdict: Verdict) -> Level:
    """Return how loud `rule` is about a finding; what is carried over by itself is information only."""
    found = find_rule(rule)
    if found is None or (verdict <= Verdict.AUTO and found.id != "PKR901"):
        return Level.INFO if verdict <= Verdict.AUTO else Level.WARNING
    return found.level


def requires_of(kind: str, rule: str, verdict: Verdict) -> Requires:
    """Return what a finding needs in the running process."""
    if verdict is Verdict.NONE:
        return Requires.NOTHING
    found = find_rule(rule)
    if found is None:
        return _KIND_REQUIRES.get(kind, Requires.NOTHING if verdict is Verdict.AUTO else Requires.REVIEW)
    if verdict is Verdict.AUTO and found.requires is Requires.REVIEW:
        return Requires.QUIESCE  # nothing is left to review
    return found.requires


def worst(edits: Iterable[Edit]) -> Edit:
    """Return the edit that asks most; of several the first that is more than a move."""
    return max(edits, key=lambda edit: (edit.verdict, edit.kind not in _MOVES))


def change_id(rule: str, subject: Subject, name: str) -> str:
    """Return the stable id of a finding."""
    return f"{rule}:{subject}:{name}"


def edited(
    subject: Subject,
    old_key: str,
    new_key: str,
    title: str,
    text: str,
    edits: Sequence[Edit],
) -> Change:
    """Return a change that is as grave as the gravest of `edits` and requires the most that one of them does."""
    top = worst(edits)
    return Change(
        id=change_id(top.rule or top.kind, subject, old_key or new_key),
        subject=subject,
        kind=top.kind,
        rule=top.rule,
        level=level_of(top.rule, top.verdict),
        requires=max(requires_of(edit.kind, edit.rule, edit.verdict) for edit in edits),
        verdict=top.verdict,
        old_key=old_key,
        new_key=new_key,
        title=title,
        text=text,
        edits=tuple(edits),
        question=top.question,
        grade=min((edit.grade for edit in edits), key=_WEAKEST.index),
    )


_WEAKEST = ("weak", "strong", "certain")


def plain(
    subject: Subject,
    kind: str,
    verdict: Verdict,
    old_key: str,
    new_key: str,
    title: str,
    text: str,
    *,
    rule: str | None = None,
    question: str = "",
) -> Change:
    """Return a change that has no parts."""
    name = RULE_OF.get(kind, "") if rule is None else rule
    return Change(
        id=change_id(name or kind, subject, old_key or new_key),
        subject=subject,
        kind=kind,
        rule=name,
        level=level_of(name, verdict),
        requires=requires_of(kind, name, verdict),
        verdict=verdict,
        old_key=old_key,
        new_key=new_key,
        title=title,
        text=text,
        question=question,
    )
