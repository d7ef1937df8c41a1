"""One version of a program: every type, variable, function and constant macro, with where it stands and how it is laid
out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from patchkit.model.ctype import CType, Function as FunctionType, Tag


@dataclass(frozen=True, slots=True, order=True)
class Coord:
    """A place in a source file: path relative to the program's root if it lies below it, line from 1 (0: unknown)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Linkage(StrEnum):
    """How a variable or function is seen from elsewhere."""

    EXTERNAL = "external"
    STATIC = "static"
    LOCAL = "local"  # a static variable inside a function


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct or union.

    `offset` and `size` are in bits from the start of the record. `size` is 0 for a flexible array. `width` is the
    declared width of a bit-field, None for any other member. `name` is empty for an unnamed struct or union member
    and for padding bit-fields.
    """

    name: str
    type: CType
    offset: int
    size: int
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A struct or union; `size` and `align` in bytes, as the compiler lays it out."""

    key: str
    tag: Tag
    coord: Coord
    size: int
    align: int
    members: tuple[Member, ...]
    attributes: tuple[str, ...] = ()  # sorted: packed, aligned, transparent_union ...
    parent: str = ""  # key of the record that an unnamed one is part of
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumeration: its constants in order, and the size in bytes and sign of the type that holds it."""

    key: str
    coord: Coord
    constants: tuple[tuple[str, int], ...]
    size: int
    signed: bool
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Typedef:
    """A type name."""

    key: str
    coord: Coord
    type: CType
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Initialiser:
    """What a variable starts as: `fingerprint` of its tokens, the first of them as `text`, the names it refers to."""

    fingerprint: str
    text: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """An object with static or thread storage duration.

    Its key is `name` for an external one, `file:name` for a static one and `file:function:name` (`…:name#1` for the
    second of that name in the function) for a static local. `units` are the sources that hold an instance: more than
    one only for a static variable of a header. `size` is in bytes, 0 where unknown.
    """

    key: str
    name: str
    coord: Coord
    type: CType
    linkage: Linkage
    size: int
    thread_local: bool = False
    function: str = ""
    ordinal: int = 0
    initialiser: Initialiser | None = None
    attributes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def file(self) -> str:
        """The file that defines it."""
        return self.coord.file


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the program defines. Its key is `name`, or `file:name` for a static one.

    `body` is a fingerprint of the tokens of the body, free of comments, white space and line numbers; empty where
    bodies were not read. `references` are the file-scope names the body mentions (functions, variables, types,
    enumeration constants), `members` the member names it reaches through `.` and `->`, `assigned` the file-scope
    variables and its own static ones that it may write or whose address it may pass on, and the functions whose
    address it takes; all sorted.
    """

    key: str
    name: str
    coord: Coord
    type: FunctionType
    linkage: Linkage
    parameters: tuple[str, ...] = ()
    inline: bool = False
    attributes: tuple[str, ...] = ()
    body: str = ""
    references: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    assigned: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def file(self) -> str:
        """The file that defines it."""
        return self.coord.file


@dataclass(frozen=True, slots=True)
class Macro:
    """An object-like macro that expands to a constant: `value` is an int, or the literal's text for strings and
    floats.
    """

    key: str  # name, or name@file where files disagree
    name: str
    coord: Coord
    text: str
    value: int | str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """A translation unit that was read: its source and a fingerprint of the flags that matter to layout and code."""

    source: str
    flags: tuple[str, ...] = ()
    compiler: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be read, so that no answer which depends on it may be a pass."""

    coord: Coord
    reason: str
    hint: str = ""


class Origin(StrEnum):
    """What a program was read from."""

    RECORDING = "recording"
    COMMANDS = "compile_commands.json"
    DIRECTORY = "directory"
    ELF = "elf"
    MODEL = "model"


class Facet(StrEnum):
    """A part of a program that a reader may be unable to see; `Program.unseen` lists those."""

    MACROS = "macros"
    BODIES = "function bodies"
    INITIALISERS = "initialisers"
    REFERENCES = "references"
    UNUSED_TYPES = "types that nothing uses"


@dataclass(frozen=True, slots=True)
class Program:
    """One version of a program.

    The mappings go from key to definition. `label` is how the user named the version. `machine` is `x86-64` or
    another ELF machine name; `gaps` make every answer incomplete; `unseen` are the facets its reader cannot see by
    nature.
    """

    label: str
    origin: Origin
    root: str
    machine: str
    units: tuple[Unit, ...]
    records: Mapping[str, Record] = field(default_factory=dict)
    enums: Mapping[str, Enum] = field(default_factory=dict)
    typedefs: Mapping[str, Typedef] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)
    macros: Mapping[str, Macro] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    unseen: tuple[Facet, ...] = ()
