"""An ELF file's debug sections as bytes, decompressed and relocated."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section, SymbolTableSection

from patchkit.errors import InputError
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.relocate import relocate
from patchkit.read.elf.symbols import thread_local_names

_WANTED = ("info", "types", "abbrev", "str", "line", "line_str", "str_offsets")
_PREFIXES = (".debug_", ".zdebug_")
# zlib cannot do better than 1032 : 1, debug information never comes near it.
_MOST_GROWTH = 200
_MOST_BYTES = 1 << 32
_MACHINES = {"EM_X86_64": "x86-64", "EM_386": "i386", "EM_AARCH64": "aarch64", "EM_ARM": "arm"}
_WHOLE = "build the program again and name the new file"


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
        raise InputError(f"{path} is damaged: {problem}", hint=_WHOLE) from problem
    except Exception as problem:
        text = str(problem) or type(problem).__name__
        raise InputError(f"{path} is damaged: its ELF structure cannot be read ({text})", hint=_WHOLE) from problem


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
    size = os.fstat(file.fileno()).st_size
    wanted: dict[str, list[tuple[int, Section]]] = {}
    for index in range(elf.num_sections()):
        section = elf.get_section(index)
        _note(image, section, size)
        for prefix in _PREFIXES:
            if section.name.startswith(prefix) and section["sh_type"] != "SHT_NOBITS":
                name = section.name.removeprefix(prefix).removesuffix(".dwo")
                if section.name.endswith(".dwo"):
                    image.notes.add("dwo")
                elif name in _WANTED:
                    wanted.setdefault(name, []).append((index, section))
    for name, sections in wanted.items():
        pieces = [_content(path, section, size) for _, section in sections]
        if elf["e_type"] == "ET_REL":
            pieces = relocate(elf, [(index, piece) for (index, _), piece in zip(sections, pieces, strict=True)])
        image.sections[name] = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return image


def _note(image: Image, section: Section, size: int) -> None:
    """Take down what a section says about the file as a whole."""
    name = section.name
    if isinstance(section, SymbolTableSection) and section["sh_type"] == "SHT_SYMTAB":
        image.has_symbols = True
        image.thread_local = thread_local_names(section.elffile, section)
    elif name == ".note.gnu.build-id":
        image.build_id = _build_id(_content(image.path, section, size), image.little)
    elif name == ".gnu_debuglink":
        data = _content(image.path, section, size)
        text = data.split(b"\0", 1)[0]
        crc = data[(len(text) + 4) & ~3 :][:4]
        image.debug_link = os.fsdecode(text), int.from_bytes(crc, "little" if image.little else "big")
    elif name == ".gnu_debugaltlink":
        text, _, identity = _content(image.path, section, size).partition(b"\0")
        image.alternate_link = os.fsdecode(text), identity.hex()
    elif name.startswith((".gnu.debuglto_", ".gnu.lto_", ".llvm.lto")):
        image.notes.add("lto")


def _build_id(note: bytes, little: bool) -> str:
    order = "little" if little else "big"
    name_size, size = int.from_bytes(note[:4], order), int.from_bytes(note[4:8], order)  # type: ignore[arg-type]
    start = 12 + ((name_size + 3) & ~3)
    return note[start : start + size].hex()


def _content(path: Path, section: Section, file_size: int) -> bytes:
    """Return what a section holds, decompressed; its size is checked before anything is allocated."""
    if section["sh_offset"] + section["sh_size"] > file_size:
        raise InputError(f"{path} is truncated: section {section.name} reaches beyond the end of the file", hint=_WHOLE)
    if section.compressed:
        _check_growth(path, section.name, section["sh_size"], section.data_size)
        kind = section._compression_type  # pyelftools has no public name for it
        if kind != "ELFCOMPRESS_ZLIB":
            raise InputError(
                f"{path}: section {section.name} is compressed in a way that cannot be read ({kind})",
                hint=f"decompress it first: objcopy --decompress-debug-sections {path} FILE, then name FILE",
            )
    data = section.data()
    if section.name.startswith(".zdebug_") and data[:4] == b"ZLIB":
        size = int.from_bytes(data[4:12], "big")
        _check_growth(path, section.name, len(data), size)
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(data[12:], size)
        if len(data) != size:
            raise Malformed(f"section {section.name} is compressed and does not unpack to its size")
    return data


def _check_growth(path: Path, name: str, packed: int, unpacked: int) -> None:
    if unpacked > _MOST_BYTES or unpacked > packed * _MOST_GROWTH + 4096:
        raise InputError(f"{path} is damaged: section {name} claims to unpack to {unpacked:,} bytes", hint=_WHOLE)
