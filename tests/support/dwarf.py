"""Debug information written by hand: ELF files that no compiler makes."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from elftools.dwarf.enums import ENUM_DW_AT, ENUM_DW_FORM, ENUM_DW_TAG

Attribute = tuple[str, int | bytes | str]  # form and value; that of a reference is the label of what it refers to
_SIZES = {"data1": "B", "flag": "B", "data2": "H", "data4": "I", "strp": "I", "sec_offset": "I", "data8": "Q"}


@dataclass(slots=True)
class Die:
    """An entry; `label` is what references call it."""

    tag: str
    attributes: dict[str, Attribute] = field(default_factory=dict)
    children: Sequence["Die"] = ()
    label: str = ""


def die(tag: str, *children: Die, label: str = "", **attributes: Attribute | int | str) -> Die:
    """Return an entry; a plain number is written as data8, a plain text as a name, `type` refers to a label."""
    written: dict[str, Attribute] = {}
    for name, value in attributes.items():
        if isinstance(value, tuple):
            written[name] = value
        elif isinstance(value, int):
            written[name] = ("data8", value)
        else:
            written[name] = ("string", value) if name in ("name", "comp_dir", "producer") else ("ref4", value)
    return Die(tag, written, children, label)


def uleb(value: int) -> bytes:
    """Return `value` as unsigned LEB128."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def compile_unit(*children: Die, language: int = 0x0C) -> Die:
    """Return the entry of a unit in C."""
    return die("compile_unit", *children, name="a.c", comp_dir="/build", language=language)


INT = die("base_type", name="int", byte_size=4, encoding=5, label="int")


@dataclass(slots=True)
class _Writer:
    abbrevs: bytearray = field(default_factory=bytearray)
    info: bytearray = field(default_factory=bytearray)
    labels: dict[str, int] = field(default_factory=dict)
    holes: list[tuple[int, str]] = field(default_factory=list)
    codes: dict[object, int] = field(default_factory=dict)

    def write(self, top: Die) -> None:
        waiting: list[Die | None] = [top]
        while waiting:
            entry = waiting.pop()
            if entry is None:
                self.info += b"\0"
                continue
            self._entry(entry)
            if entry.children:
                waiting.append(None)
                waiting.extend(reversed(entry.children))

    def _entry(self, entry: Die) -> None:
        if entry.label:
            self.labels[entry.label] = len(self.info)
        shape = (entry.tag, bool(entry.children), tuple((name, form) for name, (form, _) in entry.attributes.items()))
        code = self.codes.get(shape)
        if code is None:
            code = self.codes[shape] = len(self.codes) + 1
            self.abbrevs += uleb(code) + uleb(ENUM_DW_TAG[f"DW_TAG_{entry.tag}"]) + bytes([bool(entry.children)])
            for name, form in shape[2]:
                self.abbrevs += uleb(ENUM_DW_AT[f"DW_AT_{name}"]) + uleb(ENUM_DW_FORM[f"DW_FORM_{form}"])
            self.abbrevs += b"\0\0"
        self.info += uleb(code)
        for form, value in entry.attributes.values():
            self.info += self._value(form, value)

    def _value(self, form: str, value: int | bytes | str) -> bytes:
        if form in ("ref4", "ref_addr") and isinstance(value, str):
            self.holes.append((len(self.info), value))
            return b"\0\0\0\0"
        if isinstance(value, str):
            return value.encode() + b"\0"
        if isinstance(value, bytes):
            return value
        return uleb(value) if form == "udata" else struct.pack(f"<{_SIZES.get(form, 'I')}", value)


def sections(*units: Die) -> dict[str, bytes]:
    """Return .debug_info and .debug_abbrev of DWARF 4 with `units`, each with a table of its own."""
    info, abbrevs = bytearray(), bytearray()
    for unit in units:
        writer = _Writer()
        writer.info += struct.pack("<IHIB", 0, 4, len(abbrevs), 8)
        writer.write(unit)
        struct.pack_into("<I", writer.info, 0, len(writer.info) - 4)
        for place, label in writer.holes:
            struct.pack_into("<I", writer.info, place, writer.labels[label])
        info += writer.info
        abbrevs += writer.abbrevs + b"\0"
    return {".debug_info": bytes(info), ".debug_abbrev": bytes(abbrevs)}


@dataclass(frozen=True, slots=True)
class Header:
    """What a section header says in place of the truth; None where it says the truth."""

    size: int | None = None
    offset: int | None = None
    type: int = 1
    flags: int = 0


def elf(content: Mapping[str, bytes], headers: Mapping[str, Header] | None = None, *, machine: int = 62) -> bytes:
    """Return an ELF64 shared library that holds the sections `content`."""
    lies = headers or {}
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*content, ".shstrtab"))
    body = bytearray(64)
    table = [bytes(64)]
    for name, data in [*content.items(), (".shstrtab", names)]:
        header = lies.get(name, Header(type=3 if name == ".shstrtab" else 1))
        offset = len(body) if header.offset is None else header.offset
        size = len(data) if header.size is None else header.size
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        table.append(struct.pack("<IIQQQQIIQQ", at, header.type, header.flags, 0, offset, size, 0, 0, 1, 0))
        body += data
    start = len(body)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    fields = (3, machine, 1, 0, 0, start, 0, 64, 56, 0, 64, len(table), len(table) - 1)
    body[:64] = identity + struct.pack("<HHIQQQIHHHHHH", *fields)
    return bytes(body) + b"".join(table)


def chain(tag: str, length: int, last: str = "int") -> Iterator[Die]:
    """Entries of `tag`, each of which refers to the next one; their labels are `tag0`, `tag1` …"""
    for number in range(length):
        target = f"{tag}{number + 1}" if number + 1 < length else last
        yield die(tag, type=target, label=f"{tag}{number}")
