"""Runs faults one after the other, each against a process that is at its first version, and keeps count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from corpora.bench.faults.catalogue import Fault, Run, Turns
from corpora.bench.faults.stock import Stock
from corpora.bench.faults.subjects import LostError, Program, Subject, start
from patchkit.errors import PatchkitError
from patchkit.live.failure import LiveError

MOST_RUNS = 40  # that one process goes through
SPARE_DESCRIPTORS = 2  # the listener of a runtime that was asked, and a client that is about to go


@dataclass(slots=True)
class Tally:
    """What the runs of one fault came to; `results` counts results and codes as they were heard."""

    runs: int = 0
    refused: int = 0
    applied: int = 0
    lost: int = 0
    wrong: int = 0
    unexpected: int = 0
    results: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A run that did not come to what was expected; `number` is its own, and `seed` that of the campaign."""

    fault: str
    number: int
    seed: int
    program: str
    text: str


class Campaign:
    """All runs with one seed."""

    def __init__(self, stock: Stock, seed: int) -> None:
        self.stock = stock
        self.seed = seed
        self.tallies: dict[str, Tally] = {}
        self.troubles: list[Trouble] = []
        self._turns = Turns()
        self._subjects: dict[Program, Subject] = {}

    def run(self, plan: Sequence[Fault], heard: Callable[[int], None] = lambda number: None) -> None:
        """Make all runs of `plan`; `heard` is told the number of each that is over."""
        try:
            for number, fault in enumerate(plan):
                self._one(fault, number)
                heard(number)
        finally:
            for program in list(self._subjects):
                self._retire(program)

    def _one(self, fault: Fault, number: int) -> None:
        random = Random(f"{self.seed} {fault.name} {number}")
        program = fault.programs[self._turns.turn(f"program of {fault.name}", len(fault.programs))]
        tally = self.tallies.setdefault(fault.name, Tally())
        tally.runs += 1
        subject = self._subject(program, fault, number)
        run = Run(subject, self.stock, random, self._turns)

        def trouble(text: str) -> None:
            chosen = ", ".join(run.chosen)
            self.troubles.append(Trouble(fault.name, number, self.seed, program, f"{text} ({chosen})"))

        try:
            result = self._struck(fault, run)
            tally.results[result] = tally.results.get(result, 0) + 1
            moved = self._proved(subject, result)
            tally.applied += moved or result == "already"
            tally.refused += not moved and result != "already"
            text = _unexpected(fault, result, moved)
            tally.unexpected += bool(text)
            if text:
                trouble(text)
        except LostError as problem:
            tally.lost += 1
            trouble(f"lost: {problem}")
            self._retire(program)
            return
        wrong = subject.witness.wrong_answers()
        tally.wrong += wrong
        if wrong:
            trouble(f"{wrong} wrong answers")
        self._settle(subject, fault, trouble)

    def _struck(self, fault: Fault, run: Run) -> str:
        try:
            return fault.strike(run)
        except LiveError as problem:
            return problem.code
        except (PatchkitError, OSError) as problem:  # the process may be gone, as will be seen
            return str(problem)

    def _proved(self, subject: Subject, result: str) -> bool:
        """Return whether the process is at another version than when it was last proved. Raises LostError."""
        before = subject.at
        subject.relieve()
        subject.prove()
        if result in ("applied", "already") and subject.at == subject.started_as:
            raise LostError(f"the update was {result}, and the process is at its first version")
        return subject.at != before

    def _settle(self, subject: Subject, fault: Fault, trouble: Callable[[str], None]) -> None:
        """Bring the process back to where it started, or let it end."""
        subject.runs += 1
        while subject.at != subject.started_as and subject.reversible and not fault.fresh:
            try:
                subject.revert()
                subject.prove()
            except (LiveError, LostError) as problem:
                trouble(f"lost on the way back: {problem}")
                self.tallies[fault.name].lost += 1
                self._retire(subject.program)
                return
        if subject.at != subject.started_as or subject.runs >= MOST_RUNS or fault.fresh:
            left = subject.open_descriptors() - subject.descriptors
            if left > SPARE_DESCRIPTORS:
                trouble(f"{left} descriptors more are open in the process than before")
            self._retire(subject.program)

    def _subject(self, program: Program, fault: Fault, number: int) -> Subject:
        found = self._subjects.get(program)
        if found is not None and (fault.fresh or found.faulty):
            self._retire(program)
        if program not in self._subjects:
            self._subjects[program] = start(self.stock, program, self.seed + number, faulty=fault.faulty)
        return self._subjects[program]

    def _retire(self, program: Program) -> None:
        self._subjects.pop(program).stack.close()


def _unexpected(fault: Fault, result: str, moved: bool) -> str:
    """Return what is not as the fault has it, empty where all is."""
    if moved and not fault.applies:
        return f"the update happened ({result})"
    known = {"applied", "already", "reverted", "killed", *fault.refusals}
    return "" if result in known else f"it ended with {result}"


def plan_of(faults: Sequence[Fault], runs: int, seed: int) -> list[Fault]:
    """Return `runs` faults by their shares, each at least once where there is room, in an order of the seed's."""
    total = sum(fault.share for fault in faults)
    plan = [fault for fault in faults for _ in range(max(1, runs * fault.share // total))]
    common = max(faults, key=lambda fault: fault.share)
    plan += [common] * (runs - len(plan))
    Random(seed).shuffle(plan)
    return plan[:runs]
