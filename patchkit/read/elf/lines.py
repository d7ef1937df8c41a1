"""The files that a unit's entries refer to by number. Source: DWARF 5, section 6.2.4."""

import posixpath

from patchkit.read.elf import dwarf
from patchkit.read.elf.abbrev import Layout, read_value
from patchkit.read.elf.bytesread import cstring, uleb, unsigned
from patchkit.read.elf.failure import Malformed
from patchkit.read.elf.unit import Space, Unit

_PATH, _DIRECTORY_INDEX = 1, 2  # DW_LNCT_path, DW_LNCT_directory_index
BUILT_IN = "<built-in>"
_REREADS = 4  # tables that overlap each other without end are made, not compiled


def clean_path(path: str) -> str:
    """Return `path` without `.`, `..` and doubled slashes, as if no directory on it were a link."""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def read_files(unit: Unit) -> tuple[str, ...]:
    """Return the paths of the unit's files, under the numbers that entries use for them."""
    top = unit.top()
    directory = top.text(dwarf.AT_COMP_DIR)
    start = top.number(dwarf.AT_STMT_LIST)
    if start is None:
        return ()
    files = unit.space.files.get((start, directory))
    if files is None:
        files = unit.space.files[start, directory] = _read_table(unit, start, directory)
    return files


def _read_table(unit: Unit, start: int, directory: str) -> tuple[str, ...]:
    """Return the files of the table at `start`; nothing beyond its own end is looked at."""
    space, little = unit.space, unit.space.little
    width = 4
    length, position = unsigned(space.line, start, 4, little)
    if length == 0xFFFFFFFF:
        width = 8
        length, position = unsigned(space.line, position, 8, little)
    if length > len(space.line) - position:
        raise Malformed("the line table reaches beyond its section")
    space.line_read += length
    if space.line_read > _REREADS * len(space.line) + 4096:
        raise Malformed("the line tables overlap")
    data = space.line[position : position + length]
    version, position = unsigned(data, 0, 2, little)
    if not 2 <= version <= 5:
        raise Malformed(f"the line table is of version {version}")
    if version >= 5:
        position += 2  # address size, segment selector size
    _, position = unsigned(data, position, width, little)
    position += 5 if version >= 4 else 4  # what only line programs need
    operators = data[position]
    position += operators  # the lengths of operators 1 … operators - 1, after the number itself
    if version >= 5:
        return _modern(space, data, position, Layout(little, unit.layout.address_size, width, version), directory)
    return _classic(data, position, directory)


def source_path(unit: Unit) -> str:
    """Return the path of the unit's source as the compiler was given it, made absolute where its directory is known."""
    top = unit.top()
    return clean_path(posixpath.join(top.text(dwarf.AT_COMP_DIR), top.name)) if top.name else ""


def _classic(data: bytes, position: int, directory: str) -> tuple[str, ...]:
    directories = [directory]
    while data[position]:
        name, position = cstring(data, position)
        directories.append(_join(directory, name))
    files = [""]
    position += 1
    while data[position]:
        name, position = cstring(data, position)
        index, position = uleb(data, position)
        _, position = uleb(data, position)
        _, position = uleb(data, position)
        files.append(_file(directories, index, name))
    return tuple(files)


def _modern(space: Space, data: bytes, position: int, layout: Layout, directory: str) -> tuple[str, ...]:
    rows, position = _table(space, data, position, layout)
    base = _join(directory, rows[0][0]) if rows else directory  # where the compiler ran
    directories = [_join(base, name) for name, _ in rows]
    rows, _ = _table(space, data, position, layout)
    return tuple(_file(directories, index, name) for name, index in rows)


def _table(space: Space, data: bytes, position: int, layout: Layout) -> tuple[list[tuple[str, int]], int]:
    columns: list[tuple[int, int]] = []
    number, position = data[position], position + 1
    for _ in range(number):
        content, position = uleb(data, position)
        form, position = uleb(data, position)
        columns.append((content, form))
    count, position = uleb(data, position)
    if count > len(data) - position:
        raise Malformed("the line table names more files than it has room for")
    rows: list[tuple[str, int]] = []
    for _ in range(count):
        name, index = "", 0
        for content, form in columns:
            text, value, position = _cell(space, data, position, form, layout)
            if content == _PATH:
                name = text
            elif content == _DIRECTORY_INDEX:
                index = value
        rows.append((name, index))
    return rows, position


def _cell(space: Space, data: bytes, position: int, form: int, layout: Layout) -> tuple[str, int, int]:
    if form in dwarf.OFFSET_FORMS:
        offset, position = unsigned(data, position, layout.offset_size, layout.little)
        if form == dwarf.FORM_LINE_STRP:
            return space.line_text(offset), 0, position
        return (space.text(offset) if form == dwarf.FORM_STRP else ""), 0, position
    size = 16 if form == dwarf.FORM_DATA16 else dwarf.FIXED_FORMS.get(form)
    if size is not None:
        value, position = unsigned(data, position, size, layout.little)
        return "", value, position
    cell, position, _ = read_value(data, position, form, layout)
    return (cell if isinstance(cell, str) else ""), (cell if isinstance(cell, int) else 0), position


def _join(directory: str, name: str) -> str:
    return clean_path(posixpath.join(directory, name)) if name else directory


def _file(directories: list[str], index: int, name: str) -> str:
    if name == BUILT_IN or not name:
        return BUILT_IN if name else ""
    if index >= len(directories):
        raise Malformed(f"the file {name} lies in directory {index} of {len(directories)}")
    return _join(directories[index], name)
