"""Sizes, offsets, bounds and enumeration values: what is asked of the compiler, and what its answers mean."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from patchkit.model.typecode import TypeCode
from patchkit.read.source.answers import Answers
from patchkit.read.source.constants import Constant
from patchkit.read.source.fragment import Fragment, RawEnum, RawMember, RawRecord
from patchkit.read.source.preamble import Preambles
from patchkit.read.source.probe import Answer, Question, Refusal
from patchkit.read.source.scope import ReadUnit

_SIGN = 1 << 63


@dataclass(slots=True)
class RecordLayout:
    """Size and alignment in bytes; per member (offset, size) in bits."""

    size: int
    align: int
    members: list[tuple[int, int]]


@dataclass(slots=True)
class EnumLayout:
    """Constants' values in order, and the size in bytes and sign of the type."""

    values: list[int]
    size: int
    signed: bool


@dataclass(slots=True)
class Measures:
    """Everything the compiler said.

    Keys: (class number, plain key) for types, (class number, declaration, expression) for constants.
    """

    records: dict[tuple[int, str], RecordLayout] = field(default_factory=dict)
    enums: dict[tuple[int, str], EnumLayout] = field(default_factory=dict)
    constants: dict[tuple[int, int, str], int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of primitives and pointers, in bytes
    refused: dict[tuple[object, ...], str] = field(default_factory=dict)


def add_measures(measures: Measures, more: Measures) -> None:
    """Take the answers of a later survey, which asked again for all that was refused but basic types."""
    measures.records.update(more.records)
    measures.enums.update(more.enums)
    measures.constants.update(more.constants)
    measures.refused = {tag: text for tag, text in measures.refused.items() if tag[0] == "primitive"} | more.refused


class Surveyor:
    """Collects questions about one version, then asks them all at once."""

    def __init__(
        self,
        fragments: Mapping[int, Fragment],
        answers: Answers,
        variables: Mapping[int, Mapping[str, str]] | None = None,
        like: "Surveyor | None" = None,
    ) -> None:
        self._fragments = fragments
        self._answers = answers
        others = like._preambles if like is not None else None
        self._preambles: Preambles = Preambles(fragments, variables or {}, others)
        self._records: dict[tuple[int, str], tuple[int, RawRecord]] = {}
        self.measures = Measures()

    def record(self, scope: int, unit: ReadUnit, number: int, record: RawRecord) -> None:
        """Ask for the layout of a struct or union that declaration `number` of `unit` defines."""
        question = _record_question(record, {r.key: r for r in self._fragments[number].records})
        self._add(unit, number, record.text, question, ("record", scope, number, record))

    def enum(self, scope: int, unit: ReadUnit, number: int, enum: RawEnum) -> None:
        """Ask for the values and the type of an enumeration."""
        type_name = enum.spelling or "pk_t"
        setup = "" if enum.spelling else f"typedef {enum.text} pk_t;"
        words = (f"sizeof({type_name})", f"({type_name})-1 < 0", *enum.constants)
        self._add(unit, number, enum.text, Question(words, setup=setup), ("enum", scope, number, enum))

    def constant(self, scope: int, unit: ReadUnit, number: int, expression: str) -> None:
        """Ask for the value of a constant expression."""
        self._add(unit, number, expression, Question((expression,)), ("constant", scope, number, expression))

    def macro(self, unit: ReadUnit, index: int, constant: Constant) -> None:
        """Ask for the value of a macro, in the scope of a unit that defines it."""
        question = Question((constant.expression,), defines=constant.defines)
        words = self._preambles.words(" ".join((constant.expression, *constant.defines)))
        self._preambles.add(unit, (), words, question, ("constant", 0, index, constant.expression))

    def primitives(self, unit: ReadUnit, names: Iterable[str]) -> None:
        """Ask for the sizes of basic types; `*` is a pointer."""
        for name in names:
            spelled = "void *" if name == "*" else name.replace("complex ", "_Complex ")
            self._preambles.add(unit, (), (), Question((f"sizeof({spelled})",)), ("primitive", name))

    def _add(self, unit: ReadUnit, number: int, text: str, question: Question, tag: tuple[object, ...]) -> None:
        self._preambles.add(unit, (number,), self._preambles.words(text), question, tag)

    def ask(self, jobs: int) -> Measures:
        """Put all questions to the compiler. Raises ToolError where it cannot be run."""
        layers = self._preambles.layers
        for layer, answers in zip(layers, self._answers.ask(layers, jobs), strict=True):
            for tag, answer in zip(layer.tags, answers, strict=True):
                self._take(tag, answer)
        self._place_unnamed()
        return self.measures

    def _take(self, tag: tuple[object, ...], answer: Answer | Refusal) -> None:
        if isinstance(answer, Refusal):
            self.measures.refused[tag[:3] if tag[0] in ("record", "enum") else tag] = answer.reason
            return
        match tag:
            case ("record", int(scope), int(number), RawRecord() as record):
                siblings = {other.key: other for other in self._fragments[number].records}
                self.measures.records[scope, record.key] = _layout(record, siblings, answer)
                self._records[scope, record.key] = (number, record)
            case ("enum", int(scope), int(), RawEnum() as enum):
                size, negative, *values = answer.words
                self.measures.enums[scope, enum.key] = EnumLayout(
                    [_signed(value) if negative or (value >= _SIGN and size < 8) else value for value in values],
                    size,
                    bool(negative),
                )
            case ("constant", int(scope), int(number), str(expression)):
                self.measures.constants[scope, number, expression] = _signed(answer.words[0])
            case ("primitive", str(name)):
                self.measures.sizes[name] = answer.words[0]

    def _place_unnamed(self) -> None:
        """Give unnamed members their place: that of their leaf, less the leaf's place inside them."""
        leaves = {}
        for (scope, key), (number, record) in self._records.items():
            siblings = {other.key: other for other in self._fragments[number].records}
            chosen = next((i for i, member in enumerate(record.members) if _leaf(member, siblings)), 0)
            members = self.measures.records[scope, key].members
            leaves[scope, key] = members[chosen][0] if members else 0
        for (scope, key), (_, record) in self._records.items():
            layout = self.measures.records[scope, key]
            for index, member in enumerate(record.members):
                if not member.name and isinstance(member.type, list):
                    inner = (scope, str(member.type[1]))
                    if inner in self.measures.records:
                        size = self.measures.records[inner].size * 8
                        layout.members[index] = (layout.members[index][0] - leaves[inner], size)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= _SIGN else value


def _is_flexible(code: TypeCode) -> bool:
    return isinstance(code, list) and code[0] == "[]" and code[2] is None


def _leaf(member: RawMember, records: Mapping[str, RawRecord]) -> str:
    """The name of a member through which an unnamed member can be reached: its first that has an address."""
    if member.name:
        return member.name if member.width is None else ""
    record = records.get(str(member.type[1])) if isinstance(member.type, list) else None
    for inner in record.members if record is not None else ():
        if leaf := _leaf(inner, records):
            return leaf
    return ""


def _first_bits(member: RawMember, records: Mapping[str, RawRecord]) -> str:
    record = records.get(str(member.type[1])) if isinstance(member.type, list) else None
    for inner in record.members if record is not None else ():
        if found := inner.name or _first_bits(inner, records):
            return found
    return ""


def _record_question(record: RawRecord, siblings: Mapping[str, RawRecord]) -> Question:
    subject = record.spelling or "pk_t"
    setup = ""
    if not record.spelling:
        setup = f"typedef {record.text} pk_t;"
        packs = [name for name in record.attributes if name.startswith("pack(")]
        if packs:
            setup = f"#pragma pack(push, {packs[0][5:-1]})\n{setup}\n#pragma pack(pop)"
    words = [f"sizeof({subject})", f"_Alignof({subject})"]
    bits = []
    for member in record.members:
        if member.width is not None:
            bits.append(member.name)
            continue
        leaf = member.name or _leaf(member, siblings)
        if not leaf:
            bits.append(_first_bits(member, siblings))
            continue
        words.append(f"__builtin_offsetof({subject}, {leaf})")
        if member.name:
            words.append("0" if _is_flexible(member.type) else f"sizeof((({subject} *)0)->{leaf})")
    return Question(tuple(words), subject, tuple(bits), setup)


def _layout(record: RawRecord, siblings: Mapping[str, RawRecord], answer: Answer) -> RecordLayout:
    words, bits = iter(answer.words), iter(answer.bits)
    size, align = next(words), next(words)
    members = []
    for member in record.members:
        if member.width is not None:
            members.append(next(bits))
        elif member.name:
            members.append((next(words) * 8, next(words) * 8))
        elif _leaf(member, siblings):
            members.append((next(words) * 8, 0))
        else:
            members.append((next(bits)[0], 0))
    return RecordLayout(size, align, members)
