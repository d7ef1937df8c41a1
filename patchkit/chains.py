"""The facade for chains of updates: finding one from a version to another, and making one update of it."""

import tempfile
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchkit import authoring
from patchkit.authoring import FILE, Authored, Way
from patchkit.errors import InputError
from patchkit.model.decision import Decision
from patchkit.transform.answers import check_answer
from patchkit.transform.composition import Composition, Step as Planned
from patchkit.transform.update import parse_update
from patchkit.validate.chain import Outcome, compare_chain
from patchkit.workspace import Reading, Surroundings


@dataclass(frozen=True, slots=True)
class Step:
    """An update in `folder`, from version `old` to version `new`, by the names that it was made with."""

    folder: Path
    old: str
    new: str


def steps_below(folder: Path) -> list[Step]:
    """Return the updates in the directories below `folder`. Raises InputError where there is none, ConfigError for one
    that cannot be read.
    """
    files = sorted(folder.glob(f"*/{FILE}"))
    if not files:
        raise InputError(f"there is no update below {folder}/", hint="make one: patchkit new OLD NEW")
    found = []
    for path in files:
        update = parse_update(path.read_text(encoding="utf-8"), str(path))
        found.append(Step(path.parent, update.old.name, update.new.name))
    return found


def find_path(steps: Iterable[Step], start: str, goal: str) -> tuple[Step, ...]:
    """Return the shortest chain of `steps` from `start` to `goal`. Raises InputError where there is none."""
    by_start: dict[str, list[Step]] = {}
    for step in steps:
        by_start.setdefault(step.old, []).append(step)
    reached: dict[str, tuple[Step, ...]] = {start: ()}
    waiting = deque([start])
    while waiting and goal not in reached:
        name = waiting.popleft()
        for step in by_start.get(name, ()):
            if step.new not in reached:
                reached[step.new] = (*reached[name], step)
                waiting.append(step.new)
    if reached.get(goal):
        return reached[goal]
    raise InputError(f"no chain of updates leads from {start} to {goal}", hint=_what_there_is(by_start, reached, start))


def _what_there_is(by_start: Mapping[str, list[Step]], reached: Mapping[str, tuple[Step, ...]], start: str) -> str:
    if start not in by_start:
        return f"updates begin at {', '.join(sorted(by_start))}"
    return f"from {start} they lead to {', '.join(name for name in reached if name != start)}"


@dataclass(frozen=True, slots=True)
class Squashed:
    """An update in place of a chain: how it stands, and what comparing both on samples gave, by direction.

    `unlike` are variables that it carries over otherwise than the chain; `compared` is empty where something is open.
    """

    authored: Authored
    unlike: tuple[str, ...]
    compared: Mapping[Way, Outcome]

    @property
    def equal(self) -> bool:
        """Whether the update is complete and nothing shows that it differs from the chain."""
        found = any(outcome.findings for outcome in self.compared.values())
        return bool(self.compared) and not found and not self.unlike


def squash(steps: Sequence[Step], folder: Path, around: Surroundings, reading: Reading) -> Squashed:
    """Make in `folder` the update from the first version of `steps` to the last, with what was decided and written for
    each of them, and compare it with them on samples. An update that is there keeps what people decided and wrote.

    Raises InputError for a chain that is no chain of complete updates, and as `author` and `compare_chain` do.
    """
    if len(steps) < 2:
        raise InputError(f"{steps[0].folder} leads there in one step", hint="nothing has to be squashed")
    chain = [_complete(step, around, reading) for step in steps]
    homes = {each.home for each in chain}
    if len(homes) > 1:
        named = ", ".join(str(home) for home in sorted(homes))
        raise InputError(f"the updates name their versions from different directories: {named}")
    around = replace(around, directory=homes.pop())
    reading = replace(reading, program=reading.program or chain[0].update.program or None)
    fresh = not (folder / FILE).exists()
    authored = authoring.begin(steps[0].old, steps[-1].new, folder, around, reading)
    final = next((f"{each.folder}: {each.irreversible}" for each in chain if each.irreversible), "")
    if final and not authored.update.irreversible:
        authored = authoring.mark_irreversible(authored, final, around, reading)
    composed = {way: _composition(chain, way) for way in authored.plans}
    authored = _decided(authored, composed, around, reading)
    if fresh:
        written = {way: composed[way].text(planned) for way, planned in authored.plans.items()}
        authored = authoring.write_texts(authored, written, around, reading)
    unlike = [text for way, planned in authored.plans.items() for text in composed[way].unlike(planned)]
    return Squashed(authored, tuple(unlike), _compared(chain, authored, around))


def _decided(
    authored: Authored, composed: Mapping[Way, Composition], around: Surroundings, reading: Reading
) -> Authored:
    """Return the update with all that the chain answers; one answer may raise the next question."""
    while True:
        found = {way: _fitting(composed[way], authored, way) for way in authored.plans}
        if not any(found.values()):
            return authored
        authored = authoring.answered(authored, found, around, reading)


def _complete(step: Step, around: Surroundings, reading: Reading) -> Authored:
    authored = authoring.author(step.folder, around, reading)
    for problem, hint in (
        ("has open questions", "`patchkit plan` lists them" if authored.plan.open else ""),
        ("was made for other versions", f"patchkit new {step.old} {step.new}" if authored.stale else ""),
    ):
        if hint:
            raise InputError(f"{step.folder} {problem}", hint=f"complete it first: {hint}")
    return authored


def _composition(chain: Sequence[Authored], way: Way) -> Composition:
    ordered = chain if way is Way.UP else chain[::-1]
    return Composition([Planned(str(each.folder), each.plans[way], authoring.texts(each)[way]) for each in ordered])


def _fitting(composed: Composition, authored: Authored, way: Way) -> list[Decision]:
    """Return the answers of the chain that are answers to what the update asks."""
    planned, found = authored.plans[way], []
    for each in composed.answers(planned):
        try:
            check_answer(planned, each.topic, each.subject, each.value)
        except InputError:
            continue  # it stays a question, or is told among what is unlike
        found.append(each)
    return found


def _compared(chain: Sequence[Authored], authored: Authored, around: Surroundings) -> dict[Way, Outcome]:
    if authored.plan.open:
        return {}
    with tempfile.TemporaryDirectory(prefix="patchkit-") as place:
        steps = [authoring.subjects(each, Path(place) / str(n), around) for n, each in enumerate(chain)]
        whole = authoring.subjects(authored, Path(place) / "whole", around)
        found = {}
        for way, subject in whole.items():
            ordered = [each[way] for each in (steps if way is Way.UP else steps[::-1])]
            samples = dict.fromkeys((*subject.samples, *ordered[0].samples))
            found[way] = compare_chain(ordered, replace(subject, samples=tuple(samples)))
        return found
