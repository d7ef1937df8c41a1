"""What an ELF file tells about how it was linked."""

import struct
from io import BytesIO
from pathlib import Path

# Elf64_Sym and Elf32_Sym of the ELF specification, in the order in which the fields stand.
_SYMBOL = {64: "IBBHQQ", 32: "IIIBBH"}
_FILE = 4  # STT_FILE


def build_id(path: Path) -> str:
    """Return the GNU build-id of the ELF file at `path` in hexadecimal, empty where it has none or is no ELF file."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import NoteSection

    try:
        with path.open("rb") as file:
            section = ELFFile(file).get_section_by_name(".note.gnu.build-id")
            if not isinstance(section, NoteSection):
                return ""
            return next((str(note["n_desc"]) for note in section.iter_notes()), "")
    except (OSError, ELFError, ValueError):
        return ""


def source_names(file: Path | bytes) -> set[str]:
    """Return the names, without directories, of the sources that the symbol table of the ELF `file` shows.

    None where it is stripped. Symbols are unpacked here, since pyelftools makes several objects of each.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    try:
        data = file.read_bytes() if isinstance(file, Path) else file
        elf = ELFFile(BytesIO(data))
        section = elf.get_section_by_name(".symtab")
        if not isinstance(section, SymbolTableSection):
            return set()
        names = section.stringtable.data()
        layout = struct.Struct(("<" if elf.little_endian else ">") + _SYMBOL[elf.elfclass])
        info = 1 if elf.elfclass == 64 else 3
        local = section.data()[: section["sh_info"] * layout.size]
        starts = [symbol[0] for symbol in layout.iter_unpack(local) if symbol[info] & 15 == _FILE]
        return {names[start : names.index(0, start)].rpartition(b"/")[2].decode(errors="replace") for start in starts}
    except (OSError, ELFError, ValueError, struct.error):
        return set()
