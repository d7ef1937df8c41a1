"""The facade for authoring updates: what `patchkit new`, `plan`, `decide` and `edit` do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from patchkit.errors import InputError
from patchkit.model.decision import Author, Decision, Decisions, Item, Plan, State, Topic, Way
from patchkit.read.collector import without_collector
from patchkit.read.replacing import replace_file
from patchkit.runtime import INCLUDE
from patchkit.transform.answers import check_answer
from patchkit.transform.down import settle
from patchkit.transform.migration import Migration
from patchkit.transform.names import transformer_name
from patchkit.transform.plan import Planned, basis, findings, make_plan
from patchkit.transform.stubs import FILE as CODE_FILES, find_function
from patchkit.transform.update import (
    FILE,
    Update,
    Version,
    owned,
    parse_key,
    parse_update,
    parse_way,
    seal,
    state_fingerprint,
    write_update,
)
from patchkit.transform.writing import GENERATED, generated_texts, transform_text
from patchkit.validate import LEVELS, Finding, Subject, validate
from patchkit.workspace import Pairing, Reading, Surroundings, read_pair

if TYPE_CHECKING:
    from patchkit.model.change import Comparison
    from patchkit.model.program import Program

__all__ = [
    "FILE",
    "LEVELS",
    "TRANSFORM",
    "Author",
    "Authored",
    "Finding",
    "Item",
    "Plan",
    "State",
    "Topic",
    "Way",
    "accept_proposals",
    "answered",
    "author",
    "begin",
    "check",
    "decide",
    "findings",
    "load_update",
    "mark_irreversible",
    "migration_of",
    "place_of",
    "subjects",
    "texts",
    "transformer_name",
    "write_texts",
]

SAMPLES = "samples"
TRANSFORM = CODE_FILES[Way.UP]
IRREVERSIBLE = "irreversible"
_SAMPLES_README = """\
Old objects with the new ones that are expected of them: tests of transform.c.
"""


@dataclass(frozen=True, slots=True)
class Authored:
    """An update as it stands: its directory, what its files say, its plans, and both versions.

    `back` is the plan of the way back, in which the new version is the old one; None where the update is irreversible.
    """

    folder: Path
    update: Update
    planned: Planned
    back: Planned | None
    old: Program
    new: Program
    comparison: Comparison

    @property
    def plan(self) -> Plan:
        """What is decided, and what is open."""
        return self.planned.plan

    @property
    def home(self) -> Path:
        """The directory that the versions are named from."""
        return (self.folder / self.update.directory).resolve()

    @property
    def plans(self) -> Mapping[Way, Planned]:
        """The plan of each direction that there is."""
        return {Way.UP: self.planned} | ({Way.DOWN: self.back} if self.back is not None else {})

    @property
    def irreversible(self) -> str:
        """Why the update cannot be taken back once it is committed, empty where it can."""
        if self.back is None:
            return self.update.irreversible
        if not self.back.plan.open:
            return ""
        first = self.back.plan.open[0]
        return f"open is {Way.DOWN} {first.key}" + (
            f", and {len(self.back.plan.open) - 1} more of the way back" if len(self.back.plan.open) > 1 else ""
        )

    @property
    def stale(self) -> tuple[str, ...]:
        """The sides, `old` or `new`, whose types or variables differ from those that the update was made for."""
        sides = (("old", self.update.old, self.old), ("new", self.update.new, self.new))
        return tuple(name for name, version, program in sides if version.fingerprint != state_fingerprint(program))


def begin(old: str, new: str, folder: Path, around: Surroundings, reading: Reading) -> Authored:
    """Make the update directory `folder` for the way from `old` to `new`, or bring the one that exists up to date.

    What people wrote there stays. Raises as `read_version` does, and ConfigError for an update.toml that is wrong.
    """
    present = _read_update(folder) if (folder / FILE).exists() else None
    pairing = read_pair(old, new, around, reading)
    versions = [Version(name, state_fingerprint(program)) for name, program in ((old, pairing.old), (new, pairing.new))]
    home = os.path.relpath(around.directory.resolve(), folder.resolve())
    update = present or Update(versions[0], versions[1], Decisions())
    update = replace(
        update, old=versions[0], new=versions[1], directory=home, program=reading.program or update.program
    )
    return _written(_authored(folder, update, pairing))


def author(folder: Path, around: Surroundings, reading: Reading, versions: tuple[str, str] | None = None) -> Authored:
    """Return the update in `folder` as it stands, for `versions` or for those that it names. Nothing is written."""
    update = _read_update(folder)
    reading = replace(reading, program=reading.program or update.program or None)
    if versions is None:
        around = replace(around, directory=(folder / update.directory).resolve())
        versions = update.old.name, update.new.name
    return _authored(folder, update, read_pair(*versions, around, reading))


def load_update(folder: Path, around: Surroundings) -> tuple[Plan, Decisions, Mapping[str, Path]]:
    """Return plan and decisions of the update in `folder`, and the files of its C that exist, by name."""
    authored = author(folder, around, Reading())
    paths = [
        folder / CODE_FILES[Way.UP],
        *(folder / GENERATED[Way.UP] / name for name in generated_texts(authored.planned)),
    ]
    return authored.plan, authored.planned.decisions, {path.name: path for path in paths if path.exists()}


def _authored(folder: Path, update: Update, pairing: Pairing) -> Authored:
    given = Decisions({key: owned(each) for key, each in update.decisions.answers.items()})
    text = _read(folder / CODE_FILES[Way.UP])
    with without_collector():
        planned = make_plan(pairing.old, pairing.new, pairing.comparison, given, text, pairing.bodies)
        back = None if update.irreversible else _planned_back(folder, update, pairing, planned)
    return Authored(folder, update, planned, back, pairing.old, pairing.new, pairing.comparison)


def _planned_back(folder: Path, update: Update, pairing: Pairing, planned: Planned) -> Planned:
    from patchkit.diff import diff_programs

    old, new = pairing.old, pairing.new
    bodies = pairing.bodies[1], pairing.bodies[0]
    text = _read(folder / CODE_FILES[Way.DOWN])
    return make_plan(new, old, diff_programs(new, old), update.down, text, bodies, settle(planned))


def _written(authored: Authored) -> Authored:
    """Write what has changed of the update's files, and return it as it then stands."""
    folder = authored.folder
    update = replace(authored.update, decisions=Decisions(dict(_recorded(authored))))
    _write(folder / FILE, write_update(_read(folder / FILE), str(folder / FILE), update))
    for way, planned in authored.plans.items():
        text = transform_text(_read(folder / CODE_FILES[way]), planned)
        if text:
            _write(folder / CODE_FILES[way], text)
    if not (folder / SAMPLES).exists():
        _write(folder / SAMPLES / "README", _SAMPLES_README)
    _write_generated(authored)
    return replace(authored, update=update)


def _write_generated(authored: Authored) -> None:
    for way, planned in authored.plans.items():
        for name, text in generated_texts(planned).items():
            _write(authored.folder / GENERATED[way] / name, text)


def _recorded(authored: Authored) -> Iterator[tuple[tuple[Topic, str], Decision]]:
    """Yield what update.toml is to hold: all that people decided, and what patchkit does now."""
    pair, given = authored.planned.pair, authored.update.decisions.answers
    for key, decision in authored.planned.decisions.answers.items():
        stamp = basis(pair, decision.subject)
        if decision.author is Author.PATCHKIT:
            yield key, seal(decision, stamp)
        else:
            yield key, replace(decision, basis=decision.basis or stamp)
    for key, decision in given.items():
        if key not in authored.planned.decisions.answers and owned(decision).author is Author.PERSON:
            yield key, decision


def _read_update(folder: Path) -> Update:
    path = folder / FILE
    if not path.exists():
        raise InputError(f"{folder} holds no {FILE}", hint="make the update: patchkit new OLD NEW")
    return parse_update(_read(path), str(path))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"{path} is not UTF-8 text", hint="save the file as UTF-8") from problem


def _write(path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    if path.exists() and path.read_bytes() == data:
        return
    if not replace_file(path, data):
        raise InputError(f"{path} cannot be written", hint="look at the permissions and the room on its disk")


def decide(folder: Path, key: str, value: str, reason: str, around: Surroundings, reading: Reading) -> Authored:
    """Record an answer and bring the update up to date with it.

    Raises InputError for a key that nothing asks about and for a value that cannot be its answer.
    """
    authored = author(folder, around, reading)
    if key == IRREVERSIBLE:
        return _marked(authored, value, reason, around, reading)
    way, rest = parse_way(key)
    parsed = parse_key(rest)
    if parsed is None:
        topics = ", ".join(Topic)
        raise InputError(f"`{key}` is no topic and a subject", hint=f"topics are {topics}; `patchkit plan` lists keys")
    topic, subject = parsed
    planned = authored.plans.get(way)
    if planned is None:
        raise InputError(
            f"nothing in this update asks `{key}`: it is irreversible, because {authored.irreversible}",
            hint="to have the way back: patchkit decide irreversible no --reason ...",
        )
    check_answer(planned, topic, subject, value)
    answer = Decision(topic, subject, value, reason, Author.PERSON, basis(planned.pair, subject))
    return answered(authored, {way: (answer,)}, around, reading)


def mark_irreversible(authored: Authored, reason: str, around: Surroundings, reading: Reading) -> Authored:
    """Say that an update has no way back, and why; with an empty reason that it has one."""
    return _changed(authored, replace(authored.update, irreversible=reason), around, reading)


def _marked(authored: Authored, value: str, reason: str, around: Surroundings, reading: Reading) -> Authored:
    """Say whether an update has no way back, and why."""
    if value not in ("yes", "no"):
        raise InputError(f"`{value}` is no answer to `{IRREVERSIBLE}`", hint="the answers are yes, no")
    if value == "yes" and not reason.strip():
        raise InputError("an irreversible update needs a reason, which `revert` shows", hint="give it by --reason")
    return mark_irreversible(authored, reason if value == "yes" else "", around, reading)


def accept_proposals(folder: Path, reason: str, around: Surroundings, reading: Reading) -> tuple[Authored, list[Item]]:
    """Answer every open question that has a proposal with it, until none has; return the items that were answered."""
    authored = author(folder, around, reading)
    accepted: list[Item] = []
    while chosen := [each for each in authored.plan.open if each.proposal and each.state is State.ASKED]:
        pair = authored.planned.pair
        answers = tuple(
            Decision(each.topic, each.subject, each.proposal, reason, Author.PERSON, basis(pair, each.subject))
            for each in chosen
        )
        accepted += chosen
        authored = answered(authored, {Way.UP: answers}, around, reading)
    return authored, accepted


def answered(
    authored: Authored, answers: Mapping[Way, Sequence[Decision]], around: Surroundings, reading: Reading
) -> Authored:
    """Record answers of both directions and bring the update up to date with them. Each has to be one that fits."""
    update = authored.update
    up, down = (answers.get(way, ()) for way in (Way.UP, Way.DOWN))
    update = replace(update, decisions=update.decisions.with_those(up), down=update.down.with_those(down))
    return _changed(authored, update, around, reading)


def texts(authored: Authored) -> Mapping[Way, str]:
    """Return what programmers wrote for each direction of an update."""
    return {way: _read(authored.folder / CODE_FILES[way]) for way in authored.plans}


def write_texts(authored: Authored, written: Mapping[Way, str], around: Surroundings, reading: Reading) -> Authored:
    """Give directions of a new update C in place of the stubs that it began with, and return it as it then stands."""
    for way, text in written.items():
        if text:
            _write(authored.folder / CODE_FILES[way], text)
    return _written(author(authored.folder, around, reading))


def _changed(authored: Authored, update: Update, around: Surroundings, reading: Reading) -> Authored:
    path = authored.folder / FILE
    _write(path, write_update(_read(path), str(path), update))
    return _written(author(authored.folder, around, reading))


def place_of(folder: Path, key: str, around: Surroundings, reading: Reading) -> tuple[Path, int]:
    """Return the file and the line (from 1) where the conversion `key` is written, with its stub made if need be.

    Raises InputError where nothing says that it is converted by hand.
    """
    way, rest = parse_way(key)
    subject = rest.removeprefix(f"{Topic.CODE} ")
    path, name = folder / CODE_FILES[way], transformer_name(subject, way)
    found = find_function(_read(path), name)
    if found is None:
        authored = _written(author(folder, around, reading))
        found = find_function(_read(path), name)
        if found is None:
            items = authored.plans[way].plan.items if way in authored.plans else ()
            known = sorted(item.subject for item in items if item.topic is Topic.CODE)
            hint = f"written by hand are {', '.join(known)}" if known else ""
            about = f"{'' if way is Way.UP else 'down '}code {subject}"
            more = f'to write it: patchkit decide "{about}" {path.name} --reason ...'
            raise InputError(f"{path} has no function for {subject}", hint=f"{hint}; {more}" if hint else more)
    return path, found.line


def check(
    authored: Authored, levels: Sequence[int], around: Surroundings, samples: Sequence[Path] = ()
) -> list[Finding]:
    """Return what the checks of `levels` find in an update, its generated files brought up to date first.

    `samples` are files of samples beside those of the update's directory; those of the way back are in samples/down.
    """
    with tempfile.TemporaryDirectory(prefix="patchkit-") as place:
        return validate(list(subjects(authored, Path(place), around, samples).values()), levels)


def subjects(
    authored: Authored, place: Path, around: Surroundings, samples: Sequence[Path] = ()
) -> Mapping[Way, Subject]:
    """Return each direction of an update as what checks are given, its generated files brought up to date first.

    `place` is a directory that checks may write to, `samples` are files beside those of the update's directory.
    """
    _write_generated(authored)
    found = {}
    for way in [Way.UP] if authored.irreversible else list(authored.plans):
        given = (*sorted(_samples(authored, way).glob("*.json")), *(samples if way is Way.UP else ()))
        sources, include = _sources(authored, way), _include(authored, way)
        found[way] = Subject(authored.plans[way], sources, include, given, place / way, around.environ)
    return found


def _samples(authored: Authored, way: Way) -> Path:
    return authored.folder.resolve() / (SAMPLES if way is Way.UP else f"{SAMPLES}/{way}")


def _include(authored: Authored, way: Way) -> tuple[Path, ...]:
    return authored.folder.resolve() / GENERATED[way], INCLUDE


def _sources(authored: Authored, way: Way) -> tuple[Path, ...]:
    """Return the C files of one direction of the update."""
    folder, written = authored.folder.resolve(), authored.folder.resolve() / CODE_FILES[way]
    by_hand = any(item.topic is Topic.CODE for item in authored.plans[way].plan.items) and written.exists()
    return (folder / GENERATED[way] / "migrate.c", *((written,) if by_hand else ()))


def migration_of(authored: Authored) -> Migration:
    """Return what the making of a bundle needs of a complete update, its generated files brought up to date.

    Raises InputError for an update with open questions and for one that was made for other versions.
    """
    if authored.plan.open:
        first = authored.plan.open[0]
        raise InputError(
            f"{authored.folder} has open questions, the first: {first.key} ({first.state.rule})",
            hint="`patchkit plan` lists them, `patchkit decide` answers",
        )
    if authored.stale:
        raise InputError(
            f"{authored.folder} was made for another {authored.stale[0]} version (PKX602)",
            hint="bring it up to date: patchkit new OLD NEW -o DIRECTORY",
        )
    _write_generated(authored)
    down = None if authored.irreversible else _migration(authored, Way.DOWN)
    return replace(_migration(authored, Way.UP), down=down, irreversible=authored.irreversible)


def _migration(authored: Authored, way: Way) -> Migration:
    written = authored.plans[way].written
    return Migration(
        _sources(authored, way),
        _include(authored, way),
        written.aliases,
        written.moved,
        written.severed,
        written.layouts,
    )
