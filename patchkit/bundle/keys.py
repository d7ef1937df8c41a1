"""Identities of functions and variables, the same in every version of a program and in every build of a version.

An identity is a kind and a text, of which a key is the 64-bit BLAKE2b digest:

- what is external is called `name`;
- a static function or variable `unit:name`, where `unit` is the path of the source that was compiled, relative to the
  root of the version: a program may have two sources of one base name, which the symbol table does not tell apart. What
  is static in a header exists once in each unit that includes it, and each of them has an identity;
- a static variable inside a function `unit:function:name`, the second of that name in the function `...:name#1`, in
  the order in which they stand in the source. The suffix of the symbol (`name.0`) is the compiler's own counting and
  differs between versions, so debug information tells which is which;
- a part that the compiler split off a function or copied from it (`.cold`, `.part.N`, `.isra.N`, `.constprop.N`) has no
  identity: it goes with the function that it came from.

A variable that became constant, or thread-local, keeps its identity.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b


class Sort(StrEnum):
    """What an identity is of."""

    FUNCTION = "function"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Who a function or variable is. `unit` is empty for what is external, `function` for what is at file scope."""

    sort: Sort
    name: str
    unit: str = ""
    function: str = ""
    ordinal: int = 0

    @property
    def text(self) -> str:
        """What the key is made of, and what people read."""
        parts = (self.unit, self.function, self.name) if self.function else (self.unit, self.name)
        number = f"#{self.ordinal}" if self.ordinal else ""
        return ":".join(part for part in parts if part) + number

    @property
    def key(self) -> int:
        """The 64-bit key."""
        data = f"{self.sort}\0{self.text}".encode("utf-8", "surrogateescape")
        return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


# Names that gcc and clang give to parts and copies of functions; several may be joined.
_CLONE = re.compile(r"\.(?:cold|part|isra|constprop|localalias|lto_priv|llvm|specialized|warm|hot|split)(?:[.\d]|$)")


def base_name(symbol: str) -> str:
    """Return the name of the function that `symbol` is a part or copy of, or `symbol` itself."""
    match = _CLONE.search(symbol)
    return symbol[: match.start()] if match and match.start() else symbol


def is_clone(symbol: str) -> bool:
    """Whether `symbol` is of a part or copy that the compiler made of a function."""
    return base_name(symbol) != symbol
