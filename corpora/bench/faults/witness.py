"""Clients that know what a server holds: each answer is checked, and everything stored is read back after each run."""

import argparse
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from corpora.programs.cached import client as cached
from corpora.programs.kvd import client as kvd
from corpora.programs.kvd.resp import Connection
from tests.support.small import Running

SECONDS = 45.0  # that an answer may take: the runtime lets an update's code run for ten at most
PAUSE = 0.002  # between two requests while a run goes on


class Speaker(Protocol):
    """A conversation with one program."""

    def step(self) -> bool:
        """Make one request and return whether the answer is right."""

    def read_back(self) -> int:
        """Ask for everything that is stored and return how many answers are wrong."""

    def version(self) -> str:
        """Return what the program calls itself."""

    def close(self) -> None:
        """End the conversation."""


class KvdSpeaker:
    """One connection to kvd."""

    def __init__(self, path: str, seed: int) -> None:
        self.connection = Connection(path, SECONDS)
        self.player = kvd.Player(b"w", 12, 80, seed)

    def step(self) -> bool:
        words, check = self.player.step()
        return check(self.connection.call(*words))

    def read_back(self) -> int:
        return sum(not check(self.connection.call(*words)) for words, check in self.player.read_back())

    def version(self) -> str:
        info = self.connection.call(b"INFO", b"server")
        return info.split(b"kvd_version:")[1].split(b"\r\n")[0].decode() if isinstance(info, bytes) else repr(info)

    def close(self) -> None:
        self.connection.close()

    def set_option(self, name: str, value: int) -> None:
        """Set one of the server's options."""
        assert self.connection.call(b"CONFIG", b"SET", name.encode(), b"%d" % value) == b"OK"


class CachedSpeaker:
    """Some connections to cached, which serves each in one of its threads."""

    def __init__(self, port: int, seed: int, connections: int = 4) -> None:
        options = cached.parse_arguments(["--keys", "10", "--size", "100"])
        self._talks = [_CachedTalk(port, number, options, seed) for number in range(connections)]
        self._next = 0

    def step(self) -> bool:
        self._next = (self._next + 1) % len(self._talks)
        talk = self._talks[self._next]
        return talk.play(talk.player.step())

    def read_back(self) -> int:
        return sum(not talk.play(step) for talk in self._talks for step in talk.player.read_back())

    def version(self) -> str:
        told = {talk.ask(b"version\r\n") for talk in self._talks}
        return " ".join(sorted(line.removeprefix(b"VERSION ").decode() for line in told))

    def close(self) -> None:
        for talk in self._talks:
            talk.close()


class _CachedTalk:
    def __init__(self, port: int, number: int, options: argparse.Namespace, seed: int) -> None:
        self.player = cached.Player(b"w%d" % number, options, seed + number)
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self._file = self._socket.makefile("rb")

    def ask(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        return self._line()

    def play(self, step: cached.Step) -> bool:
        self._socket.sendall(step.request)
        return step.check is None or step.check(self._values() if step.values else self._line())

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        return line[:-2]

    def _values(self) -> cached.Reply:
        values: cached.Values = {}
        while (text := self._line()) != b"END":
            words = text.split(b" ")
            if words[0] != b"VALUE":
                return text
            data = self._file.read(int(words[3]) + 2)
            values[words[1]] = (int(words[2]), data[:-2], int(words[4]) if len(words) > 4 else 0)
        return values


class ThreadsSpeaker:
    """A program of threads: it counts those that it creates, which are never fewer, and more where it `grows`."""

    def __init__(self, running: Running, *, grows: bool) -> None:
        self._running = running
        self._file = running.output.open("rb")
        self._created = 0
        self._grows = grows
        self._line()  # that it is ready

    def step(self) -> bool:
        before, self._created = self._created, int(self._ask("created"))
        return self._created >= before

    def read_back(self) -> int:
        before, end = self._created, time.monotonic() + SECONDS
        while self._grows and self._created == before and time.monotonic() < end:
            if not self.step():
                return 1
        return int(self._grows and self._created == before)

    def version(self) -> str:
        return self._ask("say")

    def close(self) -> None:
        self._file.close()

    def _ask(self, words: str) -> str:
        self._running.send(f"{words}\n")
        return self._line()

    def _line(self) -> str:
        line, end = b"", time.monotonic() + SECONDS
        while not (line := line + self._file.readline()).endswith(b"\n"):
            if not self._running.alive() or time.monotonic() > end:
                raise ConnectionError("the program does not answer")
            time.sleep(0.001)
        return line.decode().strip()


class Witness:
    """Goes on asking in a thread of its own while runs come and go."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.requests = 0
        self._wrong = 0
        self._problem: Exception | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def prove(self, steps: int = 20) -> str:
        """Return the version that the program tells, after `steps` requests more and reading back all that is stored.

        What is wrong is counted. Raises OSError or ValueError where the server does not answer as servers do.
        """
        with self._lock:
            if self._problem is not None:
                raise ConnectionError(f"the server stopped answering: {self._problem}")
            for _ in range(steps):
                self._step()
            self._wrong += self.speaker.read_back()
            return self.speaker.version()

    def wrong_answers(self) -> int:
        """Return how many answers were wrong since this was last asked."""
        with self._lock:
            found, self._wrong = self._wrong, 0
            return found

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Make no request in the block; others may use the connection."""
        with self._lock:
            yield

    def stop(self) -> None:
        """End the thread and the conversation."""
        self._ended.set()
        self._thread.join(SECONDS)
        self.speaker.close()

    def _step(self) -> None:
        self.requests += 1
        self._wrong += not self.speaker.step()

    def _work(self) -> None:
        while not self._ended.wait(PAUSE):
            with self._lock:
                try:
                    self._step()
                except (OSError, ValueError, IndexError) as problem:
                    self._problem = problem
                    return
