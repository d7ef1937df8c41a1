"""Which files `cp`, `mv`, `ln`, `install`, `objcopy` and `strip` made from which."""

import os
import re
from collections.abc import Sequence

from patchkit.read.record.events import Tool

_TAKES_NEXT = {
    Tool.COPY: frozenset("-m --mode -o --owner -g --group -S --suffix".split()),
    Tool.STRIP: frozenset("-F -I -O -N -K -R --target --input-target --output-target".split()),
    Tool.OBJCOPY: frozenset(
        "-F -I -O -B -j -R -N -K -L -G -W --target --input-target --output-target --binary-architecture --only-section"
        " --remove-section --strip-symbol --keep-symbol --localize-symbol --globalize-symbol --keep-global-symbol"
        " --weaken-symbol --redefine-sym --redefine-syms --add-section --update-section --rename-section"
        " --set-section-flags --add-gnu-debuglink --prefix-symbols --prefix-sections --localize-symbols".split()
    ),
}


def understand_copy(tool: Tool, arguments: Sequence[str], directory: str) -> list[tuple[str, str]]:
    """Return absolute paths, from and to, of what the command `arguments` copied, moved or linked in `directory`."""
    operands: list[str] = []
    target = ""
    words = iter(arguments[1:])
    for word in words:
        if (word in ("-t", "--target-directory") and tool is Tool.COPY) or (word == "-o" and tool is Tool.STRIP):
            target = next(words, "")
        elif word.startswith("--target-directory="):
            target = word.partition("=")[2]
        elif word in _TAKES_NEXT[tool]:
            next(words, None)
        elif not word.startswith("-") or word == "-":
            operands.append(word)
    if not target and len(operands) > 1 and tool is not Tool.STRIP:
        target = operands.pop()
    if not target:
        return []
    place = os.path.normpath(os.path.join(directory, target))
    inside = os.path.isdir(place)
    # What a symbolic link says is relative to where the link stands.
    symbolic = os.path.basename(arguments[0]) == "ln" and any(
        re.match("-[a-zA-Z]*s|--symbolic", word) for word in arguments
    )
    origin = (place if inside else os.path.dirname(place)) if symbolic else directory
    pairs = []
    for name in operands:
        source = os.path.normpath(os.path.join(origin, name))
        pairs.append((source, os.path.join(place, os.path.basename(source)) if inside else place))
    return pairs
