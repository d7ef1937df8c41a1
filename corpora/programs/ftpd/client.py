#!/usr/bin/env python3
"""Load for an ftpd server: sessions that last, each answer and each byte of each transfer checked against a model.

Each session owns a directory and knows what every file in it holds. Some (`--streams`) only move large files, so that
transfers go on all the time; some (`--brief`) log in anew every few commands. A run lasts for a number of seconds or of
requests, or until it is told to stop; its last act reads every file back. One line of JSON says what was seen
(`corpora/programs/load.py`).
"""

import argparse
import asyncio
import random
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from corpora.programs.ftpd.ftp import CHUNK, READY, Control, connected, data_connection, passive_port
from corpora.programs.ftpd.model import Check, Model, equals, like
from corpora.programs.load import Silence, Stop, Tally, add_arguments, finish, persevere, run_all

BRIEF = 25  # steps of a session that does not last
PIECE = 16384  # what an upload sends at once
COMPLETE = equals(b"226 The transfer is complete.")
DONE = equals(b"250 Done.")

T = TypeVar("T")


@dataclass(slots=True)
class Traffic:
    """What all sessions move together."""

    transfers: int = 0
    moved: int = 0  # bytes
    in_flight: int = 0


class Player:
    """Plays on the sessions of one runner, one after the other, and counts what is not right."""

    def __init__(self, model: Model, tally: Tally, options: argparse.Namespace, silence: Silence, traffic: Traffic):
        self.model = model
        self.tally = tally
        self.options = options
        self.silence = silence
        self.traffic = traffic
        self.final = False  # what is not right now is lost
        self.random = model.random
        self.known: set[bytes] = set()  # newer commands that the server has answered
        self.control: Control
        transfers = (self.download, self.download, self.upload, self.upload, self.append, self.overwrite, self.list)
        names = (self.delete, self.rename, self.make_and_remove, self.size, self.time, self.move_about, self.pipeline)
        self.steps: list[Callable[[], Awaitable[None]]] = [*transfers, *names, self.refused, self.other, self.abort]
        if options.newer:
            self.steps += [self.describe, self.checksum]

    async def begin(self, control: Control) -> None:
        """Log in, and make the directories where this is the first session."""
        self.control = control
        self.check(b"(greeting)", await self.timed(control.reply()), like(READY.pattern))
        await self.ask(b"USER load", equals(b"331 And the password?"))
        await self.ask(b"PASS word", equals(b"230 Welcome."))
        await self.ask(b"TYPE I", equals(b"200 The type is I."))
        for path in self.model.make_directories():
            await self.ask(b"MKD " + path, equals(b'257 "%s" was made.' % path))
        self.model.directory = b"/"

    async def step(self) -> None:
        await self.random.choice(self.steps)()

    async def timed(self, wanted: Awaitable[T]) -> T:
        async with asyncio.timeout(self.options.timeout):
            return await wanted

    async def ask(self, request: bytes, check: Check) -> bytes:
        begin = time.monotonic()
        reply = await self.timed(self.control.ask(request))
        self.tally.answered(begin, self.silence)
        self.check(request, reply, check)
        return reply

    def check(self, request: bytes, reply: bytes, check: Check) -> None:
        if not check(reply):
            self.fault(request, reply)

    def fault(self, request: bytes, reply: bytes) -> None:
        """Count what is not right."""
        if self.final:
            self.tally.lost += 1
        elif reply.startswith((b"4", b"5")):
            self.tally.errors += 1
        else:
            self.tally.wrong += 1
        self.tally.note(f"{request[:120]!r} -> {reply[:120]!r}")

    @asynccontextmanager
    async def transferring(self, request: bytes, check: Check) -> AsyncIterator[tuple[bool, "Data"]]:
        """Give the data connection of a transfer that has begun; the last reply is still to be read."""
        how = self.random.choice((b"PASV", b"EPSV", b"EPSV 1"))
        port = passive_port(await self.ask(how, lambda reply: reply[:1] == b"2"))
        async with data_connection(self.options.host, port) as (reader, writer):
            reply = await self.ask(request, check)
            self.traffic.in_flight += 1
            try:
                yield reply.startswith(b"150 "), Data(reader, writer, self)
            finally:
                self.traffic.in_flight -= 1
            self.traffic.transfers += 1

    async def complete(self, request: bytes, begin: float) -> None:
        reply = await self.timed(self.control.reply())
        self.tally.answered(begin, self.silence)
        self.check(request, reply, COMPLETE)

    async def receive(self, request: bytes, begins: Check, expected: Check) -> None:
        """Carry out a transfer to here."""
        async with self.transferring(request, begins) as (begun, data):
            if begun:
                content = await data.read_all()
                if not expected(content):
                    self.fault(request, b"(%d bytes that are not right)" % len(content))
                await self.complete(request, time.monotonic())

    async def send(self, request: bytes, path: bytes, content: bytes) -> None:
        """Carry out a transfer to the server."""
        async with self.transferring(request, equals(b"150 Send %s." % path)) as (begun, data):
            if begun:
                await data.write_all(content)
                await self.complete(request, time.monotonic())

    async def restart(self, place: int) -> None:
        await self.ask(b"REST %d" % place, equals(b"350 The next transfer begins at %d." % place))

    async def download(self, name: bytes | None = None) -> None:
        path = name or self.model.some_file()
        content = self.model.files.get(path)
        shown = self.model.shown(path)
        if content is None:
            await self.ask(b"RETR " + shown, equals(b"550 %s: not found." % shown))
            return
        place = self.random.randrange(len(content) + 1) if name is None and self.random.random() < 0.2 else 0
        if place:
            await self.restart(place)
        begins = equals(b"150 %s comes, %d bytes." % (shown, len(content) - place))
        await self.receive(b"RETR " + shown, begins, equals(content[place:]))

    async def upload(self, name: bytes | None = None, content: bytes | None = None) -> None:
        path = name or self.model.some_file()
        content = self.model.content() if content is None else content
        shown = self.model.shown(path)
        self.model.files[path] = content
        await self.send(b"STOR " + shown, shown, content)

    async def append(self) -> None:
        path, content = self.model.some_file(), self.model.content()
        present = self.model.files.get(path, b"")
        if len(present) > 20 * self.options.size:
            await self.delete(path)
            return
        shown = self.model.shown(path)
        self.model.files[path] = present + content
        await self.send(b"APPE " + shown, shown, content)

    async def overwrite(self) -> None:
        """Write into the middle of a file."""
        path, content = self.model.some_file(), self.model.content()
        present = self.model.files.get(path)
        if not present:
            return
        place = self.random.randrange(1, len(present) + 1)
        self.model.files[path] = present[:place] + content + present[place + len(content) :]
        await self.restart(place)
        shown = self.model.shown(path)
        await self.send(b"STOR " + shown, shown, content)

    async def list(self) -> None:
        directory = self.model.some_directory()
        begins = equals(b"150 The listing comes.")
        word = self.random.choice((b"LIST", b"LIST -l", b"NLST"))
        expected = self.model.lists_names(directory) if word == b"NLST" else self.model.lists(directory)
        await self.receive(word + b" " + self.model.shown(directory), begins, expected)

    async def abort(self) -> None:
        """End a download in the middle; it may just be over."""
        path = self.model.some_file()
        if not self.model.files.get(path):
            return
        request = b"RETR " + self.model.shown(path)
        async with self.transferring(request, lambda reply: reply.startswith(b"150 ")) as (begun, data):
            if begun:
                await self.control.send(b"\xff\xf4\xff\xf2ABOR")
                content = await data.read_all()
                if not self.model.files[path].startswith(content):
                    self.fault(request, b"(%d bytes that are not right)" % len(content))
                ends = [await self.timed(self.control.reply()) for _ in range(2)]
                self.check(
                    b"ABOR", b"; ".join(ends), like(rb"(226 The tran|426 The tran).*; 226 (As you|Nothing was).*")
                )

    async def delete(self, name: bytes | None = None) -> None:
        path = name or self.model.some_file()
        shown = self.model.shown(path)
        found = self.model.files.pop(path, None) is not None
        await self.ask(b"DELE " + shown, DONE if found else equals(b"550 %s: not found." % shown))

    async def rename(self) -> None:
        old, new = self.model.some_file(), self.model.some_file()
        if old not in self.model.files:
            shown = self.model.shown(old)
            await self.ask(b"RNFR " + shown, equals(b"550 %s: not found." % shown))
            return
        self.model.files[new] = self.model.files.pop(old)
        await self.ask(b"RNFR " + self.model.shown(old), equals(b"350 To what?"))
        await self.ask(b"RNTO " + self.model.shown(new), DONE)

    async def make_and_remove(self) -> None:
        path = self.model.base + b"/made"
        await self.ask(b"MKD " + self.model.shown(path), equals(b'257 "%s" was made.' % path))
        await self.ask(b"MKD " + path, equals(b"550 %s: File exists." % path))
        await self.ask(b"RMD " + self.model.shown(path), DONE)

    async def size(self) -> None:
        path = self.model.some_file()
        content, shown = self.model.files.get(path), self.model.shown(path)
        found = b"550 %s: not found." % shown if content is None else b"213 %d" % len(content)
        await self.ask(b"SIZE " + shown, equals(found))

    async def time(self) -> None:
        path = self.model.some_file()
        if path in self.model.files:
            await self.ask(b"MDTM " + self.model.shown(path), like(rb"213 20\d{12}"))

    async def move_about(self) -> None:
        if self.model.directory != b"/" and self.random.random() < 0.3:
            self.model.directory = self.model.directory.rpartition(b"/")[0] or b"/"
            await self.ask(b"CDUP", DONE)
        else:
            path = self.model.some_directory()
            request = b"CWD " + self.model.shown(path)
            self.model.directory = path
            await self.ask(request, DONE)
        await self.ask(b"PWD", equals(b'257 "%s" is the current directory.' % self.model.directory))

    async def pipeline(self) -> None:
        """Several commands in one piece."""
        path = self.model.some_file()
        requests = [b"NOOP", b"SIZE " + path, b"TYPE I", b"PWD"][: self.random.randrange(2, 5)]
        present = self.model.files.get(path)
        size = b"550 %s: not found." % path if present is None else b"213 %d" % len(present)
        where = b'257 "%s" is the current directory.' % self.model.directory
        begin = time.monotonic()
        await self.control.send(*requests)
        for request, expected in zip(requests, (b"200 Done.", size, b"200 The type is I.", where), strict=False):
            reply = await self.timed(self.control.reply())
            self.tally.answered(begin, self.silence)
            self.check(request, reply, equals(expected))

    async def refused(self) -> None:
        request, expected = self.random.choice(self.model.refusals())
        await self.ask(request, equals(expected))

    async def other(self) -> None:
        request, expected = self.random.choice(self.model.phrases())
        await self.ask(request, like(expected))

    async def newer(self, request: bytes, check: Check) -> None:
        """What older versions do not know, but not after it was once answered."""
        word = request.split(b" ")[0]
        known = word in self.known

        def checked(reply: bytes) -> bool:
            if reply == b"500 Unknown command.":
                return not known
            self.known.add(word)
            return check(reply)

        await self.ask(request, checked)

    async def describe(self) -> None:
        path = self.model.some_file()
        await self.newer(b"MLST " + self.model.shown(path), self.model.describes(path))

    async def checksum(self) -> None:
        path = self.model.some_file()
        if path in self.model.files:
            await self.newer(b"XCRC " + self.model.shown(path), self.model.has_checksum(path))

    async def stream(self) -> None:
        """Move a large file to the server and back."""
        path = self.model.base + b"/large"
        await self.upload(path, self.random.randbytes(self.options.stream_size))
        await self.download(path)

    async def read_back(self) -> None:
        """Read every file that was ever written, and every listing."""
        self.final = True
        for path in self.model.files:
            await self.download(path)
        for directory in self.model.directories:
            shown = self.model.shown(directory)
            await self.receive(b"NLST " + shown, equals(b"150 The listing comes."), self.model.lists_names(directory))

    async def quit(self) -> None:
        await self.ask(b"QUIT", equals(b"221 Goodbye."))
        await self.timed(self.control.end())


class Data:
    """The data connection of one transfer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, player: Player) -> None:
        self._reader = reader
        self._writer = writer
        self._player = player

    def _moved(self, count: int) -> None:
        self._player.traffic.moved += count
        self._player.silence.answered(time.monotonic())

    async def read_all(self) -> bytes:
        """Read up to the end of the connection."""
        chunks = []
        while chunk := await self._player.timed(self._reader.read(CHUNK)):
            chunks.append(chunk)
            self._moved(len(chunk))
        return b"".join(chunks)

    async def write_all(self, content: bytes) -> None:
        """Write everything and end the connection."""
        for at in range(0, len(content), PIECE):
            self._writer.write(content[at : at + PIECE])
            await self._player.timed(self._writer.drain())
            self._moved(min(PIECE, len(content) - at))
        self._writer.close()
        await self._player.timed(self._writer.wait_closed())


class Runner:
    """Plays until told to stop; after a lost connection with a directory of its own."""

    def __init__(self, options: argparse.Namespace, number: int, silence: Silence, traffic: Traffic) -> None:
        self.options = options
        self.number = number
        self.silence = silence
        self.traffic = traffic
        self.tally = Tally()
        self.player: Player | None = None

    async def run(self, stop: Stop) -> None:
        await persevere(self.tally, self.options.reconnect, lambda: self._play(stop))

    async def _play(self, stop: Stop) -> None:
        options = self.options
        async with connected(options.host, options.port) as control:
            again = f"r{self.tally.reconnects}-" if self.player else ""
            self.tally.reconnects += self.player is not None
            base = f"/{options.prefix}{again}{self.number}".encode()
            model = Model(base, options, random.Random(options.seed + self.number))
            self.player = Player(model, self.tally, options, self.silence, self.traffic)
            await self._session(control, self.player, stop)
        while not stop(self.tally.requests):
            async with connected(options.host, options.port) as control:
                await self._session(control, self.player, stop)
        async with connected(options.host, options.port) as control:
            await self.player.begin(control)
            await self.player.read_back()
            await self.player.quit()

    async def _session(self, control: Control, player: Player, stop: Stop) -> None:
        """Play on one connection, to its proper end."""
        streams = self.number < self.options.streams
        brief = not streams and self.number < self.options.streams + self.options.brief
        await player.begin(control)
        steps = 0
        while not stop(self.tally.requests) and not (brief and steps >= BRIEF):
            await (player.stream() if streams else player.step())
            steps += 1
        await player.quit()


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Load and check an ftpd server.")
    add_arguments(parser, port=2121, connections=12, requests=1000)
    parser.add_argument("--streams", type=int, default=3, help="connections that move large files only")
    parser.add_argument("--stream-size", type=int, default=1 << 20, help="how large, in bytes")
    parser.add_argument("--brief", type=int, default=2, help="connections whose sessions are short")
    parser.add_argument("--files", type=int, default=20, help="files per connection")
    parser.add_argument("--size", type=int, default=10000, help="longest file in bytes; a few are longer")
    parser.add_argument("--newer", action="store_true", help="also use commands that only later versions have")
    return parser.parse_args(arguments)


def load(arguments: list[str], stop: threading.Event | None = None) -> dict[str, object]:
    """Load a server as the command line does, or until `stop` is set, and return what was seen."""
    options = parse_arguments(arguments)
    silence, traffic = Silence(), Traffic()
    runners = [Runner(options, number, silence, traffic) for number in range(options.connections)]
    return run_all(
        options,
        runners,
        silence,
        stop,
        transfers=lambda: traffic.transfers,
        moved=lambda: traffic.moved,
        in_flight=lambda: traffic.in_flight,
    )


if __name__ == "__main__":
    sys.exit(finish(load(sys.argv[1:])))
