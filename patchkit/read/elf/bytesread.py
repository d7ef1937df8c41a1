"""Numbers and strings out of bytes, with every bound checked. Source: DWARF 5, sections 7.5.6, 7.6."""

from patchkit.read.elf.failure import Malformed

MAXIMUM_NAME = 4096  # no path that Linux opens and no name that a compiler was seen to write is longer


def uleb(data: bytes, position: int) -> tuple[int, int]:
    """Return the unsigned LEB128 number at `position` and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Malformed("a LEB128 number has more than 64 bits")
    if value >> 64:
        raise Malformed("a LEB128 number has more than 64 bits")
    return value, position


def sleb(data: bytes, position: int) -> tuple[int, int]:
    """Return the signed LEB128 number at `position` and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift > 63:
            raise Malformed("a LEB128 number has more than 64 bits")
    if byte & 0x40:
        value -= 1 << shift
    return value, position


def cstring(data: bytes, position: int) -> tuple[str, int]:
    """Return the zero-terminated string at `position` and the position after it."""
    if not 0 <= position < len(data):
        raise Malformed(f"a name lies at {position:#x}, outside its section")
    end = data.find(b"\0", position, position + MAXIMUM_NAME)
    if end < 0:
        raise Malformed("a name has no end")
    return data[position:end].decode("utf-8", "replace"), end + 1


def unsigned(data: bytes, position: int, size: int, little: bool) -> tuple[int, int]:
    """Return the unsigned number of `size` bytes at `position` and the position after it."""
    end = position + size
    if position < 0 or end > len(data):
        raise Malformed("a number lies outside its section")
    return int.from_bytes(data[position:end], "little" if little else "big"), end
