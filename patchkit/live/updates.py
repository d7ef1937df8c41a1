"""What can be asked of a process that holds the runtime, and its answers as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from patchkit.live.connection import CONNECT_SECONDS, Connection
from patchkit.live.failure import LiveError, Refused
from patchkit.live.process import Process
from patchkit.live.wire import Malformed, Message

ANSWER_SECONDS = 10.0
TIMEOUT_SECONDS = 10.0  # how long the threads of a process may take to come to a good place
REHEARSAL_SECONDS = 30.0  # the most that the runtime gives a copy of its process


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of an update that is done, and what it took in microseconds."""

    name: str
    microseconds: int


@dataclass(frozen=True, slots=True)
class Update:
    """An update that a process has taken; versions are build-ids in hexadecimal."""

    old: str
    new: str
    functions: int
    pause: int  # microseconds for which all threads stood still
    state: str  # here, reverted, or gone: its code was given back after a newer update


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A thread of the program and how many updates it has run under."""

    tid: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Status:
    """What a runtime says of its process; versions are build-ids in hexadecimal, the last update stands last."""

    version: str
    started_as: str
    state: str  # idle or probation
    reversible: bool
    signal: int
    runtime: str
    threads: tuple[ThreadState, ...] = ()
    updates: tuple[Update, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: `result` is applied, already, reverted, rehearsed or confirmed.

    `staying` are functions that the update changes and that go on in their old code until they return.
    """

    result: str
    pause: int  # microseconds for which all threads stood still; of the copy for a rehearsal
    before: str  # build-ids
    after: str
    functions: int
    staying: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """How an update is to be done; times in seconds."""

    timeout: float = TIMEOUT_SECONDS
    rehearse: bool = True
    probation: float = 0.0


@dataclass(slots=True)
class _Facts:
    """Facts of one answer as they come in."""

    single: dict[str, str] = field(default_factory=dict)
    threads: list[ThreadState] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)

    def __call__(self, message: Message) -> None:
        if message.name != "fact":
            return
        match message.text("name"):
            case "thread":
                self.threads.append(ThreadState(message.number("tid"), message.number("epoch", 0)))
            case "update":
                numbers = message.number("functions", 0), message.number("pause-us", 0)
                ends = message.text("from"), message.text("to")
                self.updates.insert(0, Update(*ends, *numbers, message.text("state", "here")))
            case name:
                self.single[name] = message.text("value")


Hear = Callable[[Phase], None]


class Runtime:
    """The runtime of one process, in conversation with us; use it as a context. Raises as `Connection` does."""

    def __init__(self, process: Process, seconds: float = CONNECT_SECONDS) -> None:
        self.process = process
        self._connection = Connection(process, seconds)

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def status(self) -> Status:
        """Return what the process runs and went through."""
        facts = _Facts()
        try:
            self._connection.ask(Message("status"), silence=ANSWER_SECONDS, hear=facts)
            single = facts.single
            return Status(
                version=single["version"],
                started_as=single["started-as"],
                state=single.get("state", "idle"),
                reversible=single.get("reversible") == "yes",
                signal=int(single.get("signal", "0")),
                runtime=self._connection.release,
                threads=tuple(facts.threads),
                updates=tuple(facts.updates),
            )
        except (Malformed, KeyError, ValueError) as problem:
            raise self._unclear(problem) from problem

    def rehearse(self, bundle: int, wish: Wish, hear: Hear) -> Outcome:
        """Try the update in the open file `bundle` on a copy of the process."""
        fields = {"timeout-ms": _milliseconds(wish.timeout)}
        return self._change(Message("rehearse", fields), "rehearsed", wish, hear, bundle)

    def apply(self, bundle: int, wish: Wish, hear: Hear) -> Outcome:
        """Update the process with the open file `bundle`."""
        fields = {
            "timeout-ms": _milliseconds(wish.timeout),
            "rehearse": "yes" if wish.rehearse else "no",
            "probation-ms": _milliseconds(wish.probation),
        }
        return self._change(Message("apply", fields), "applied", wish, hear, bundle)

    def revert(self, wish: Wish, hear: Hear, other: Outcome | None = None) -> Outcome:
        """Take the last update back, or only the one that was taken back in an `other` process.

        A server's children may be born of a parent that went back already.
        """
        if other is not None and (version := self.status().version) != other.before:
            if version != other.after:
                text = f"{self.process.named} is at {version[:12]}, not at {other.before[:12]}; it is left there"
                raise Refused(
                    "PKL009", text, hint=f"`patchkit revert {self.process.pid}` takes back what this one did last"
                )
            return Outcome("already", 0, version, version, 0)
        return self._change(
            Message(
                "revert", {"timeout-ms": _milliseconds(wish.timeout), "rehearse": "yes" if wish.rehearse else "no"}
            ),
            "reverted",
            wish,
            hear,
        )

    def confirm(self) -> Outcome:
        """End the probation of the last update: it stays."""
        return self._change(Message("confirm"), "confirmed", Wish(timeout=0), lambda phase: None)

    def log(self) -> list[tuple[int, str]]:
        """Return what the runtime did: nanoseconds of its clock, and one line each."""
        events: list[tuple[int, str]] = []

        def hear(message: Message) -> None:
            if message.name == "event":
                events.append((message.number("at-ns"), message.text("text")))

        self._ask(Message("log"), ANSWER_SECONDS, None, hear)
        return events

    def _change(self, request: Message, usual: str, wish: Wish, hear: Hear, bundle: int | None = None) -> Outcome:
        before = self.status()
        staying: list[str] = []

        def listen(message: Message) -> None:
            if message.name == "phase":
                hear(Phase(message.text("name"), message.number("us", 0)))
            elif message.name == "fact" and message.text("name") == "stays":
                staying.append(message.text("function"))

        answer = self._ask(request, wish.timeout + REHEARSAL_SECONDS + ANSWER_SECONDS, bundle, listen)
        after = self.status()
        result = answer.text("result", usual)
        update = {"applied": after.updates, "reverted": before.updates}.get(result, ())
        try:
            pause = answer.number("pause-us", 0)
        except Malformed as problem:
            raise self._unclear(problem) from problem
        functions = update[-1].functions if update else 0
        return Outcome(result, pause, before.version, after.version, functions, tuple(staying))

    def _ask(self, request: Message, silence: float, bundle: int | None, hear: Callable[[Message], None]) -> Message:
        try:
            return self._connection.ask(request, silence=silence, bundle=bundle, hear=hear)
        except Malformed as problem:
            raise self._unclear(problem) from problem

    def _unclear(self, problem: Exception) -> LiveError:
        what = f"no `{problem.args[0]}`" if isinstance(problem, KeyError) else str(problem)
        return LiveError(
            "PKL008",
            f"{self.process.named} sent an answer that is not whole: {what}",
            hint="use the patchkit that its runtime came with",
        )


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
