"""The pages that say of every rule and every kind of change what it means for the running process, and what to do.

A page is `pages/<id>.md`; the rule's or kind's own data stand above it.
"""

from collections.abc import Iterable
from difflib import SequenceMatcher
from importlib.resources import files

from patchkit.errors import InputError
from patchkit.model.kinds import KINDS, Kind
from patchkit.model.rules import RULES, Rule, find_rule
from patchkit.model.words import REQUIREMENTS

_SUGGESTIONS = 3
_NEAR = 0.6


def explain(id_or_name: str) -> str:
    """Return the page of a rule (`PKT101`, `field-added`) or of a kind of change (`T01`) as Markdown, case aside.

    Raises InputError for anything else, with the nearest ids and names.
    """
    asked = id_or_name.strip()
    rule = find_rule(asked)
    if rule:
        return f"{_rule_head(rule)}\n{page(rule.id)}"
    kind = _find_kind(asked)
    if kind:
        return f"{_kind_head(kind)}\n{page(kind.code)}"
    raise InputError(f"there is no rule and no kind of change called {asked!r}", hint=_suggest(asked))


def page(code: str) -> str:
    """Return the text of the page of a rule's id or a kind's code, without its head."""
    return files(__name__).joinpath("pages", f"{code}.md").read_text(encoding="utf-8")


def _rule_head(rule: Rule) -> str:
    reserved = "\n\nThis release does not report it yet." if rule.reserved else ""
    facts = f"Level {rule.level}, requires {REQUIREMENTS[rule.requires]}, fix {rule.fix}."
    return f"# {rule.id} {rule.name}\n\n{rule.summary}.\n\n{facts}{reserved}\n"


def _kind_head(kind: Kind) -> str:
    return f"# {kind.code} {kind.title}\n\nVerdict: {kind.verdict}.\n"


def _find_kind(code: str) -> Kind | None:
    return next((kind for kind in KINDS.values() if kind.code.lower() == code.lower()), None)


def _suggest(asked: str) -> str:
    """Return what was probably meant: the nearest ids and names, else those that contain what was asked for."""
    titles = {kind.title: kind.code for kind in KINDS.values()}
    names = {**{rule.name: rule.name for rule in RULES.values()}, **titles, **{code: code for code in (*RULES, *KINDS)}}
    lower = {name.lower(): shown for name, shown in names.items()}
    near = _nearest(asked.lower(), lower)
    near = near or sorted(name for name in lower if len(asked) > 2 and asked.lower() in name)[:_SUGGESTIONS]
    if not near:
        return f"rules have ids such as {next(iter(RULES))}, kinds of change such as T01; reports print both"
    shown = (f"{lower[name]} ({name})" if lower[name].lower() != name else lower[name] for name in near)
    return f"did you mean {', '.join(shown)}?"


def _nearest(asked: str, names: Iterable[str]) -> list[str]:
    """Return the names most like `asked`; of equally like ones the first by alphabet."""
    matcher = SequenceMatcher(b=asked)
    ranked = []
    for name in names:
        matcher.set_seq1(name)
        if matcher.real_quick_ratio() >= _NEAR and matcher.ratio() >= _NEAR:
            ranked.append((-matcher.ratio(), name))
    return [name for _, name in sorted(ranked)[:_SUGGESTIONS]]
