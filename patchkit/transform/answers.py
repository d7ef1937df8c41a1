"""Whether a value can be the answer to a question."""

import re

from patchkit.errors import InputError
from patchkit.model.decision import Topic
from patchkit.read.source.tokens import TOKEN
from patchkit.transform.names import HOOKS
from patchkit.transform.plan import Planned, may_say
from patchkit.transform.stubs import FILE

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_NAME = re.compile(r"[A-Za-z_]\w*")
_JOINED = re.compile(r"[A-Za-z_0-9\"')\]]")


def check_answer(planned: Planned, topic: Topic, subject: str, value: str) -> None:
    """Raise InputError where nothing asks for `topic` and `subject`, or where `value` cannot be the answer."""
    key = f"{topic} {subject}"
    item = next((each for each in planned.plan.items if (each.topic, each.subject) == (topic, subject)), None)
    hook = topic is Topic.CODE and subject in HOOKS
    if item is None and not hook and not may_say(planned.pair, planned.decisions, topic, subject):
        near = [each.key for each in planned.plan.items if each.subject == subject or each.topic is topic][:3]
        hint = f"it asks {'; '.join(near)}" if near else "`patchkit plan` lists what is asked"
        raise InputError(f"nothing in this update asks `{key}`", hint=hint)
    choices = item.choices if item is not None else (FILE[planned.decisions.way],) if topic is Topic.CODE else ()
    if topic is Topic.PAYLOAD:
        choices = (*choices, *planned.pair.old.records, "-")
    if topic is Topic.CARRIES:
        choices = (*planned.pair.old.enums, "-")
    problem = _problem(topic, value, choices)
    if problem:
        hint = _FORMS.get(topic) or f"the answers are {', '.join(choices)}"
        raise InputError(f"`{value}` is no answer to `{key}`: {problem}", hint=hint)


_FORMS = {
    Topic.CARRIES: "write an enumeration of the old version, `enum color`, or `-`",
    Topic.INITIAL: "write a C expression: 0, NULL, 1 << 3",
    Topic.ALLOCATOR: "write ALLOCATE RELEASE, and behind them ROOM where the size of a block can be asked for",
    Topic.PAYLOAD: "write a type of the old version, or `-` where it leads to nothing that changes",
    Topic.UNION: "write MEMBER=CONDITION; ... with C conditions over `it`, the containing object",
}


def _problem(topic: Topic, value: str, choices: tuple[str, ...]) -> str:
    """What is wrong with an answer, empty where nothing is."""
    if value in choices:
        return ""
    if topic is Topic.UNION and "=" in value:
        parts = [part.partition("=") for part in value.split(";") if part.strip()]
        members = [name.strip() for name, _, _ in parts]
        wrong = next((name for name in members if name not in choices), "")
        if wrong and choices:
            return f"the union has no member {wrong}"
        return next((bad for _, _, condition in parts if (bad := expression_problem(condition))), "")
    if topic is Topic.CONSTANT and re.fullmatch(r"-?\d+", value):
        return ""
    if topic is Topic.PAYLOAD and (value.startswith("with ") or value.split(" when ", maxsplit=1)[0] in choices):
        return ""
    if choices:
        return "the old version has no such type" if topic is Topic.PAYLOAD else "it is none of the choices"
    if topic is Topic.INITIAL:
        return expression_problem(value)
    if topic is Topic.ALLOCATOR:
        words = value.split()
        named = value == "-" or (len(words) in (2, 3) and all(_NAME.fullmatch(word) for word in words))
        return "" if named else "it must be two names of functions, or three"
    return "" if value.strip() else "it is empty"


def expression_problem(text: str) -> str:
    """What keeps a text from being a C expression, as far as its tokens tell; empty where nothing does."""
    words = TOKEN.findall(text)
    if not words:
        return "it is empty"
    waiting: list[str] = []
    for before, word in zip(["(", *words], words, strict=False):
        if word in (";", "{", "}", "#") and word not in ("{", "}"):
            return f"`{word}` cannot stand in an expression"
        if word in _PAIRS:
            waiting.append(_PAIRS[word])
        elif word in _PAIRS.values() and (not waiting or waiting.pop() != word):
            return f"`{word}` closes nothing"
        if word in ("=", "+=", "-="):
            return f"`{word}` would assign"
        if _NAME.fullmatch(word) and _JOINED.match(before[-1:]) and not _may_follow(before):
            return f"`{before} {word}` lacks an operator"
    if waiting:
        return f"`{waiting[-1]}` is missing"
    if re.fullmatch(r"[-+*/%&|^<>=!?:,.]+|->", words[-1]) and words[-1] not in ("++", "--"):
        return f"`{words[-1]}` has nothing behind it"
    return ""


def _may_follow(before: str) -> bool:
    """Whether a name may stand behind a token as it does behind a type's words, a cast, `sizeof` or a text."""
    words = "struct union enum const volatile unsigned signed long short int char float double void sizeof"
    return before in words.split() or before in (")", "]")
