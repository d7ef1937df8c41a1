#!/usr/bin/env python3
"""Load for a kvd server: several connections, every answer checked against a model, nothing taken on trust.

Each connection owns the keys under its own prefix, so its model is exact. A run lasts for a number of seconds or of
requests; its last act reads every key back. One line of JSON says what was seen: `wrong` answers differ from the model,
`lost` keys or elements were acknowledged and are gone, `errors` are answers or connections that failed. Exit code 0
only if all three are 0.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from corpora.programs.kvd.resp import Connection, Reply, ServerError, encode
from corpora.programs.load import Silence, Stop, Tally, add_arguments, finish, make_stop, reporting, summary

Value = bytes | list[bytes] | dict[bytes, bytes]
WRONG_TYPE = "WRONGTYPE"


@dataclass
class Model:
    """What the server must hold for one prefix."""

    prefix: bytes
    values: dict[bytes, Value] = field(default_factory=dict)
    timed: set[bytes] = field(default_factory=set)  # keys with an expiry far in the future

    def store(self, key: bytes, value: Value) -> None:
        self.values[key] = value
        self.timed.discard(key)

    def drop(self, key: bytes) -> bool:
        self.timed.discard(key)
        return self.values.pop(key, None) is not None


Check = Callable[[Reply], bool]
Step = tuple[tuple[bytes, ...], Check]  # a request, and whether its reply is right


UNKNOWN = "ERR unknown command"


def equals(expected: Reply) -> Check:
    """Return a check for exactly this reply."""
    return lambda reply: not isinstance(reply, Exception) and reply == expected


def fails_with(word: str) -> Check:
    """Return a check for an error reply that starts with `word`."""
    return lambda reply: isinstance(reply, ServerError) and str(reply).startswith(word)


def pairs_equal(expected: dict[bytes, bytes]) -> Check:
    """Return a check for a flat reply of names and values in any order."""

    def check(reply: Reply) -> bool:
        if not isinstance(reply, list) or len(reply) != 2 * len(expected):
            return False
        return {reply[at]: reply[at + 1] for at in range(0, len(reply), 2)} == expected

    return check


class Player:
    """Makes random requests on one prefix and knows the right answers."""

    def __init__(self, prefix: bytes, keys: int, size: int, seed: int, *, newer: bool = False) -> None:
        self.model = Model(prefix)
        self.keys = keys
        self.size = size
        self.random = random.Random(seed)
        self.steps: list[Callable[[], Step]] = [
            *(self.get, self.set, self.push, self.hset, self.length) * 2,
            *(self.set_conditional, self.append, self.increment, self.mset, self.mget),
            *(self.delete, self.exists, self.expire, self.ttl, self.persist, self.echo),
            *(self.pop, self.range, self.hget, self.hdel, self.hgetall),
            *(self.newer,) * newer,
        ]
        self.known: set[bytes] = set()  # newer commands that the server has answered

    def step(self) -> Step:
        return self.random.choice(self.steps)()

    def key(self, family: bytes) -> bytes:
        """A key that usually, but not always, holds what the family name says."""
        family = self.random.choice(b"s l h".split()) if self.random.random() < 0.02 else family
        return b"%s:%s%d" % (self.model.prefix, family, self.random.randrange(self.keys))

    def text(self) -> bytes:
        kind = self.random.random()
        if kind < 0.2:
            return b"%d" % self.random.randrange(-100, 1000)
        if kind < 0.3:
            return self.random.randbytes(self.random.randrange(self.size))
        return b"v" * self.random.randrange(1, self.size) + b"%d" % self.random.randrange(10**6)

    def holds(self, key: bytes, kind: type) -> bool:
        return isinstance(self.model.values.get(key), (kind, type(None)))

    def get(self) -> Step:
        key = self.key(b"s")
        value = self.model.values.get(key)
        return (b"GET", key), equals(value) if isinstance(value, bytes | None) else fails_with(WRONG_TYPE)

    def set(self) -> Step:
        key, value = self.key(b"s"), self.text()
        self.model.store(key, value)
        if self.random.random() < 0.1:
            self.model.timed.add(key)
            return (b"SETEX", key, b"10000", value), equals(b"OK")
        return (b"SET", key, value), equals(b"OK")

    def set_conditional(self) -> Step:
        key, value, word = self.key(b"s"), self.text(), self.random.choice((b"NX", b"xx"))
        if (key in self.model.values) == (word == b"NX"):
            return (b"SET", key, value, word), equals(None)
        self.model.store(key, value)
        return (b"SET", key, value, word), equals(b"OK")

    def append(self) -> Step:
        key, more = self.key(b"s"), self.text()
        if not self.holds(key, bytes):
            return (b"APPEND", key, more), fails_with(WRONG_TYPE)
        before = self.model.values.get(key, b"")
        assert isinstance(before, bytes)
        if len(before) > 50 * self.size:
            return (b"STRLEN", key), equals(len(before))
        self.model.values[key] = before + more
        return (b"APPEND", key, more), equals(len(before + more))

    def length(self) -> Step:
        choices = ((b"STRLEN", b"s", bytes), (b"LLEN", b"l", list), (b"HLEN", b"h", dict))
        word, family, kind = self.random.choice(choices)
        key = self.key(family)
        if not self.holds(key, kind):
            return (word, key), fails_with(WRONG_TYPE)
        return (word, key), equals(len(self.model.values.get(key, b"")))

    def increment(self) -> Step:
        key = b"%s:n%d" % (self.model.prefix, self.random.randrange(self.keys))
        word, by = self.random.choice(((b"INCR", 1), (b"decr", -1)))
        before = self.model.values.get(key, b"0")
        assert isinstance(before, bytes)
        self.model.values[key] = b"%d" % (int(before) + by)
        return (word, key), equals(int(before) + by)

    def mset(self) -> Step:
        words = [b"MSET"]
        for _ in range(self.random.randrange(1, 5)):
            key, value = self.key(b"s"), self.text()
            self.model.store(key, value)
            words += [key, value]
        return tuple(words), equals(b"OK")

    def mget(self) -> Step:
        keys = [self.key(b"s") for _ in range(self.random.randrange(1, 6))]
        values = [self.model.values.get(key) for key in keys]
        return (b"MGET", *keys), equals([value if isinstance(value, bytes) else None for value in values])

    def delete(self) -> Step:
        keys = {self.key(self.random.choice((b"s", b"l", b"h"))) for _ in range(2)}
        return (b"DEL", *keys), equals(sum(self.model.drop(key) for key in keys))

    def exists(self) -> Step:
        keys = [self.key(b"s") for _ in range(3)]
        return (b"EXISTS", *keys), equals(sum(key in self.model.values for key in keys))

    def expire(self) -> Step:
        key = self.key(b"s")
        if key not in self.model.values:
            return (b"EXPIRE", key, b"100"), equals(0)
        if self.random.random() < 0.3:
            self.model.drop(key)
            return (b"EXPIRE", key, b"0"), equals(1)
        self.model.timed.add(key)
        return (b"EXPIRE", key, b"10000"), equals(1)

    def ttl(self) -> Step:
        key = self.key(b"s")
        if key in self.model.timed:
            return (b"TTL", key), lambda reply: isinstance(reply, int) and 0 < reply <= 10000
        return (b"TTL", key), equals(-1 if key in self.model.values else -2)

    def persist(self) -> Step:
        key = self.key(b"s")
        timed = key in self.model.timed
        self.model.timed.discard(key)
        return (b"PERSIST", key), equals(int(timed))

    def push(self) -> Step:
        key, head = self.key(b"l"), self.random.random() < 0.5
        word = b"LPUSH" if head else b"RPUSH"
        values = [self.text() for _ in range(self.random.randrange(1, 4))]
        if not self.holds(key, list):
            return (word, key, *values), fails_with(WRONG_TYPE)
        present = self.model.values.setdefault(key, [])
        assert isinstance(present, list)
        if len(present) > 300:
            return (b"LLEN", key), equals(len(present))
        present[:] = values[::-1] + present if head else present + values
        return (word, key, *values), equals(len(present))

    def pop(self) -> Step:
        key, head = self.key(b"l"), self.random.random() < 0.5
        word = b"LPOP" if head else b"rpop"
        if not self.holds(key, list):
            return (word, key), fails_with(WRONG_TYPE)
        present = self.model.values.get(key)
        if present is None:
            return (word, key), equals(None)
        assert isinstance(present, list)
        value = present.pop(0 if head else -1)
        if not present:
            self.model.drop(key)
        return (word, key), equals(value)

    def range(self) -> Step:
        key, first, last = self.key(b"l"), self.random.randrange(-8, 8), self.random.randrange(-8, 12)
        request = (b"LRANGE", key, b"%d" % first, b"%d" % last)
        if not self.holds(key, list):
            return request, fails_with(WRONG_TYPE)
        present = self.model.values.get(key, [])
        assert isinstance(present, list)
        start = max(first + len(present), 0) if first < 0 else first
        end = last + len(present) if last < 0 else last
        return request, equals(list(present[start : end + 1]) if end >= start else [])

    def hset(self) -> Step:
        key = self.key(b"h")
        fields = {b"f%d" % self.random.randrange(40): self.text() for _ in range(self.random.randrange(1, 4))}
        request = (b"HSET", key, *(word for pair in fields.items() for word in pair))
        if not self.holds(key, dict):
            return request, fails_with(WRONG_TYPE)
        present = self.model.values.setdefault(key, {})
        assert isinstance(present, dict)
        added = sum(name not in present for name in fields)
        present.update(fields)
        return request, equals(added)

    def fields(self, key: bytes) -> dict[bytes, bytes]:
        present = self.model.values.get(key, {})
        assert isinstance(present, dict)
        return present

    def hget(self) -> Step:
        key, name = self.key(b"h"), b"f%d" % self.random.randrange(40)
        if not self.holds(key, dict):
            return (b"HGET", key, name), fails_with(WRONG_TYPE)
        return (b"HGET", key, name), equals(self.fields(key).get(name))

    def hdel(self) -> Step:
        key, name = self.key(b"h"), b"f%d" % self.random.randrange(40)
        if not self.holds(key, dict):
            return (b"HDEL", key, name), fails_with(WRONG_TYPE)
        present = self.fields(key)
        removed = present.pop(name, None) is not None
        if key in self.model.values and not present:
            self.model.drop(key)
        return (b"HDEL", key, name), equals(int(removed))

    def hgetall(self) -> Step:
        key = self.key(b"h")
        if not self.holds(key, dict):
            return (b"HGETALL", key), fails_with(WRONG_TYPE)
        return (b"HGETALL", key), pairs_equal(dict(self.fields(key)))

    def echo(self) -> Step:
        return (b"ECHO", text := self.text()), equals(text)

    def newer(self) -> Step:
        """A request that changes nothing; older versions may not know it, but not after it was once answered."""
        request, check = self.random.choice((self.type_name, self.index, self.field_exists))()
        word, known = request[0], request[0] in self.known

        def checked(reply: Reply) -> bool:
            if isinstance(reply, ServerError) and str(reply).startswith(UNKNOWN):
                return not known
            self.known.add(word)
            return check(reply)

        return request, checked

    def type_name(self) -> Step:
        key = self.key(self.random.choice((b"s", b"l", b"h")))
        names = {bytes: b"string", list: b"list", dict: b"hash"}
        kind = names[type(self.model.values[key])] if key in self.model.values else b"none"
        return (b"TYPE", key), equals(kind)

    def index(self) -> Step:
        key, at = self.key(b"l"), self.random.randrange(-8, 8)
        request = (b"LINDEX", key, b"%d" % at)
        if not self.holds(key, list):
            return request, fails_with(WRONG_TYPE)
        present = self.model.values.get(key, [])
        assert isinstance(present, list)
        return request, equals(present[at] if -len(present) <= at < len(present) else None)

    def field_exists(self) -> Step:
        key, name = self.key(b"h"), b"f%d" % self.random.randrange(40)
        if not self.holds(key, dict):
            return (b"HEXISTS", key, name), fails_with(WRONG_TYPE)
        return (b"HEXISTS", key, name), equals(int(name in self.fields(key)))

    def read_back(self) -> list[Step]:
        """Every key the model holds, as requests that return it whole."""
        steps: list[Step] = []
        for key, value in self.model.values.items():
            match value:
                case bytes():
                    steps.append(((b"GET", key), equals(value)))
                case list():
                    steps.append(((b"LRANGE", key, b"0", b"-1"), equals(list(value))))
                case dict():
                    steps.append(((b"HGETALL", key), pairs_equal(dict(value))))
        return steps


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
        self.player = self._player()
        self.connection = self._connect()

    def _player(self) -> Player:
        again = f"r{self.tally.reconnects}-" if self.tally.reconnects else ""
        prefix = f"{self.options.prefix}{again}{self.number}".encode()
        seed = self.options.seed + self.number
        return Player(prefix, self.options.keys, self.options.size, seed, newer=self.options.newer)

    def _connect(self) -> Connection:
        options = self.options
        connection = Connection(options.unixsocket or (options.host, options.port), options.timeout)
        connection.call(b"CLIENT", b"SETNAME", b"load-%d" % self.number)
        return connection

    def batch(self, steps: list[Step], *, final: bool = False) -> None:
        """Send all requests at once and check the replies in order."""
        begin = time.monotonic()
        for piece in pieces(b"".join(encode(words) for words, _ in steps), self.player.random):
            self.connection.send(piece)
        for words, check in steps:
            reply = self.connection.receive()
            self.tally.answered(begin, self.silence)
            if not check(reply):
                self._bad(words, reply, final)

    def _bad(self, words: tuple[bytes, ...], reply: Reply, final: bool) -> None:
        if isinstance(reply, ServerError):
            self.tally.errors += 1
        elif final:
            self.tally.lost += 1
        else:
            self.tally.wrong += 1
        self.tally.note(f"{b' '.join(words)[:120]!r} -> {str(reply)[:120]}")

    def run(self, stop: Stop) -> None:
        try:
            while not self._played(stop):
                self.connection.close()
                if not self._reconnected():
                    return
        finally:
            self.connection.close()

    def _played(self, stop: Stop) -> bool:
        """Play to the end; return False where the connection was lost before that."""
        try:
            while not stop(self.tally.requests):
                length = self.player.random.randrange(1, self.options.pipeline + 1)
                self.batch([self.player.step() for _ in range(length)])
            steps = self.player.read_back()
            for at in range(0, len(steps), 50):
                self.batch(steps[at : at + 50], final=True)
        except (OSError, ValueError) as problem:
            self.tally.lose_connection(problem)
            return False
        return True

    def _reconnected(self) -> bool:
        end = time.monotonic() + self.options.reconnect
        while time.monotonic() < end:
            try:
                self.connection = self._connect()
            except OSError:
                time.sleep(0.02)
                continue
            self.tally.reconnects += 1
            self.player = self._player()
            return True
        return False


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Load and check a kvd server.")
    add_arguments(parser, port=6380, connections=4, requests=10000)
    parser.add_argument("--unixsocket", default="")
    parser.add_argument("--pipeline", type=int, default=16, help="most requests in flight on a connection")
    parser.add_argument("--keys", type=int, default=50, help="keys of each type per connection")
    parser.add_argument("--size", type=int, default=60, help="longest value in bytes")
    parser.add_argument("--newer", action="store_true", help="also use commands that only later versions have")
    return parser.parse_args(arguments)


def load(arguments: list[str], stop: threading.Event | None = None) -> dict[str, object]:
    """Load a server as the command line does, or until `stop` is set, and return what was seen."""
    options = parse_arguments(arguments)
    silence = Silence()
    try:
        runners = [Runner(options, number, silence) for number in range(options.connections)]
    except OSError as problem:
        return {"errors": 1, "examples": [f"connect: {problem}"]}
    begin = time.monotonic()

    def seen() -> dict[str, object]:
        keys = sum(len(runner.player.model.values) for runner in runners)
        return summary([runner.tally for runner in runners], silence, time.monotonic() - begin, keys=keys)

    ends = make_stop(options, stop)
    threads = [threading.Thread(target=runner.run, args=(ends,)) for runner in runners]
    with reporting(options.report, seen):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return seen()


if __name__ == "__main__":
    sys.exit(finish(load(sys.argv[1:])))
