"""The build-id that a linker gave to what it linked."""

from pathlib import Path


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
