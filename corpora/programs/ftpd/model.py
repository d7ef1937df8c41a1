"""What the client knows of the files on an ftpd server, and what right answers look like."""

import argparse
import random
import re
import zlib
from collections.abc import Callable

Check = Callable[[bytes], bool]

_LINE = re.compile(rb"([d-])[rwx-]{9} +\d+ ftp ftp +(\d+) [A-Z][a-z]{2} [ \d]\d [ \d]\d[:\d]\d\d ([^\r\n]+)")
_FACTS = rb"250-Facts:\r\n type=file;size=%d;modify=20\d{12}; %s\r\n250 End"


def equals(expected: bytes) -> Check:
    """Return a check for exactly this."""
    return lambda reply: reply == expected


def like(pattern: bytes) -> Check:
    """Return a check for what a regular expression describes as a whole."""
    return lambda reply: re.fullmatch(pattern, reply, re.DOTALL) is not None


class Model:
    """The files of one client: below `base`, in it and in three directories."""

    def __init__(self, base: bytes, options: argparse.Namespace, source: random.Random) -> None:
        self.base = base
        self.random = source
        self.size = options.size
        self.files: dict[bytes, bytes] = {}
        self.directories: list[bytes] = []
        self.directory = b"/"  # the session's current one
        self._names = [b"file %d.bin" % at if at % 5 == 0 else b"f%d" % at for at in range(options.files)]

    def make_directories(self) -> list[bytes]:
        """Return the directories that are still to be made."""
        if self.directories:
            return []
        self.directories = [self.base, *(self.base + b"/d%d" % at for at in range(3))]
        return self.directories

    def some_file(self) -> bytes:
        """Return the path of a file that may be there; each name has one place."""
        at = self.random.randrange(len(self._names))
        return self.directories[at % len(self.directories)] + b"/" + self._names[at]

    def some_directory(self) -> bytes:
        return self.random.choice(self.directories)

    def shown(self, path: bytes) -> bytes:
        """Return a path as one may write it in the current directory."""
        inside = self.directory.rstrip(b"/") + b"/"
        if path.startswith(inside) and self.random.random() < 0.7:
            return path.removeprefix(inside)
        if self.random.random() < 0.1:
            return self.base + b"/d0/../." + path.removeprefix(self.base)
        return path

    def content(self) -> bytes:
        size = self.size * (20 if self.random.random() < 0.02 else 1)
        return self.random.randbytes(self.random.randrange(size))

    def entries(self, directory: bytes) -> dict[bytes, int | None]:
        """Return what is in a directory: names with sizes, None for a directory."""
        start = directory + b"/"
        found: dict[bytes, int | None] = {
            path.removeprefix(start): len(content)
            for path, content in self.files.items()
            if path.startswith(start) and b"/" not in path.removeprefix(start)
        }
        if directory == self.base:
            found |= dict.fromkeys((path.removeprefix(start) for path in self.directories[1:]), None)
        return found

    def lists_names(self, directory: bytes) -> Check:
        """Return a check of a listing of names as it has to be now."""
        return equals(b"".join(name + b"\r\n" for name in sorted(self.entries(directory))))

    def lists(self, directory: bytes) -> Check:
        """Return a check of a listing with everything that is told of a file as it has to be now."""
        expected = sorted(self.entries(directory).items())

        def check(text: bytes) -> bool:
            found: list[tuple[bytes, int | None]] = []
            for line in text.split(b"\r\n")[:-1]:
                parts = _LINE.fullmatch(line)
                if parts is None:
                    return False
                found.append((parts[3], None if parts[1] == b"d" else int(parts[2])))
            return found == expected and (not text or text.endswith(b"\r\n"))

        return check

    def describes(self, path: bytes) -> Check:
        """Return a check of MLST's answer."""
        content = self.files.get(path)
        if content is None:
            return like(rb"550 .*: not found\.")
        return like(_FACTS % (len(content), re.escape(path)))

    def has_checksum(self, path: bytes) -> Check:
        """Return a check of XCRC's answer."""
        return equals(b"250 %08X" % zlib.crc32(self.files[path]))

    def refusals(self) -> list[tuple[bytes, bytes]]:
        """Return commands that have to be refused, and how."""
        outside = b"/../..%s/none" % self.base
        return [
            (b"HELO there", b"500 Unknown command."),
            (b"", b"500 Unknown command."),
            (b"RETR", b"501 An argument is missing."),
            (b"RETR " + outside, b"550 %s: not found." % outside),
            (b"CWD " + outside, b"550 %s: not found." % outside),
            (b"MKD %s/a\x01b" % self.base, b"553 This is not a name."),
            (b"RNTO x", b"503 RNFR comes first."),
            (b"REST x", b"501 This is not a place in a file."),
            (b"TYPE E", b"504 This type is not known."),
            (b"MODE B", b"504 Only S is known."),
            (b"EPSV 2", b"522 Only (1) is known."),
            (b"RMD " + self.base, b"550 %s: Directory not empty." % self.base),
        ]

    def phrases(self) -> list[tuple[bytes, bytes]]:
        """Return commands that change nothing, and regular expressions for their answers."""
        return [
            (b"NOOP", rb"200 Done\."),
            (b"noop", rb"200 Done\."),
            (b"SYST", rb"215 UNIX Type: L8"),
            (b"FEAT", rb"211-Extensions:(\r\n [A-Z][^\r\n]*)+\r\n211 End"),
            (b"STAT", rb"211-ftpd \d+\.\d+\r\n User: load\r\n Type: I\r\n Commands: \d+(\r\n [^\r\n]*)*\r\n211 End"),
            (b"MODE S", rb"200 Done\."),
            (b"STRU F", rb"200 Done\."),
            (b"ABOR", rb"226 Nothing was going on\."),
        ]
