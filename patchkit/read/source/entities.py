"""From an inventory and the compiler's answers to the values of a `Program`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from patchkit.model.ctype import CType, Function as FunctionType, Tag
from patchkit.model.fingerprint import type_text, with_fingerprint
from patchkit.model.program import (
    Enum,
    Function,
    Gap,
    Initialiser,
    Linkage,
    Macro,
    Member,
    Record,
    Typedef,
    Variable,
)
from patchkit.model.typecode import TypeCode, decode_type
from patchkit.read.source.bodies import fingerprint_text, written_names
from patchkit.read.source.constants import Constant
from patchkit.read.source.declarations import qualified_code
from patchkit.read.source.fragment import RawEnum, RawRecord, RawVariable
from patchkit.read.source.inventory import Inventory, Place, definition, open_bound
from patchkit.read.source.layout import Measures
from patchkit.read.source.lexer import TYPEOF_PREFIX
from patchkit.read.source.primitives import VA_LIST, primitive_name
from patchkit.read.source.tokens import TOKEN

_Object = TypeVar("_Object", Variable, Function)
_NAMED = frozenset("suet")  # struct, union, enum, typedef
_TEXT = 160  # characters of an initialiser that are kept to be shown
_UNFINISHED = "its layout could not be asked of the compiler: "


class Builder:
    """Builds the entities of one version."""

    def __init__(self, inventory: Inventory, measures: Measures) -> None:
        self._inventory = inventory
        self._measures = measures
        self._constants: dict[tuple[int, int], dict[str, int]] = {}
        for (scope, number, expression), value in measures.constants.items():
            self._constants.setdefault((scope, number), {})[expression] = value
        self._variable_types: dict[str, TypeCode] = {v.name: v.type for _, v, f in inventory.variables if not f}
        self._sizes: dict[str, int] = {}
        self._decoded: dict[str, CType] = {}
        self._spelled: dict[int, tuple[CType, str]] = {}  # by identity of the type
        self._in_signature = False  # where a bound may be a parameter: `int (*rows)[columns]`
        self.gaps: list[Gap] = list(inventory.gaps)

    def types(self, wanted: Iterable[str]) -> tuple[dict[str, Record], dict[str, Enum], dict[str, Typedef]]:
        """Build the wanted types."""
        records: dict[str, Record] = {}
        enums: dict[str, Enum] = {}
        typedefs: dict[str, Typedef] = {}
        for key in wanted:
            place, plain = self._inventory.types[key], self._inventory.plain[key]
            match definition(self._inventory.fragment(place), plain):
                case RawRecord() as raw:
                    if (record := self._record(key, place, raw)) is not None:
                        records[key] = record
                case RawEnum() as raw_enum:
                    if (enum := self._enum(key, place, raw_enum)) is not None:
                        enums[key] = enum
                case code if code is not None:
                    typedefs[key] = with_fingerprint(Typedef(key, place.coord, self._type(place, code)), self._spell)
                case _:
                    continue
        return records, enums, typedefs

    def _record(self, key: str, place: Place, raw: RawRecord) -> Record | None:
        layout = self._measures.records.get((place.scope, raw.key))
        if layout is None:
            reason = self._measures.refused.get(("record", place.scope, place.number), "no answer")
            self.gaps.append(Gap(place.coord, f"{key}: {_UNFINISHED}{reason}"))
            return None
        members = []
        for member, (offset, size) in zip(raw.members, layout.members, strict=True):
            width = size if member.width is not None else None
            members.append(Member(member.name, self._type(place, member.type), offset, size, width))
        parent = self._inventory.classes[place.scope].key(raw.parent) if raw.parent else ""
        tag = Tag.STRUCT if raw.tag == "struct" else Tag.UNION
        return with_fingerprint(
            Record(key, tag, place.coord, layout.size, layout.align, tuple(members), tuple(raw.attributes), parent),
            self._spell,
        )

    def _enum(self, key: str, place: Place, raw: RawEnum) -> Enum | None:
        layout = self._measures.enums.get((place.scope, raw.key))
        if layout is None:
            reason = self._measures.refused.get(("enum", place.scope, place.number), "no answer")
            self.gaps.append(Gap(place.coord, f"{key}: {_UNFINISHED}{reason}"))
            return None
        constants = tuple(zip(raw.constants, layout.values, strict=True))
        return with_fingerprint(Enum(key, place.coord, constants, layout.size, layout.signed))

    def _type(self, place: Place, code: TypeCode) -> CType:
        resolved = self._resolve(place, code)
        text = repr(resolved)
        found = self._decoded.get(text)
        if found is None:
            found = self._decoded[text] = decode_type(resolved)
        return found

    def _spell(self, ctype: CType) -> str:
        found = self._spelled.get(id(ctype))
        if found is None:
            found = self._spelled[id(ctype)] = ctype, type_text(ctype)
        return found[1]

    def _resolve(self, place: Place, code: TypeCode) -> TypeCode:
        """Put the program's keys and the compiler's numbers into a type."""
        if isinstance(code, str):
            return code
        kind, inner = code[0], code[1]
        if kind in _NAMED:
            return [kind, self._inventory.classes[place.scope].key(inner)]
        if kind == "*":
            return ["*", self._resolve(place, inner)]
        if kind == "()":
            return ["()", self._resolve(place, inner), [self._parameter(place, p) for p in code[2]], code[3]]
        if kind == "[]":
            if inner[0] == "t":  # an array of arrays is one type, however many typedefs it was written with
                home, target = self._follow(place, inner)
                if isinstance(target, list) and target[0] == "[]":
                    return ["[]", self._resolve(home, target), self._number(place, code[2])]
            return ["[]", self._resolve(place, inner), self._number(place, code[2])]
        if kind == "q":
            home, target = self._follow(place, code[2])
            if isinstance(target, list) and target[0] == "[]":  # by way of a typedef, or it would be so already
                return self._resolve(home, qualified_code(target, inner.split()))
            return ["q", inner, self._resolve(place, code[2])]
        if kind == "v":
            return ["v", self._resolve(place, inner), self._number(place, code[2]) or 0]
        return self._typeof(place, inner) if inner.startswith(TYPEOF_PREFIX) else code

    def _parameter(self, place: Place, code: TypeCode) -> TypeCode:
        """Resolve a parameter's type; a typedef of an array or a function becomes a pointer too (C11 6.7.6.3p7,8)."""
        words, plain = (code[1], code[2]) if code[0] == "q" else ("", code)
        if plain[0] != "t":
            return self._resolve(place, code)
        home, target = self._follow(place, plain)
        if isinstance(target, list) and target[0] == "[]":
            return ["*", self._resolve(home, qualified_code(target[1], words.split()))]
        named = self._resolve(place, plain)
        return ["*", named] if isinstance(target, list) and target[0] == "()" else named

    def _number(self, place: Place, length: int | str | None) -> int | None:
        if not isinstance(length, str):
            return length
        value = self._constants.get((place.scope, place.number), {}).get(length)
        if value is None and not self._in_signature:
            reason = self._measures.refused.get(("constant", place.scope, place.number, length), "no answer")
            self.gaps.append(Gap(place.coord, f"the bound [{length}] could not be asked of the compiler: {reason}"))
        return value

    def _typeof(self, place: Place, text: str) -> TypeCode:
        inside = text[len(TYPEOF_PREFIX) : -1].strip()
        if inside in self._variable_types:
            return self._resolve(place, self._variable_types[inside])
        words = inside.split()
        stars = 0
        while words and words[-1] == "*":
            words.pop()
            stars += 1
        code: TypeCode | None = primitive_name(words) if words else None
        if code is None and len(words) == 1 and words[0] in self._inventory.types:
            code = self._resolve(place, ["t", words[0]])
        if code is None and len(words) == 2 and words[0] in ("struct", "union", "enum"):
            code = self._resolve(place, [words[0][0], " ".join(words)])
        for _ in range(stars if code is not None else 0):
            code = ["*", code]
        return code if code is not None else ["?", f"typeof({inside})"]

    def _follow(self, place: Place, code: TypeCode) -> tuple[Place, TypeCode]:
        """Follow typedefs and drop qualifiers; the place is that of the last typedef."""
        while isinstance(code, list):
            if code[0] == "q":
                code = code[2]
            elif code[0] == "t" and (
                home := self._inventory.types.get(self._inventory.classes[place.scope].key(code[1]))
            ):
                found = definition(self._inventory.fragment(home), code[1])
                if found is None or isinstance(found, RawRecord | RawEnum):
                    break
                place, code = home, found
            else:
                break
        return place, code

    def size(self, place: Place, code: TypeCode) -> int:
        """Return the size of a type in bytes from what the compiler said of its parts, 0 where it is not known."""
        if isinstance(code, str):
            return self._measures.sizes.get(code, 0)
        match code:
            case ["[]", element, length]:
                number = self._number(place, length)
                return (number or 0) * self.size(place, element)
            case ["q", _, inner]:
                return self.size(place, inner)
            case ["*", _]:
                return self._measures.sizes.get("*", 0)
            case ["v", _, width]:
                return self._number(place, width) or 0
            case ["?", _]:
                resolved = self._resolve(place, code)
                return 0 if resolved[0] == "?" else self.size(place, resolved)
            case [("s" | "u" | "e" | "t"), str(key)]:
                return self._named_size(self._inventory.classes[place.scope].key(key))
        return 0

    def _named_size(self, key: str) -> int:
        found = self._sizes.get(key)
        if found is None:
            if key == VA_LIST:
                return self._measures.sizes.get("__builtin_va_list", 0)
            self._sizes[key] = 0  # a type that contains itself is not C; end the recursion
            found = 0
            if (place := self._inventory.types.get(key)) is not None:
                plain = self._inventory.plain[key]
                match definition(self._inventory.fragment(place), plain):
                    case RawRecord():
                        record = self._measures.records.get((place.scope, plain))
                        found = record.size if record else 0
                    case RawEnum():
                        enum = self._measures.enums.get((place.scope, plain))
                        found = enum.size if enum else 0
                    case code if code is not None:
                        found = self.size(place, code)
                    case _:
                        found = 0
            self._sizes[key] = found
        return found

    def variables(self, names: frozenset[str]) -> dict[str, Variable]:
        """Build the variables; of several definitions of one the one with an initialiser counts."""
        found: dict[str, Variable] = {}
        for place, raw, function in self._inventory.variables:
            if self._follow(place, raw.type)[1][0] == "()":
                continue  # a function, declared through a typedef
            variable = self._variable(place, raw, function, names)
            known, variable = found.get(variable.key), with_fingerprint(variable, self._spell)
            if known is None:
                found[variable.key] = variable
            elif variable.fingerprint == known.fingerprint:
                found[variable.key] = _together(known, variable)
            elif known.initialiser is None and variable.initialiser is not None and known.file == variable.file:
                found[variable.key] = _together(variable, known)
            elif variable.initialiser is not None:
                key = _free_key(found, variable.key, variable.file)
                found[key] = with_fingerprint(replace(variable, key=key))
        return found

    def bounded(self, place: Place, raw: RawVariable) -> TypeCode:
        """Return the type of a variable, with the bound that its initialiser gives it where the declaration gives
        none.
        """
        code = raw.type
        if not (isinstance(code, list) and code[0] == "[]" and code[2] is None and raw.initialiser is not None):
            return code
        bound = open_bound(raw, self._follow(place, code[1])[1], self._constants.get((place.scope, place.number), {}))
        if bound is None:
            self.gaps.append(Gap(place.coord, f"{raw.name}: how many elements its initialiser has is not known"))
        return ["[]", code[1], bound]

    def _variable(self, place: Place, raw: RawVariable, function: str, names: frozenset[str]) -> Variable:
        code = self.bounded(place, raw)
        linkage = Linkage.LOCAL if function else Linkage.STATIC if raw.storage == "static" else Linkage.EXTERNAL
        key = raw.name
        if function:
            key = f"{place.file}:{function}:{raw.name}" + (f"#{raw.ordinal}" if raw.ordinal else "")
        elif linkage is Linkage.STATIC:
            key = f"{place.file}:{raw.name}"
        initialiser = None
        if raw.initialiser is not None:
            mentioned = names.intersection(raw.initialiser.split(" "))  # it holds tokens, one space apart
            if mentioned and ('"' in raw.initialiser or "'" in raw.initialiser):
                mentioned &= frozenset(TOKEN.findall(raw.initialiser))  # not what is a word of a string
            initialiser = Initialiser(
                fingerprint_text(raw.initialiser), _shorten(raw.initialiser), tuple(sorted(mentioned))
            )
        return Variable(
            key,
            raw.name,
            place.coord,
            self._type(place, code),
            linkage,
            self.size(place, code),
            raw.thread_local,
            function,
            raw.ordinal,
            initialiser,
            tuple(raw.attributes),
            self._inventory.holders(place),
        )

    def functions(
        self, names: frozenset[str], variables: frozenset[str], addressed: frozenset[str]
    ) -> dict[str, Function]:
        """Build the functions. `addressed` are the functions and arrays, whose bare name is their address."""
        found: dict[str, Function] = {}
        for place in self._inventory.functions:
            fragment = self._inventory.fragment(place)
            raw, body = fragment.functions[0], fragment.body
            self._in_signature = True
            ctype = self._type(place, raw.type)
            self._in_signature = False
            if body is None or not isinstance(ctype, FunctionType):
                continue
            if not ctype.prototyped and self._inventory.declared_prototype(place, raw.name):
                ctype = replace(ctype, prototyped=True)
            static = raw.storage == "static" or (not raw.storage and self._inventory.declared_static(place, raw.name))
            key = f"{place.file}:{raw.name}" if static else raw.name
            function = with_fingerprint(
                Function(
                    key,
                    raw.name,
                    place.coord,
                    ctype,
                    Linkage.STATIC if static else Linkage.EXTERNAL,
                    tuple(raw.parameters),
                    raw.inline,
                    tuple(raw.attributes),
                    body.fingerprint,
                    tuple(sorted(names.intersection(body.words).difference(raw.parameters, (raw.name,)))),
                    tuple(body.members),
                    written_names(body, variables, addressed, raw.parameters),
                    self._inventory.holders(place),
                ),
                self._spell,
            )
            known = found.get(key)
            if known is not None and known.fingerprint == function.fingerprint:
                function = _together(known, function)
            elif known is not None:
                key = _free_key(found, key, place.file)
                function = with_fingerprint(replace(function, key=key))
            found[key] = function
        return found


def macros(constants: Iterable[Constant], answers: Mapping[tuple[int, int, str], int]) -> dict[str, Macro]:
    """Build the constant macros; `answers` are keyed by (0, index of the constant, expression)."""
    found = {}
    for index, constant in enumerate(constants):
        value = constant.value if constant.value is not None else answers.get((0, index, constant.expression))
        if value is not None:
            name = constant.name.split("@", 1)[0]
            found[constant.name] = with_fingerprint(Macro(constant.name, name, constant.coord, constant.text, value))
    return found


def _together(kept: _Object, other: _Object) -> _Object:
    """Return `kept` with the units of both, which stand for one thing in a header that segments are cut from."""
    return replace(kept, units=tuple(sorted({*kept.units, *other.units})))


def _free_key(taken: Mapping[str, object], key: str, file: str) -> str:
    """Return a key like `key` that is not taken: with the file, or with a number where that is in it already."""
    candidate = key if key.startswith(f"{file}:") else f"{key}@{file}"
    count = 2
    free = candidate
    while free in taken:
        free = f"{candidate}#{count}"
        count += 1
    return free


def _shorten(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
