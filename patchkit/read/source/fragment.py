"""What one top-level declaration declares, before the compiler has been asked for any number.

Types are in the JSON form of `patchkit.model.typecode`, with one addition: the length of an array may be a string,
the text of a constant expression. Fragments are plain lists and strings all through, so that a cache can hold them as
they are.
"""

from dataclasses import dataclass, field

from patchkit.model.typecode import TypeCode


@dataclass(slots=True)
class RawMember:
    """A member; `width` is the text of a bit-field's width."""

    name: str
    type: TypeCode
    width: str | None = None


@dataclass(slots=True)
class RawRecord:
    """A struct or union definition. `text` is its specifier, `spelling` how C names it (empty where C cannot)."""

    key: str
    tag: str
    members: list[RawMember]
    attributes: list[str]
    parent: str
    spelling: str
    text: str
    inner: bool = False  # stands inside another's text


@dataclass(slots=True)
class RawEnum:
    """An enumeration definition with the names of its constants."""

    key: str
    constants: list[str]
    spelling: str
    text: str
    inner: bool = False


@dataclass(slots=True)
class RawVariable:
    """A variable: `storage` is `extern`, `static` or empty; `initialiser` the text of its initialiser, None without
    one.
    """

    name: str
    type: TypeCode
    storage: str
    thread_local: bool
    initialiser: str | None
    attributes: list[str]
    ordinal: int = 0


@dataclass(slots=True)
class RawBody:
    """What is known of a function body from its tokens alone; see `patchkit.model.program.Function`."""

    fingerprint: str
    words: list[str]
    members: list[str]
    assigned: list[str]
    handed_on: list[str]  # used whole, which takes the address of a function or an array
    statics: list[RawVariable] = field(default_factory=list)
    problem: str = ""


@dataclass(slots=True)
class RawFunction:
    """A function definition or declaration."""

    name: str
    type: TypeCode
    parameters: list[str]
    storage: str
    inline: bool
    attributes: list[str]


@dataclass(slots=True)
class Fragment:
    """All that one declaration declares. `emit` is C that declares its types alone, empty where it has none."""

    records: list[RawRecord] = field(default_factory=list)
    enums: list[RawEnum] = field(default_factory=list)
    typedefs: list[tuple[str, TypeCode]] = field(default_factory=list)
    variables: list[RawVariable] = field(default_factory=list)
    functions: list[RawFunction] = field(default_factory=list)
    body: RawBody | None = None
    emit: str = ""
    problem: str = ""
