"""A conversation with the runtime of one process: waking it, connecting, asking, and hearing out the answer.

Every wait has a deadline. The process is held by a pidfd, so that another one that got its number is never signalled.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from patchkit.live.failure import Ended, Holdup, LiveError, Refused
from patchkit.live.process import Process, not_permitted
from patchkit.live.reach import (
    catches,
    check_reachable,
    connected,
    directories,
    exit_code,
    is_safe_to_send,
    open_pidfd,
    runtime_off,
    unreachable,
    wake_thread,
    why_silent,
)
from patchkit.live.wire import MOST_BYTES, PROTOCOL, Malformed, Message, decode, encode

CONNECT_SECONDS = 10.0
_MOST_MESSAGES = 50_000  # of one answer
_WAKE_PERIOD = 0.25  # seconds between two signals while nobody answers
_LOOK_PERIOD = 0.005

Listener = Callable[[Message], None]


class Connection:
    """An open conversation with a runtime; use it as a context."""

    def __init__(self, process: Process, seconds: float = CONNECT_SECONDS) -> None:
        """Wake the runtime of `process` and greet it within `seconds`.

        Raises LiveError (PKL001 to PKL008) where that is not possible, InputError where the process is gone.
        """
        self.process = process
        self.release = ""  # of the runtime, as it calls itself
        self._pidfd = open_pidfd(process)
        self._socket: socket.socket | None = None
        try:
            check_reachable(process)
            self._greet(time.monotonic() + seconds, seconds)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def ask(
        self, request: Message, *, silence: float, bundle: int | None = None, hear: Listener | None = None
    ) -> Message:
        """Send `request`, with the descriptor `bundle`, and return the `ok` that ends the answer.

        `hear` gets what comes before it. `silence` is how many seconds the runtime may go without a word. Raises
        Refused with what the runtime says where it answers with an error, LiveError where it does not answer.
        """
        assert self._socket is not None
        holdups: list[Holdup] = []
        try:
            _send(self._socket, encode(request), bundle)
        except OSError as problem:
            raise self._lost(problem.strerror or str(problem)) from problem
        for message in self._answer(silence):
            match message.name:
                case "ok":
                    return message
                case "error":
                    text = message.text("text", "it gives no reason")
                    raise _refused(self.process, message.text("code", ""), text, holdups)
                case "fact":
                    _note(message, holdups)
            if hear is not None and message.name in ("phase", "fact", "event"):
                hear(message)
        raise AssertionError("an answer ends with `ok` or `error`")

    def _answer(self, silence: float) -> Iterator[Message]:
        """Give the messages of one answer, the last one included."""
        for _ in range(_MOST_MESSAGES):
            packet = self._receive(time.monotonic() + silence)
            if packet is None:
                raise self._silent(silence)
            if not packet:
                raise self._lost("it closed the connection")
            try:
                message = decode(packet)
                yield message
            except Malformed as problem:
                raise self._garbled(str(problem)) from problem
            if message.name in ("ok", "error"):
                return
        raise self._garbled("an answer without end")

    def _receive(self, deadline: float) -> bytes | None:
        """Return the next packet, b"" at the end of the conversation, None at the deadline."""
        assert self._socket is not None
        # A child that was forked meanwhile may hold the other end open, so the process is watched too.
        ready = _ready(deadline, self._socket.fileno(), self._pidfd)
        if not ready:
            return None
        if self._socket.fileno() not in ready:
            return b""
        try:
            packet, _, flags, _ = self._socket.recvmsg(MOST_BYTES)
        except ConnectionError:
            return b""
        if flags & socket.MSG_TRUNC:
            raise self._garbled(f"a message of more than {MOST_BYTES} bytes")
        return packet

    def _greet(self, deadline: float, seconds: float) -> None:
        """Connect and say hello until somebody answers: a worker that is about to end may take the call and hang up."""
        hello = encode(Message("hello", {"protocol": str(PROTOCOL)}))
        sent = False
        while True:
            self._socket = self._connect(deadline)
            if self._socket is None:
                raise unreachable(self.process, seconds)
            try:
                _send(self._socket, hello, None)
                sent = True
                packet = self._receive(deadline)
            except ConnectionError:
                packet = b""
            if packet:
                return self._check_greeting(packet)
            if packet is None and sent:
                raise LiveError(
                    "PKL004",
                    f"{self.process.named} took the connection but did not answer within {seconds:g} s: it serves "
                    "somebody else, or it is stuck",
                    hint=f"ask again later; `patchkit status {self.process.pid}` says what it runs",
                )
            self._socket.close()
            if time.monotonic() >= deadline:
                raise unreachable(self.process, seconds)

    def _check_greeting(self, packet: bytes) -> None:
        try:
            answer = decode(packet)
            if answer.name == "error":
                raise _refused(self.process, answer.text("code", ""), answer.text("text", "it gives no reason"), [])
            spoken = answer.number("protocol") if answer.name == "ok" else None
        except Malformed as problem:
            raise self._garbled(str(problem)) from problem
        if spoken is None:
            raise self._garbled(f"`{answer.name}` for a greeting")
        if spoken != PROTOCOL:
            raise LiveError(
                "PKL008",
                f"{self.process.named} speaks protocol {spoken}, and this patchkit speaks {PROTOCOL}",
                hint=f"use the patchkit that its runtime came with: {answer.text('runtime', 'unknown release')}",
            )
        self.release = answer.text("runtime", "")

    def _connect(self, deadline: float) -> socket.socket | None:
        """Return a connection to the worker, waking it as often as that takes; None at the deadline."""
        woken = 0.0
        while True:
            for directory in directories(self.process):
                if (found := connected(directory, self.process)) is not None:
                    return found
            now = time.monotonic()
            if now >= deadline:
                return None
            if now - woken >= _WAKE_PERIOD:
                self._wake()
                woken = now
            if select.select([self._pidfd], [], [], _LOOK_PERIOD)[0]:
                raise self._ended()

    def _wake(self) -> None:
        marker = self.process.marker
        assert marker is not None
        # Looked at again each time: a process that has called exec since would die of the signal.
        if not catches(self.process.pid, marker.signal):
            raise runtime_off(self.process)
        try:
            if is_safe_to_send(self.process.pid, marker.signal):
                signal.pidfd_send_signal(self._pidfd, marker.signal)
            else:
                wake_thread(self.process, marker.signal)
        except ProcessLookupError as problem:
            raise self._ended() from problem
        except BlockingIOError:  # its user has as many signals pending as may be; some may go
            pass
        except PermissionError as problem:
            raise not_permitted(self.process.pid, self.process.program, self.process.user) from problem

    def _silent(self, seconds: float) -> LiveError:
        if select.select([self._pidfd], [], [], 0)[0]:
            return self._ended()
        return LiveError(
            "PKL005",
            f"{self.process.named} is alive but did not answer within {seconds:g} s{why_silent(self.process)}",
            hint=self._what_next(),
        )

    def _lost(self, how: str) -> LiveError:
        """Return the error for a conversation that broke off; a process that ends closes its socket first."""
        if select.select([self._pidfd], [], [], 1.0)[0]:
            return self._ended()
        return LiveError(
            "PKL005",
            f"{self.process.named} is alive but broke off the conversation: {how}",
            hint=self._what_next(),
        )

    def _what_next(self) -> str:
        pid = self.process.pid
        return f"`patchkit status {pid}` says what it runs, `patchkit log {pid}` what it did"

    def _ended(self) -> LiveError:
        return Ended(self.process.named, exit_code(self.process, self._pidfd))

    def _garbled(self, what: str) -> LiveError:
        return LiveError(
            "PKL008",
            f"{self.process.named} sent something that is no answer: {what}",
            hint="use the patchkit that its runtime came with",
        )


def _send(client: socket.socket, packet: bytes, bundle: int | None) -> None:
    if bundle is None:
        client.send(packet)
    else:
        socket.send_fds(client, [packet], [bundle])


def _ready(deadline: float, *descriptors: int) -> list[int]:
    """Return those that can be read, as soon as there are some; none at the deadline."""
    waiting = select.poll()
    for descriptor in descriptors:
        waiting.register(descriptor, select.POLLIN)
    left = max(0.0, deadline - time.monotonic())
    return [descriptor for descriptor, _ in waiting.poll(int(left * 1000) + 1)]


def _note(fact: Message, holdups: list[Holdup]) -> None:
    """Take down what a fact says of a thread that holds the update up."""
    match fact.text("name"):
        case "thread" if "reason" in fact.fields:
            comm, where, reason = (fact.text(key, "") for key in ("comm", "where", "reason"))
            holdups.append(Holdup(fact.number("tid"), comm, where, reason))
        case "frame":
            tid, text = fact.number("tid"), fact.text("text")
            for place, holdup in enumerate(holdups):
                if holdup.tid == tid:
                    holdups[place] = Holdup(tid, holdup.comm, holdup.where, holdup.reason, (*holdup.frames, text))


def _refused(process: Process, code: str, text: str, holdups: Sequence[Holdup]) -> Refused:
    hint = f"`patchkit explain {code}` says what that means and what helps" if code else ""
    return Refused(code, f"{process.named}: {text.rstrip('.')}", hint=hint, holdups=tuple(holdups))
