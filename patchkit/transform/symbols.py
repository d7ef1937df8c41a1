"""Names by which an update's C knows the variables of both versions."""

import re

from patchkit.model.program import Variable
from patchkit.transform.migration import Side

_OTHER = re.compile(r"[^A-Za-z0-9_]")


def symbol(side: Side, variable: Variable, unit: str = "") -> str:
    """Return `pk_old__name`; what is static has its file, and its function, before its name.

    `unit` tells apart the instances of what is static in a header. Characters that C lacks become `_`, with their code
    where that would make two names one.
    """
    parts = (unit, variable.function, variable.name)
    number = f"__{variable.ordinal}" if variable.ordinal else ""
    return f"pk_{side}__{_joined(parts)}{number}"


def function_symbol(side: Side, unit: str, name: str) -> str:
    """Return the name of a static function of the source `unit`."""
    return f"pk_{side}__{_joined((unit, name))}"


def _joined(parts: tuple[str, ...]) -> str:
    return "__".join(_OTHER.sub(_escape, part) for part in parts if part)


def _escape(match: "re.Match[str]") -> str:
    return "_" if match.group() in "./-" else f"_{ord(match.group()):x}_"
