"""Programs as JSON: the saved model that users keep, and the form in which caches and workers pass programs on.

A model is one object; `docs/schema/program-1.json` describes it. Entities are arrays whose first element is the
fingerprint, so that two models can be compared without decoding what is equal in both. Types stand once each in a
table, and entities name them by index: a program has ten times fewer distinct types than uses of one.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from patchkit.errors import InputError
from patchkit.model.ctype import CType, Function as FunctionType, Tag
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
from patchkit.model.typecode import decode_type, encode_type

FORMAT = "patchkit.program/1"
_TABLES = ("records", "enums", "typedefs", "variables", "functions", "macros")
_LARGEST = 1 << 30  # bytes of a model file
_SANE = 1 << 62  # sizes, offsets and lines beyond this are not those of a program

T = TypeVar("T")
Raw = list[Any]  # Any: JSON, checked where it is decoded


class TypeTable:
    """The distinct types of one model: decoded when asked for by index, or encoded one after the other."""

    def __init__(self, codes: list[Any] | None = None) -> None:
        self.codes: list[Any] = codes if codes is not None else []
        self._decoded: list[CType | None] = [None] * len(self.codes)
        self._known: dict[str, int] = {}
        self._encoded: dict[
            int, tuple[CType, int]
        ] = {}  # by identity: most types are one value that many entities share

    def decode(self, index: object) -> CType:
        """Return the type at `index`."""
        if index.__class__ is not int or not 0 <= index < len(self.codes):
            raise ValueError(f"{str(index)[:40]!r} is no place in the table of types")
        found = self._decoded[index]
        if found is None:
            found = self._decoded[index] = decode_type(self.codes[index])
        return found

    def encode(self, ctype: CType) -> int:
        """Return the index of a type, put into the table if it is not there."""
        found = self._encoded.get(id(ctype))
        if found is not None:
            return found[1]
        code = encode_type(ctype)
        index = self._known.setdefault(repr(code), len(self.codes))
        if index == len(self.codes):
            self.codes.append(code)
        self._encoded[id(ctype)] = ctype, index
        return index


class LazyMapping(Mapping[str, T], Generic[T]):
    """Entities that are decoded when they are asked for; `patchkit.model.rows` reads columns without decoding."""

    def __init__(self, raw: dict[str, Raw], types: TypeTable, decode: Callable[[str, Raw, TypeTable], T]) -> None:
        self._raw = raw
        self._decode = decode
        self._known: dict[str, T] = {}
        self.types = types

    def __getitem__(self, key: str) -> T:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decode(key, self._raw[key], self.types)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __contains__(self, key: object) -> bool:
        return key in self._raw

    def raw(self) -> dict[str, Raw]:
        """Return what is decoded from; not to be changed."""
        return self._raw


def program_to_json(program: Program) -> dict[str, Any]:
    """Return the JSON form of a program."""
    types = _shared_types(program)
    tables: dict[str, Any]
    if types is not None:
        tables = {name: getattr(program, name).raw() for name in _TABLES}
    else:
        types = TypeTable()
        tables = {
            "records": {key: _encode_record(record, types) for key, record in program.records.items()},
            "enums": {key: _encode_enum(enum) for key, enum in program.enums.items()},
            "typedefs": {key: _encode_typedef(typedef, types) for key, typedef in program.typedefs.items()},
            "variables": {key: _encode_variable(variable, types) for key, variable in program.variables.items()},
            "functions": {
                key: encode_function(function, types.encode(function.type))
                for key, function in program.functions.items()
            },
            "macros": {key: _encode_macro(macro) for key, macro in program.macros.items()},
        }
    return {
        "format": FORMAT,
        "label": program.label,
        "origin": program.origin.value,
        "root": program.root,
        "machine": program.machine,
        "units": [[unit.source, list(unit.flags), unit.compiler] for unit in program.units],
        "gaps": [[gap.coord.file, gap.coord.line, gap.reason, gap.hint] for gap in program.gaps],
        "unseen": [facet.value for facet in program.unseen],
        "types": types.codes,
        **tables,
    }


def _shared_types(program: Program) -> TypeTable | None:
    """Return the table of types that all mappings of a loaded program share, None for any other program."""
    mappings = [getattr(program, name) for name in _TABLES]
    tables = [mapping.types for mapping in mappings if isinstance(mapping, LazyMapping)]
    return tables[0] if len(tables) == len(mappings) and all(table is tables[0] for table in tables) else None


def program_from_json(data: Any, *, label: str | None = None, origin: Origin | None = None) -> Program:
    """Return the program that `data` is the JSON form of; entities are decoded when asked for. Raises InputError."""
    if not isinstance(data, dict) or not isinstance(data.get("format"), str):
        raise InputError("not a patchkit model: it has no format", hint="save one with: patchkit read VERSION -o FILE")
    if data["format"] != FORMAT:
        raise InputError(
            f"a model of format {data['format']!r}, this patchkit reads {FORMAT!r}",
            hint="save it again with: patchkit read VERSION -o FILE",
        )
    types = TypeTable(data.get("types")) if isinstance(data.get("types"), list) else None
    if types is None:
        raise InputError("a damaged model: it has no table of types", hint="save it again")
    try:
        return Program(
            label if label is not None else str(data["label"]),
            origin or Origin(data["origin"]),
            str(data["root"]),
            str(data["machine"]),
            tuple(
                Unit(str(source), tuple(map(str, flags)), str(compiler)) for source, flags, compiler in data["units"]
            ),
            LazyMapping(_table(data, "records"), types, _guard("record", _decode_record)),
            LazyMapping(_table(data, "enums"), types, _guard("enum", _decode_enum)),
            LazyMapping(_table(data, "typedefs"), types, _guard("typedef", _decode_typedef)),
            LazyMapping(_table(data, "variables"), types, _guard("variable", _decode_variable)),
            LazyMapping(_table(data, "functions"), types, _guard("function", decode_function)),
            LazyMapping(_table(data, "macros"), types, _guard("macro", _decode_macro)),
            tuple(
                Gap(Coord(str(file), _number(line)), str(reason), str(hint))
                for file, line, reason, hint in data["gaps"]
            ),
            tuple(Facet(name) for name in data["unseen"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"a damaged model: {type(error).__name__} at {error}", hint="save it again") from None


def save_program(program: Program, path: Path) -> None:
    """Write a program as a model file; the same program gives the same bytes."""
    text = json.dumps(program_to_json(program), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    try:
        path.write_text(text + "\n", encoding="ascii")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def load_program(path: Path, *, label: str) -> Program:
    """Read a model file and check all of it. Raises InputError that names the file."""
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path}: too large to be a model ({path.stat().st_size >> 20} MiB)")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a patchkit model: {error}", hint="save one with: patchkit read VERSION -o FILE"
        ) from None
    try:
        program = program_from_json(data, label=label, origin=Origin.MODEL)
        for table in (
            program.records,
            program.enums,
            program.typedefs,
            program.variables,
            program.functions,
            program.macros,
        ):
            for key in table:
                table[key]
    except InputError as error:
        raise InputError(f"{path}: {error.message}", hint=error.hint) from None
    return program


def _table(data: dict[str, Any], name: str) -> dict[str, Raw]:
    table = data[name]
    if not isinstance(table, dict):
        raise InputError(f"a damaged model: {name} is not an object", hint="save it again")
    for key, raw in table.items():
        if not (isinstance(raw, list) and raw and isinstance(raw[0], str)):
            raise InputError(f"a damaged model: {name} entry {key!r} has no fingerprint", hint="save it again")
    return table


def _guard(kind: str, decode: Callable[[str, Raw, TypeTable], T]) -> Callable[[str, Raw, TypeTable], T]:
    def guarded(key: str, raw: Raw, types: TypeTable) -> T:
        try:
            return decode(key, raw, types)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise InputError(f"a damaged model: {kind} {key!r}: {error}", hint="save it again") from None
        except InputError as error:
            raise InputError(f"a damaged model: {kind} {key!r}: {error.message}", hint="save it again") from None

    return guarded


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_SANE <= value <= _SANE:
        raise ValueError(f"{value!r} is not a number that a program could have here")
    return value


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or any(word.__class__ is not str for word in value):
        raise ValueError(f"{str(value)[:60]!r} is not a list of names")
    return tuple(value)


def _encode_record(record: Record, types: TypeTable) -> Raw:
    members = [
        [m.name, types.encode(m.type), m.offset, m.size]
        if m.width is None
        else [m.name, types.encode(m.type), m.offset, m.size, m.width]
        for m in record.members
    ]
    return [
        record.fingerprint,
        record.coord.file,
        record.coord.line,
        record.tag.value,
        record.size,
        record.align,
        members,
        list(record.attributes),
        record.parent,
    ]


def _decode_record(key: str, raw: Raw, types: TypeTable) -> Record:
    mark, file, line, tag, size, align, members, attributes, parent = raw
    return Record(
        key,
        Tag(tag),
        Coord(str(file), _number(line)),
        _number(size),
        _number(align),
        tuple(
            Member(str(m[0]), types.decode(m[1]), _number(m[2]), _number(m[3]), _number(m[4]) if len(m) > 4 else None)
            for m in members
        ),
        _words(attributes),
        str(parent),
        mark,
    )


def _encode_enum(enum: Enum) -> Raw:
    constants = [list(pair) for pair in enum.constants]
    return [enum.fingerprint, enum.coord.file, enum.coord.line, constants, enum.size, enum.signed]


def _decode_enum(key: str, raw: Raw, types: TypeTable) -> Enum:
    mark, file, line, constants, size, signed = raw
    pairs = tuple((str(name), int(value)) for name, value in constants)
    return Enum(key, Coord(str(file), _number(line)), pairs, _number(size), bool(signed), mark)


def _encode_typedef(typedef: Typedef, types: TypeTable) -> Raw:
    return [typedef.fingerprint, typedef.coord.file, typedef.coord.line, types.encode(typedef.type)]


def _decode_typedef(key: str, raw: Raw, types: TypeTable) -> Typedef:
    mark, file, line, code = raw
    return Typedef(key, Coord(str(file), _number(line)), types.decode(code), mark)


def _encode_variable(variable: Variable, types: TypeTable) -> Raw:
    start = variable.initialiser
    return [
        variable.fingerprint,
        variable.coord.file,
        variable.coord.line,
        variable.name,
        types.encode(variable.type),
        variable.linkage.value,
        variable.size,
        variable.thread_local,
        variable.function,
        variable.ordinal,
        None if start is None else [start.fingerprint, start.text, list(start.references)],
        list(variable.attributes),
        list(variable.units),
    ]


def _decode_variable(key: str, raw: Raw, types: TypeTable) -> Variable:
    mark, file, line, name, code, linkage, size, local, function, ordinal, start, attributes, units = raw
    initialiser = None if start is None else Initialiser(str(start[0]), str(start[1]), _words(start[2]))
    return Variable(
        key,
        str(name),
        Coord(str(file), _number(line)),
        types.decode(code),
        Linkage(linkage),
        _number(size),
        bool(local),
        str(function),
        _number(ordinal),
        initialiser,
        _words(attributes),
        _words(units),
        mark,
    )


def encode_function(function: Function, ctype: int) -> Raw:
    """Return a function as a model holds it; `ctype` is the place of its type in the table."""
    return [
        function.fingerprint,
        function.coord.file,
        function.coord.line,
        function.name,
        ctype,
        function.linkage.value,
        list(function.parameters),
        function.inline,
        list(function.attributes),
        function.body,
        list(function.references),
        list(function.members),
        list(function.assigned),
        list(function.units),
    ]


def decode_function(key: str, raw: Raw, types: TypeTable) -> Function:
    """Return the function that `encode_function` made `raw` of. Raises ValueError for anything else."""
    (
        mark,
        file,
        line,
        name,
        code,
        linkage,
        parameters,
        inline,
        attributes,
        body,
        references,
        members,
        assigned,
        units,
    ) = raw
    ctype = types.decode(code)
    if not isinstance(ctype, FunctionType):
        raise ValueError("its type is not that of a function")
    return Function(
        key,
        str(name),
        Coord(str(file), _number(line)),
        ctype,
        Linkage(linkage),
        _words(parameters),
        bool(inline),
        _words(attributes),
        str(body),
        _words(references),
        _words(members),
        _words(assigned),
        _words(units),
        mark,
    )


def _encode_macro(macro: Macro) -> Raw:
    return [macro.fingerprint, macro.coord.file, macro.coord.line, macro.name, macro.text, macro.value]


def _decode_macro(key: str, raw: Raw, types: TypeTable) -> Macro:
    mark, file, line, name, text, value = raw
    return Macro(
        key,
        str(name),
        Coord(str(file), _number(line)),
        str(text),
        value if isinstance(value, int) else str(value),
        mark,
    )
