"""What one top-level declaration declares, before the compiler has been asked for any number.

Types are in the JSON form of `patchkit.model.typecode`, with one addition: the length of an array may be a string,
the text of a constant expression. Fragments are plain lists and strings all through, so that a cache can hold them as
they are.
"""

from dataclasses import dataclass, field
from typing import Any

from patchkit.model.typecode import TypeCode

PACK_PREFIX = "#pragma pack"  # begins the text of a declaration that stands under one


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
    parsed: bool = False  # something in it was parsed, so that other names of types may give another result


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


def raw_fragment(fragment: Fragment) -> list[Any]:
    """Return a fragment as lists alone, which JSON takes; what it does not declare is left out at the end."""
    body = fragment.body
    row = [
        fragment.emit,
        fragment.problem,
        [_raw_record(record) for record in fragment.records],
        [[e.key, e.constants, e.spelling, e.text, e.inner] for e in fragment.enums],
        fragment.typedefs,
        [_raw_variable(variable) for variable in fragment.variables],
        [[f.name, f.type, f.parameters, f.storage, f.inline, f.attributes] for f in fragment.functions],
        None if body is None else _raw_body(body),
    ]
    while row and not row[-1]:
        row.pop()
    return row


def _raw_record(record: RawRecord) -> list[Any]:
    members = [[m.name, m.type, m.width] for m in record.members]
    return [
        record.key,
        record.tag,
        members,
        record.attributes,
        record.parent,
        record.spelling,
        record.text,
        record.inner,
    ]


def _raw_variable(v: RawVariable) -> list[Any]:
    return [v.name, v.type, v.storage, v.thread_local, v.initialiser, v.attributes, v.ordinal]


def _raw_body(body: RawBody) -> list[Any]:
    statics = [_raw_variable(variable) for variable in body.statics]
    names = [body.words, body.members, body.assigned, body.handed_on]
    return [body.fingerprint, *names, statics, body.problem, body.parsed]


def fragment_from_raw(row: list[Any]) -> Fragment:
    """Return the fragment that `raw_fragment` made `row` of; the lists of `row` become its own."""
    fragment = Fragment()
    for place, value in enumerate(row):
        match place:
            case 0:
                fragment.emit = value
            case 1:
                fragment.problem = value
            case 2:
                fragment.records = [
                    RawRecord(key, tag, [RawMember(*member) for member in members], *more)
                    for key, tag, members, *more in value
                ]
            case 3:
                fragment.enums = [RawEnum(*enum) for enum in value]
            case 4:
                fragment.typedefs = [(name, code) for name, code in value]
            case 5:
                fragment.variables = [RawVariable(*variable) for variable in value]
            case 6:
                fragment.functions = [RawFunction(*function) for function in value]
            case _:
                mark, words, members, assigned, handed_on, statics, problem, parsed = value
                variables = [RawVariable(*variable) for variable in statics]
                fragment.body = RawBody(mark, words, members, assigned, handed_on, variables, problem, parsed)
    return fragment
