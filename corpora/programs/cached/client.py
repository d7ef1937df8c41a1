#!/usr/bin/env python3
"""Load for a cached server: many connections, each answer checked byte by byte against a model.

Each connection owns the keys under its own prefix and knows what every one of them holds; with `--evicting` a key may
be gone, but what is there has to be right. A run lasts for a number of seconds or of requests, or until it is told to
stop; its last act reads every key back. One line of JSON says what was seen (`corpora/programs/load.py`).
"""

import argparse
import asyncio
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from corpora.programs.load import Silence, Stop, Tally, add_arguments, finish, persevere, run_all

FAR = 10000  # seconds: an end that no run sees
FAILURES = (b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR")

Values = dict[bytes, tuple[int, bytes, int]]  # key to flags, value and cas; 0 where that was not asked for
Reply = bytes | Values  # a line, or what stands before END


@dataclass(slots=True)
class Entry:
    """What the server holds at one key."""

    flags: int
    value: bytes
    cas: int = 0  # 0: not known since the last change


@dataclass(frozen=True, slots=True)
class Step:
    """A request and whether its reply is right; one without a check has no reply."""

    request: bytes
    check: Callable[[Reply], bool] | None
    values: bool = False  # the reply is values and END


def equals(expected: Reply) -> Callable[[Reply], bool]:
    """Return a check for exactly this."""
    return lambda reply: reply == expected


def holds(key: bytes, number: int) -> Callable[[Reply], bool]:
    """Return a check for a key that holds a number; memcached fills what it has counted down with spaces."""

    def check(reply: Reply) -> bool:
        return isinstance(reply, dict) and reply.keys() == {key} and reply[key][1].rstrip(b" ") == b"%d" % number

    return check


class Player:
    """Makes random requests on one prefix and knows the right answers."""

    def __init__(self, prefix: bytes, options: argparse.Namespace, seed: int) -> None:
        self.prefix = prefix
        self.options = options
        self.random = random.Random(seed)
        self.entries: dict[bytes, Entry] = {}
        self.numbers: dict[bytes, int] = {}
        self.known: set[bytes] = set()  # newer commands that the server has answered
        self.steps: list[Callable[[], Step]] = [*(self.get, self.get, self.store, self.delete)]
        if not options.evicting:
            self.steps += [self.get, self.gets, self.store, self.conditional, self.join, self.compare, self.number]
            self.steps += [self.touch, self.expired, self.other, *(self.get_and_touch,) * options.newer]

    def step(self) -> Step:
        return self.random.choice(self.steps)()

    def key(self) -> bytes:
        return b"%s:%d" % (self.prefix, self.random.randrange(self.options.keys))

    def text(self) -> bytes:
        size = self.options.size * (50 if self.random.random() < 0.005 else 1)
        length = self.random.randrange(size)
        if self.random.random() < 0.2:
            return self.random.randbytes(length)
        return b"v" * length + b"%d" % self.random.randrange(10**6)

    def holds(self, values: Values, key: bytes, entry: Entry | None) -> bool:
        """Whether an answer about one key is right; an entry's cas is learnt from it."""
        if key not in values:
            return entry is None or self.options.evicting
        if entry is None or values[key][:2] != (entry.flags, entry.value):
            return False
        if values[key][2] and self.entries.get(key) is entry:
            entry.cas = values[key][2]
        return True

    def expects(self, keys: set[bytes]) -> Callable[[Reply], bool]:
        """Return a check of the values of `keys` as they are now."""
        entries = {key: self.entries.get(key) for key in keys}  # a change puts a new entry in the place of one

        def check(reply: Reply) -> bool:
            if not isinstance(reply, dict) or not set(reply) <= keys:
                return False
            return all(self.holds(reply, key, entry) for key, entry in entries.items())

        return check

    def get(self) -> Step:
        keys = {self.key() for _ in range(self.random.randrange(1, 6))}
        return Step(b"get %s\r\n" % b" ".join(keys), self.expects(keys), values=True)

    def gets(self) -> Step:
        keys = {self.key() for _ in range(2)}
        return Step(b"gets %s\r\n" % b" ".join(keys), self.expects(keys), values=True)

    def get_and_touch(self) -> Step:
        """What older versions do not know, but not after it was once answered."""
        key = self.key()
        word = self.random.choice((b"gat", b"gats"))
        known, check = word in self.known, self.expects({key})

        def checked(reply: Reply) -> bool:
            if reply == b"ERROR":
                return not known
            self.known.add(word)
            return check(reply)

        return Step(b"%s %d %s\r\n" % (word, FAR, key), checked, values=True)

    def storage(self, word: bytes, key: bytes, value: bytes, expected: bytes, *, flags: int = 0, end: int = 0) -> Step:
        quiet = self.random.random() < 0.1
        more = b" noreply" if quiet else b""
        request = b"%s %s %d %d %d%s\r\n%s\r\n" % (word, key, flags, end, len(value), more, value)
        return Step(request, None if quiet else equals(expected))

    def store(self) -> Step:
        key, value, flags = self.key(), self.text(), self.random.randrange(2**32)
        self.entries[key] = Entry(flags, value)
        return self.storage(b"set", key, value, b"STORED", flags=flags, end=self.random.choice((0, 0, FAR)))

    def conditional(self) -> Step:
        key, value, word = self.key(), self.text(), self.random.choice((b"add", b"replace"))
        if (key in self.entries) == (word == b"add"):
            return self.storage(word, key, value, b"NOT_STORED")
        self.entries[key] = Entry(7, value)
        return self.storage(word, key, value, b"STORED", flags=7)

    def join(self) -> Step:
        key, value, word = self.key(), self.text(), self.random.choice((b"append", b"prepend"))
        present = self.entries.get(key)
        if present is None:
            return self.storage(word, key, value, b"NOT_STORED")
        if len(present.value) > 100 * self.options.size:
            return self.delete(key)
        joined = present.value + value if word == b"append" else value + present.value
        self.entries[key] = Entry(present.flags, joined)
        return self.storage(word, key, value, b"STORED", flags=9)

    def compare(self) -> Step:
        key, value = self.key(), self.text()
        present = self.entries.get(key)
        cas, expected = (present.cas, b"EXISTS") if present else (1, b"NOT_FOUND")
        if present and present.cas and self.random.random() < 0.8:
            self.entries[key] = Entry(3, value)
            expected = b"STORED"
        elif present:
            cas = 0  # of no item
        request = b"cas %s 3 0 %d %d\r\n%s\r\n" % (key, len(value), cas, value)
        return Step(request, equals(expected))

    def delete(self, key: bytes | None = None) -> Step:
        key = key or self.key()
        found = self.entries.pop(key, None) is not None
        if self.options.evicting:
            return Step(b"delete %s\r\n" % key, lambda reply: reply in (b"DELETED", b"NOT_FOUND")[1 - found :])
        return Step(b"delete %s\r\n" % key, equals(b"DELETED" if found else b"NOT_FOUND"))

    def number(self) -> Step:
        key = b"%s:n%d" % (self.prefix, self.random.randrange(10))
        present = self.numbers.get(key)
        if present is None:
            self.numbers[key] = present = self.random.randrange(1000)
            return self.storage(b"set", key, b"%d" % present, b"STORED")
        delta = self.random.randrange(500)
        word = b"decr" if delta <= present and self.random.random() < 0.5 else b"incr"
        self.numbers[key] = present + delta if word == b"incr" else present - delta
        return Step(b"%s %s %d\r\n" % (word, key, delta), equals(b"%d" % self.numbers[key]))

    def touch(self) -> Step:
        key = self.key()
        return Step(b"touch %s %d\r\n" % (key, FAR), equals(b"TOUCHED" if key in self.entries else b"NOT_FOUND"))

    def expired(self) -> Step:
        """Something that is over at once."""
        key = self.key()
        present = self.entries.pop(key, None)
        if present is not None and self.random.random() < 0.5:
            return Step(b"touch %s -1\r\n" % key, equals(b"TOUCHED"))
        return self.storage(b"set", key, self.text(), b"STORED", end=-1)

    def other(self) -> Step:
        choices = (
            Step(
                b"version\r\n",
                lambda reply: bool(isinstance(reply, bytes) and re.match(rb"VERSION \d+(\.\d+)+$", reply)),
            ),
            Step(b"verbosity 0\r\n", equals(b"OK")),
            Step(b"incr %s:none 1\r\n" % self.prefix, equals(b"NOT_FOUND")),
            Step(b"no-such-command\r\n", equals(b"ERROR")),
            Step(b"get\r\n", equals(b"ERROR")),
        )
        return self.random.choice(choices)

    def read_back(self) -> list[Step]:
        """Every key that was ever used."""
        keys = [b"%s:%d" % (self.prefix, at) for at in range(self.options.keys)]
        steps = [Step(b"get %s\r\n" % key, self.expects({key}), values=True) for key in keys]
        for key, number in self.numbers.items():
            steps.append(Step(b"get %s\r\n" % key, holds(key, number), values=True))
        return steps


async def read_line(reader: asyncio.StreamReader) -> bytes:
    text = await reader.readuntil(b"\r\n")
    return text[:-2]


async def read_values(reader: asyncio.StreamReader) -> Reply:
    """Read values up to END, or the one line that stands in their place."""
    values: Values = {}
    while (text := await read_line(reader)) != b"END":
        words = text.split(b" ")
        if words[0] != b"VALUE":
            return text
        length = int(words[3])
        data = await reader.readexactly(length + 2)
        if not data.endswith(b"\r\n") or words[1] in values:
            raise ValueError(f"not a value: {text!r}")
        values[words[1]] = (int(words[2]), data[:-2], int(words[4]) if len(words) > 4 else 0)
    return values


def pieces(data: bytes, source: random.Random) -> list[bytes]:
    """Cut `data` at random, as a network may."""
    cuts = sorted(source.randrange(len(data) + 1) for _ in range(source.randrange(3)))
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)]) if end > start]


class Runner:
    """Plays on one connection until told to stop; a new connection starts with keys of its own."""

    def __init__(self, options: argparse.Namespace, number: int, silence: Silence) -> None:
        self.options = options
        self.number = number
        self.silence = silence
        self.tally = Tally()
        self.player: Player | None = None

    async def run(self, stop: Stop) -> None:
        await persevere(self.tally, self.options.reconnect, lambda: self._session(stop))

    async def _session(self, stop: Stop) -> None:
        options = self.options
        reader, writer = await asyncio.open_connection(options.host, options.port)
        again = f"r{self.tally.reconnects}-" if self.player else ""
        self.tally.reconnects += self.player is not None
        self.player = Player(f"{options.prefix}{again}{self.number}".encode(), options, options.seed + self.number)
        try:
            while not stop(self.tally.requests):
                count = self.player.random.randrange(1, options.pipeline + 1)
                await self._batch([self.player.step() for _ in range(count)], reader, writer)
            steps = self.player.read_back()
            for at in range(0, len(steps), 50):
                await self._batch(steps[at : at + 50], reader, writer, final=True)
            writer.write(b"quit\r\n")
            if await reader.read():
                raise ValueError("something after quit")
        finally:
            writer.close()

    async def _batch(
        self, steps: list[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, final: bool = False
    ) -> None:
        """Send all requests at once and check the replies in order, while still sending."""
        assert self.player is not None
        data = pieces(b"".join(step.request for step in steps), self.player.random)
        async with asyncio.timeout(self.options.timeout):
            await asyncio.gather(self._send(data, writer), self._receive(steps, reader, final))

    async def _send(self, data: list[bytes], writer: asyncio.StreamWriter) -> None:
        for piece in data:
            writer.write(piece)
            await writer.drain()

    async def _receive(self, steps: list[Step], reader: asyncio.StreamReader, final: bool) -> None:
        begin = time.monotonic()
        for step in steps:
            if step.check is None:
                continue
            reply = await (read_values(reader) if step.values else read_line(reader))
            self.tally.answered(begin, self.silence)
            if not step.check(reply):
                self._bad(step, reply, final)

    def _bad(self, step: Step, reply: Reply, final: bool) -> None:
        if isinstance(reply, bytes) and reply.startswith(FAILURES):
            self.tally.errors += 1
        elif final:
            self.tally.lost += 1
        else:
            self.tally.wrong += 1
        self.tally.note(f"{step.request[:120]!r} -> {str(reply)[:120]}")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Load and check a cached server.")
    add_arguments(parser, port=11211, connections=20, requests=2000)
    parser.add_argument("--pipeline", type=int, default=8, help="most requests in flight on a connection")
    parser.add_argument("--keys", type=int, default=100, help="keys per connection")
    parser.add_argument("--size", type=int, default=200, help="longest value in bytes; a few are longer")
    parser.add_argument("--evicting", action="store_true", help="the server's memory is too small for all keys")
    parser.add_argument("--newer", action="store_true", help="also use commands that only later versions have")
    return parser.parse_args(arguments)


def load(arguments: list[str], stop: threading.Event | None = None) -> dict[str, object]:
    """Load a server as the command line does, or until `stop` is set, and return what was seen."""
    options = parse_arguments(arguments)
    silence = Silence()
    runners = [Runner(options, number, silence) for number in range(options.connections)]
    return run_all(options, runners, silence, stop)


if __name__ == "__main__":
    sys.exit(finish(load(sys.argv[1:])))
