"""C names under which the types of both versions stand side by side: `struct client` is `struct old_client` there."""

import re

from patchkit.transform.migration import Side

_OTHER = re.compile(r"[^A-Za-z0-9_]")
HOOKS = ("before", "after")  # subjects of decisions that a programmer's function runs around everything
_JOINTS = {".": "__", "@": "__in_", "/": "_", "-": "_", "#": "_", " ": "_", "(": "", ")": "", "<": "", ">": "_of"}


def plain(text: str) -> str:
    """Return `text` with what no C name may have replaced; what is not known to stand in keys becomes its code."""
    return _OTHER.sub(lambda match: _JOINTS.get(match.group(), f"_{ord(match.group()):x}_"), text)


def tag_name(side: Side, key: str) -> str:
    """Return how the record or enumeration `key` of a version is called, without its keyword: `old_client`."""
    return f"{side}_{plain(key.split(' ', 1)[-1])}"


def type_name(side: Side, key: str) -> str:
    """Return how it is called, with its keyword: `struct old_client`."""
    keyword = key.split(" ", 1)[0]
    return f"{keyword} {tag_name(side, key)}"


def conversion_name(key: str) -> str:
    """Return the name of the function that converts objects of the old record `key`."""
    return f"pk_convert_{plain(key.split(' ', 1)[-1])}"


def transformer_name(key: str) -> str:
    """Return the name of the function of transform.c that does so, for a type or a variable."""
    return f"pk_transform_{plain(key.removeprefix('struct ').removeprefix('union '))}"
