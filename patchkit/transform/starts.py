"""Members that only the new version has: what they begin with in objects that exist."""

import re

from patchkit.diff.types import ScalarKind
from patchkit.model.ctype import Array
from patchkit.model.decision import Topic
from patchkit.model.program import Program
from patchkit.transform.places import Place
from patchkit.transform.scalars import assign
from patchkit.transform.statements import Context, zero

_ZERO = frozenset({"0", "NULL", "{0}", "{}", "false", "zero"})
_PADDING = re.compile(r"(?i:^_*(pad|padding|unused|reserved|spare|filler)_*\d*$)")
_WORD = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")


def begin(at: Context, new: Place) -> None:
    """Write the value that was decided for a new member, or ask for it; until then it is zero."""
    said = at.said(Topic.INITIAL, new.subject)
    if said is None and _PADDING.match(new.name):
        zero(at.made, new, "new, and only fills a gap")
    elif said is None:
        question = f"which value has {new.subject} in objects that exist?"
        at.ask(Topic.INITIAL, new.subject, question, (), _nothing(at, new), evidence=at.story.evidence)
        zero(at.made, new, "until it is decided")
    else:
        begin_with(at, new, said, "decided: new")


def begin_with(at: Context, new: Place, said: str, reason: str) -> None:
    """Set a member to the value of the C expression `said`."""
    text = said.strip()
    if text in _ZERO:
        zero(at.made, new, f"{reason}, {text}")
        return
    value = expression(text, at.pair.new)
    bare, scalar = at.new_types.bare(new.type), at.new_types.scalar(new.type)
    if scalar is not None and scalar.kind is ScalarKind.POINTER:
        at.made.line(f"{new.text} = {value};", reason)
    elif scalar is not None and new.width is not None:
        assign(at, new, f"({value})", reason)
    elif scalar is not None:
        at.made.line(f"{new.text} = ({at.new_header.member(new.type)})({value});", reason)
    elif text.startswith(('"', "{")) and isinstance(bare, Array):
        with at.made.block("", reason):
            at.made.line(f"static const {at.new_header.member(new.type, 'value')} = {value};")
            at.made.line(f"memcpy({new.address}, value, sizeof value);")
    elif text.startswith("{"):
        at.made.line(f"{new.text} = ({at.new_header.member(new.type)}){value};", reason)
    elif isinstance(bare, Array):
        with at.made.loop(str(bare.length or 0), reason) as index:
            size = at.measure(bare.element, old=False)
            begin_with(at, new.element(index, bare.element, size), said, "each element")
    else:
        at.made.line(f"{new.text} = {value};", reason)


def _nothing(at: Context, new: Place) -> str:
    scalar = at.new_types.scalar(new.type)
    return "NULL" if scalar is not None and scalar.kind is ScalarKind.POINTER else "0"


def expression(text: str, program: Program) -> str:
    """Return a C expression with the constants of a version's enumerations and macros replaced by their values.

    The frozen headers have them under other names, or not at all. What is in a string stays.
    """
    known = {name: value for enum in program.enums.values() for name, value in enum.constants}
    macros = {macro.name: macro.value for macro in program.macros.values()}
    parts = re.split(r'("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')', text)

    def named(match: "re.Match[str]") -> str:
        word = match.group()
        value = known.get(word, macros.get(word))
        if value is None or word in ("old", "new", "it", "NULL", "true", "false"):
            return {"true": "1", "false": "0"}.get(word, word)
        return f"{value} /* {word} */" if isinstance(value, str) or value >= 0 else f"({value}) /* {word} */"

    return "".join(part if number % 2 else _WORD.sub(named, part) for number, part in enumerate(parts))
