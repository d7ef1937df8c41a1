"""What `readelf` says of an executable's symbols: an oracle that shares no code with the readers."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchkit.model.program import Linkage, Program
from tests.support import run

_NOT_OF_THE_SOURCE = re.compile(
    r".*@|CSWTCH\.|reltable\.|switch\.table\.|_IO_stdin_used$|(.*\.)?__(FUNCTION|PRETTY_FUNCTION|func)__"
)
_START_FILES = ("crtstuff.c", "crt1.o", "crti.o", "Scrt1.o", "abi-note.c", "init.c")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A defined symbol. `file` is the base name of its source, known for local ones only; `size` in bytes."""

    name: str
    size: int
    kind: str  # OBJECT, TLS, FUNC …
    file: str

    @property
    def plain(self) -> str:
        """The name without what compilers add to that of static variables and of parts of functions.

        gcc calls a static local `name.0`, clang `function.name`.
        """
        first, *rest = self.name.split(".")
        local = self.kind != "FUNC" and rest and rest[0].isidentifier() and rest[0] != "lto_priv"
        return rest[0] if local else first


def read_symbols(path: Path) -> list[Symbol]:
    """Return what `readelf` lists of the functions and objects that `path` defines in its source.

    Left out are start files, copies of library variables, tables that the compiler made of a switch, and `__func__`.
    """
    done = run("readelf", "-sW", str(path), cwd=path.parent)
    assert done.code == 0, done.err
    own = [symbol for symbol in _parse(done.out) if symbol.file not in _START_FILES and symbol.size]
    return [symbol for symbol in own if not _NOT_OF_THE_SOURCE.match(symbol.name)]


def _parse(listing: str) -> Iterator[Symbol]:
    file, listed = "", False
    for line in listing.splitlines():
        if line.startswith("Symbol table"):
            listed = ".symtab" in line
        words = line.split()
        if not listed or len(words) < 7 or not words[0].rstrip(":").isdigit():
            continue
        _, _, size, kind, binding, _, section = words[:7]
        name = words[7] if len(words) > 7 else ""
        if kind == "FILE":
            file = name
        elif kind in ("OBJECT", "TLS", "FUNC") and section not in ("UND", "ABS") and name:
            yield Symbol(name, int(size, 0), kind, file if binding == "LOCAL" else "")


def counts(symbols: list[Symbol]) -> Counter[str]:
    """Return how many functions and objects there are of each name, parts of one function counted once."""
    objects = Counter(symbol.plain for symbol in symbols if symbol.kind != "FUNC")
    functions = {(symbol.plain, symbol.file) for symbol in symbols if symbol.kind == "FUNC"}
    return objects + Counter(name for name, _ in functions)


def size_differences(program: Program, symbols: list[Symbol]) -> list[str]:
    """Return every object of the executable that `program` has not, or not with its size.

    Several static objects of one name are told apart by their sizes alone; one that is called after its line goes by
    the name that it has with line 0.
    """
    external = {v.name: v.size for v in program.variables.values() if v.linkage is Linkage.EXTERNAL}
    local: dict[str, Counter[int]] = {}
    for variable in program.variables.values():
        if variable.linkage is not Linkage.EXTERNAL:
            local.setdefault(variable.name, Counter())[variable.size] += max(len(variable.units), 1)
    found = []
    for symbol in symbols:
        if symbol.kind == "FUNC":
            continue
        if not symbol.file:
            if external.get(symbol.name) != symbol.size:
                found.append(f"{symbol.name}: {symbol.size} bytes, read as {external.get(symbol.name)}")
        else:
            sizes = local.get(symbol.plain) or local.get(re.sub(r"\d+", "0", symbol.plain), Counter())
            if sizes[symbol.size] == 0:
                found.append(f"{symbol.file}: {symbol.name}: {symbol.size} bytes, read as {sorted(sizes.elements())}")
            sizes[symbol.size] -= 1
    return found
