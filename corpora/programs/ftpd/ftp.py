"""FTP as its clients speak it (RFC 959, 2428): a control connection, and a data connection for each transfer."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CHUNK = 65536
READY = re.compile(rb"220 ftpd \d+\.\d+ is ready\.")
_PASSIVE = re.compile(rb"227 Connect to \(127,0,0,1,(\d+),(\d+)\)\.")
_EXTENDED = re.compile(rb"229 Connect to \(\|\|\|(\d+)\|\)\.")


class Control:
    """A control connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *lines: bytes) -> None:
        """Send commands, all of them in one piece."""
        self._writer.write(b"".join(line + b"\r\n" for line in lines))
        await self._writer.drain()

    async def reply(self) -> bytes:
        """Read a reply, which may have several lines, without the last line end. Raises ValueError for what is none."""
        lines = [await self._line()]
        code = lines[0][:3]
        if not code.isdigit() or lines[0][3:4] not in (b" ", b"-"):
            raise ValueError(f"not a reply: {lines[0]!r}")
        while lines[0][3:4] == b"-" and not lines[-1].startswith(code + b" "):
            lines.append(await self._line())
        return b"\r\n".join(lines)

    async def _line(self) -> bytes:
        line = await self._reader.readuntil(b"\r\n")
        return line[:-2]

    async def ask(self, line: bytes) -> bytes:
        """Send one command and read its reply."""
        await self.send(line)
        return await self.reply()

    async def end(self) -> None:
        """Read up to the end of the connection. Raises ValueError where something comes before it."""
        if await self._reader.read():
            raise ValueError("something after QUIT")


@asynccontextmanager
async def connected(host: str, port: int) -> AsyncIterator[Control]:
    """Give a new control connection."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Control(reader, writer)
    finally:
        writer.close()


def passive_port(reply: bytes) -> int:
    """Return the port that a reply to PASV or EPSV names. Raises ValueError where it names none."""
    if found := _EXTENDED.fullmatch(reply):
        return int(found[1])
    if found := _PASSIVE.fullmatch(reply):
        return int(found[1]) * 256 + int(found[2])
    raise ValueError(f"no port: {reply!r}")


@asynccontextmanager
async def data_connection(host: str, port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a new data connection."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield reader, writer
    finally:
        writer.close()
