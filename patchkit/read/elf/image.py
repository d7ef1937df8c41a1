"""An ELF file's debug sections as bytes, decompressed and relocated."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from elftools.elf.elffile import ELFFile

from patchkit.errors import InputError
from patchkit.read.elf.coverage import sources_with_code
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.relocate import Relocator
from patchkit.read.elf.sections import NOBITS, REBUILD, SYMTAB, Section, SectionReader
from patchkit.read.elf.symbols import thread_local_names

_WANTED = ("info", "types", "abbrev", "str", "line", "line_str", "str_offsets")
_PREFIXES = (".debug_", ".zdebug_")
_MACHINES = {"EM_X86_64": "x86-64", "EM_386": "i386", "EM_AARCH64": "aarch64", "EM_ARM": "arm"}


@dataclass(slots=True)
class Image:
    """What was read of one ELF file. `sections` are its debug sections, by name without `.debug_`."""

    path: Path
    machine: str
    little: bool
    bits: int
    build_id: str = ""
    debug_link: tuple[str, int] | None = None  # file name, CRC-32
    alternate_link: tuple[str, str] | None = None  # path, build-id
    sections: dict[str, bytes] = field(default_factory=dict)
    has_symbols: bool = False
    thread_local: frozenset[str] = frozenset()  # names of thread-local variables in the symbol table
    sources: tuple[str, ...] = ()  # base names of those that the symbol table shows to have code or data
    notes: set[str] = field(default_factory=set)  # what was seen that explains missing debug information


def read_image(path: Path) -> Image:
    """Read the file at `path`. Raises InputError where it is no ELF file or contradicts itself."""
    with _opened(path) as file:
        start = file.read(8)
        if start[:4] != b"\x7fELF":
            raise _not_elf(path, start)
        with guarded(path):
            return _read(path, file)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong inside into an InputError that names `path`: damage makes parsers fail in any way."""
    try:
        yield
    except InputError:
        raise
    except Malformed as problem:
        raise InputError(f"{path} is damaged: {problem}", hint=REBUILD) from problem
    except Exception as problem:
        text = str(problem) or type(problem).__name__
        raise InputError(f"{path} is damaged: its ELF structure cannot be read ({text})", hint=REBUILD) from problem


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.is_file():
            kind = "is a directory" if path.is_dir() else "is no regular file" if path.exists() else "does not exist"
            raise InputError(f"{path} {kind}", hint="name an executable, a shared library or an object file")
        file = path.open("rb")
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    with file:
        yield file


def _not_elf(path: Path, start: bytes) -> InputError:
    if start in (b"!<arch>\n", b"!<thin>\n"):
        return InputError(
            f"{path} is an archive of objects", hint="name the program that is linked from it, or one of its objects"
        )
    if start[:4] in (b"BC\xc0\xde", b"\xde\xc0\x17\x0b"):
        return InputError(
            f"{path} is LLVM bitcode, not an ELF file",
            hint="name the linked program, or compile the object without -flto",
        )
    if not start:
        return InputError(f"{path} is empty, not an ELF file")
    return InputError(f"{path} is not an ELF file", hint="name an executable, a shared library or an object file")


def _read(path: Path, file: BinaryIO) -> Image:
    elf = ELFFile(file)
    machine = str(elf["e_machine"])
    if elf["e_type"] == "ET_CORE":
        raise InputError(f"{path} is a core file", hint="name the executable that the core file is of")
    image = Image(
        path=path,
        machine=_MACHINES.get(machine, machine.removeprefix("EM_").lower().replace("_", "-")),
        little=elf.little_endian,
        bits=elf.elfclass,
    )
    reader = SectionReader(elf, file, str(path), os.fstat(file.fileno()).st_size)
    wanted: dict[str, list[Section]] = {}
    for section in reader.sections:
        _note(image, section, reader)
        name = _debug_name(section)
        if name.endswith(".dwo"):
            image.notes.add("dwo")
        elif name in _WANTED:
            wanted.setdefault(name, []).append(section)
    relocator = Relocator(elf, reader) if elf["e_type"] == "ET_REL" else None
    for name, sections in wanted.items():
        pieces = [reader.content(section) for section in sections]
        if relocator is not None:
            pieces = [relocator.apply(section, piece) for section, piece in zip(sections, pieces, strict=True)]
        image.sections[name] = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return image


def _debug_name(section: Section) -> str:
    """Return the name of a debug section without what they all begin with, empty for any other."""
    if section.type != NOBITS:
        for prefix in _PREFIXES:
            if section.name.startswith(prefix):
                return section.name.removeprefix(prefix)
    return ""


def _note(image: Image, section: Section, reader: SectionReader) -> None:
    """Take down what a section says about the file as a whole."""
    name = section.name
    if section.type == SYMTAB and not image.has_symbols:
        image.has_symbols = True
        image.thread_local = thread_local_names(reader, section)
        image.sources = sources_with_code(reader, section)
    elif name == ".note.gnu.build-id":
        image.build_id = _build_id(reader.content(section), image.little)
    elif name == ".gnu_debuglink":
        data = reader.content(section)
        text = data.split(b"\0", 1)[0]
        crc = data[(len(text) + 4) & ~3 :][:4]
        image.debug_link = os.fsdecode(text), int.from_bytes(crc, "little" if image.little else "big")
    elif name == ".gnu_debugaltlink":
        text, _, identity = reader.content(section).partition(b"\0")
        image.alternate_link = os.fsdecode(text), identity.hex()
    elif name.startswith((".gnu.debuglto_", ".gnu.lto_", ".llvm.lto")):
        image.notes.add("lto")


def _build_id(note: bytes, little: bool) -> str:
    order = "little" if little else "big"
    name_size, size = int.from_bytes(note[:4], order), int.from_bytes(note[4:8], order)  # type: ignore[arg-type]
    start = 12 + ((name_size + 3) & ~3)
    return note[start : start + size].hex()
