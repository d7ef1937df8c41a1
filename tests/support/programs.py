"""Programs written down in a few lines of C-like text, for tests that need no compiler.

Members are laid out by natural alignment, in the order that they are written in; what one refers to comes before it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from patchkit.model.ctype import (
    Array,
    CType,
    Function as FunctionType,
    Named,
    Pointer,
    Primitive,
    Tag,
    qualify,
)
from patchkit.model.fingerprint import fingerprint
from patchkit.model.program import (
    Coord,
    Enum,
    Facet,
    Function,
    Gap,
    Initialiser,
    Linkage,
    Macro,
    Member,
    Origin,
    Program,
    Record,
    Typedef,
    Unit,
    Variable,
)

_SIZES = {
    "char": 1,
    "signed char": 1,
    "unsigned char": 1,
    "_Bool": 1,
    "short int": 2,
    "short unsigned int": 2,
    "int": 4,
    "unsigned int": 4,
    "long int": 8,
    "long unsigned int": 8,
    "long long int": 8,
    "float": 4,
    "double": 8,
    "void": 1,
}
_LONGER = {
    "short": "short int",
    "unsigned short": "short unsigned int",
    "unsigned": "unsigned int",
    "long": "long int",
    "unsigned long": "long unsigned int",
    "long long": "long long int",
    "bool": "_Bool",
}
_DECLARATION = re.compile(
    r"(?P<base>.*?)(?P<stars>[* ]*)\b(?P<name>\w*)(?P<bounds>(?:\[\d*\])*)(?: : (?P<width>\d+))?$"
)
_POINTER = re.compile(r"(?P<result>.*?) ?\(\*(?P<name>\w*)(?P<bounds>(?:\[\d*\])*)\)\((?P<parameters>.*)\)$")
_QUALIFIER = re.compile(r"(const|volatile|_Atomic) ")


@dataclass(frozen=True)
class Draft:
    """A struct or union before its members have offsets."""

    key: str
    members: tuple[str, ...]
    coord: Coord
    parent: str = ""
    attributes: tuple[str, ...] = ()
    least: int = 0  # bytes it takes at least


Thing = Draft | Enum | Typedef | Variable | Function | Macro


def ctype(text: str) -> CType:
    """Return the type that `text` spells without a name: `struct a *`, `char[4]`, `void (*)(int)`."""
    return declaration(text)[1] if _POINTER.match(text) else _base(text)


def declaration(text: str) -> tuple[str, CType, int | None]:
    """Return name, type and bit-field width of a C declaration, `const char *name` say."""
    pointer = _POINTER.match(text)
    if pointer is not None:
        parameters = [part.strip() for part in pointer["parameters"].split(",")] if pointer["parameters"] else []
        shape = FunctionType(_base(pointer["result"]), tuple(_base(part) for part in parameters if part != "void"))
        return pointer["name"], _bounds(Pointer(shape), pointer["bounds"]), None
    if " " not in text or text.endswith("*"):
        return "", _base(text), None
    match = _DECLARATION.match(text)
    assert match is not None, text
    found = _bounds(_base(match["base"] + match["stars"]), match["bounds"])
    return match["name"], found, int(match["width"]) if match["width"] else None


def _bounds(element: CType, bounds: str) -> CType:
    for bound in reversed(re.findall(r"\[(\d*)\]", bounds)):
        element = Array(element, int(bound) if bound else None)
    return element


def _base(text: str) -> CType:
    text = text.strip()
    if text.endswith("*"):
        return Pointer(_base(text[:-1]))
    if text.endswith("]"):
        base, _, bound = text[:-1].partition("[")
        return _bounds(_base(base), f"[{bound}]")
    qualifiers = []
    while (match := _QUALIFIER.match(text)) is not None:
        qualifiers.append(match[1])
        text = text[match.end() :]
    name = _LONGER.get(text, text)
    first = name.split(" ", 1)[0]
    if name in _SIZES:
        return qualify(Primitive(name), *qualifiers)
    if first in ("struct", "union", "enum"):
        return qualify(Named(Tag(first), name), *qualifiers)
    return qualify(Named(Tag.TYPEDEF, name), *qualifiers)


def struct(name: str, *members: str, file: str = "server.h", tag: str = "struct", **more: object) -> Thing:
    """Return `struct name` with members like `char name[16]`, `unsigned flags : 3`, `struct a.b` (no name)."""
    return replace(Draft(f"{tag} {name}", members, Coord(file, 1)), **more)  # type: ignore[arg-type]


def union(name: str, *members: str, file: str = "server.h", **more: object) -> Thing:
    """Return `union name`."""
    return struct(name, *members, file=file, tag="union", **more)


def enum(name: str, *constants: str, file: str = "server.h", size: int = 4) -> Thing:
    """Return an enumeration of constants like `RED` or `BLUE = 4`; its key is `enum {FIRST}` where `name` is empty."""
    found: list[tuple[str, int]] = []
    following = 0
    for constant in constants:
        word, _, value = constant.partition(" = ")
        following = int(value) if value else following
        found.append((word, following))
        following += 1
    key = f"enum {name}" if name else f"enum {{{found[0][0]}}}"
    return Enum(key, Coord(file, 1), tuple(found), size, signed=False)


def typedef(name: str, meaning: str | CType, file: str = "server.h") -> Thing:
    """Return a typedef."""
    return Typedef(name, Coord(file, 1), ctype(meaning) if isinstance(meaning, str) else meaning)


def variable(
    text: str,
    *,
    file: str = "server.c",
    static: bool = False,
    function: str = "",
    ordinal: int = 0,
    init: str | None = None,
    refers: Sequence[str] = (),
    thread_local: bool = False,
    units: Sequence[str] = (),
    attributes: Sequence[str] = (),
) -> Thing:
    """Return the variable that the C declaration `text` declares."""
    name, found, _ = declaration(text)
    local = f"{file}:{function}:{name}" + (f"#{ordinal}" if ordinal else "")
    return Variable(
        key=local if function else f"{file}:{name}" if static else name,
        name=name,
        coord=Coord(file, 1),
        type=found,
        linkage=Linkage.LOCAL if function else Linkage.STATIC if static else Linkage.EXTERNAL,
        size=0,
        thread_local=thread_local,
        function=function,
        ordinal=ordinal,
        initialiser=None if init is None else Initialiser(f"tokens of {init}", init, tuple(refers)),
        attributes=tuple(attributes),
        units=tuple(units or (file,)),
    )


def function(
    text: str,
    *,
    file: str = "server.c",
    static: bool = False,
    inline: bool = False,
    body: str = "as it was",
    mentions: Sequence[str] = (),
    reaches: Sequence[str] = (),
    writes: Sequence[str] = (),
    units: Sequence[str] = (),
    attributes: Sequence[str] = (),
) -> Thing:
    """Return the function that `text` declares, `void serve(struct client *, int)` say.

    `body` stands for its tokens; `mentions`, `reaches` and `writes` are its references, members and assigned variables.
    """
    head, _, rest = text.partition("(")
    result, name = head.rsplit(" ", 1)
    stars = len(name) - len(name.lstrip("*"))
    parameters = [part.strip() for part in rest.rstrip(")").split(",") if part.strip() not in ("", "void")]
    name = name.lstrip("*")
    return Function(
        key=f"{file}:{name}" if static else name,
        name=name,
        coord=Coord(file, 1),
        type=FunctionType(_base(result + "*" * stars), tuple(_base(part) for part in parameters)),
        linkage=Linkage.STATIC if static else Linkage.EXTERNAL,
        inline=inline,
        attributes=tuple(attributes),
        body=body,
        references=tuple(sorted({*mentions, *writes})),
        members=tuple(sorted(reaches)),
        assigned=tuple(sorted(writes)),
        units=tuple(units or (file,)),
    )


def macro(name: str, value: int | str, text: str = "", file: str = "server.h") -> Thing:
    """Return a constant macro; `text` is its replacement, the value itself by default."""
    return Macro(name, name.split("@", maxsplit=1)[0], Coord(file, 1), text or str(value), value)


def program(
    *things: Thing,
    label: str = "",
    units: Iterable[Unit] = (Unit("server.c", ("-O2",), "gcc"),),
    gaps: Sequence[Gap] = (),
    unseen: Sequence[Facet] = (),
    machine: str = "x86-64",
    fingerprints: bool = True,
) -> Program:
    """Return the program of `things`; without `fingerprints` every thing has to be compared by value."""
    layout = _Layout([thing for thing in things if isinstance(thing, Enum | Typedef)])
    records: dict[str, Record] = {}
    for thing in things:
        if isinstance(thing, Draft):
            records[thing.key] = layout.place(thing)
    finished: list[Record | Enum | Typedef | Variable | Function | Macro] = [*records.values()]
    finished += [t for t in things if isinstance(t, Enum | Typedef | Function | Macro)]
    finished += [replace(t, size=layout.measure(t.type)[0]) for t in things if isinstance(t, Variable)]
    if fingerprints:
        finished = [replace(each, fingerprint=fingerprint(each)) for each in finished]
    return Program(
        label=label,
        origin=Origin.RECORDING,
        root="",
        machine=machine,
        units=tuple(units),
        records={each.key: each for each in finished if isinstance(each, Record)},
        enums={each.key: each for each in finished if isinstance(each, Enum)},
        typedefs={each.key: each for each in finished if isinstance(each, Typedef)},
        variables={each.key: each for each in finished if isinstance(each, Variable)},
        functions={each.key: each for each in finished if isinstance(each, Function)},
        macros={each.key: each for each in finished if isinstance(each, Macro)},
        gaps=tuple(gaps),
        unseen=tuple(unseen),
    )


class _Layout:
    """Sizes and alignments in bytes, as the x86-64 ABI has them."""

    def __init__(self, named: Iterable[Enum | Typedef]) -> None:
        self._sizes: dict[str, tuple[int, int]] = {}
        self._typedefs = {thing.key: thing.type for thing in named if isinstance(thing, Typedef)}
        for thing in named:
            if isinstance(thing, Enum):
                self._sizes[thing.key] = (thing.size, thing.size)

    def measure(self, shape: CType) -> tuple[int, int]:
        """Return size and alignment of a type."""
        match shape:
            case Primitive(name):
                return _SIZES[name], _SIZES[name]
            case Array(element, length):
                size, align = self.measure(element)
                return size * (length or 0), align
            case Named(Tag.TYPEDEF, key) if key in self._typedefs:
                return self.measure(self._typedefs[key])
            case Named(_, key):
                return self._sizes.get(key, (8, 8))
            case Pointer():
                return 8, 8
            case _:
                return self.measure(shape.target) if hasattr(shape, "target") else (8, 8)

    def place(self, draft: Draft) -> Record:
        """Give the members of `draft` their offsets."""
        tag = Tag(draft.key.split(" ", 1)[0])
        packed = "packed" in draft.attributes
        members: list[Member] = []
        bits, largest, strictest = 0, 0, 1
        for text in draft.members:
            name, shape, width = _nameless(text) or declaration(text)
            size, align = self.measure(shape)
            align = 1 if packed else align
            strictest = max(strictest, align)
            if tag is Tag.UNION:
                bits = 0
            if width is None or bits % (8 * size) + width > 8 * size:
                bits = -(-bits // (8 * align)) * 8 * align
            members.append(Member(name, shape, bits, width if width is not None else size * 8, width))
            bits += width if width is not None else size * 8
            largest = max(largest, bits)
        bytes_used = max(-(-largest // 8), draft.least)
        total = -(-bytes_used // strictest) * strictest
        self._sizes[draft.key] = (total, strictest)
        return Record(draft.key, tag, draft.coord, total, strictest, tuple(members), draft.attributes, draft.parent)


def _nameless(text: str) -> tuple[str, CType, int | None] | None:
    """`union value.#0` alone is a member without a name."""
    return ("", _base(text), None) if "#" in text and text.count(" ") == 1 else None
