"""The facade for authoring updates: what `patchkit new`, `plan` and `decide` do, for command line and TUI alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import InputError
from patchkit.model.change import Comparison
from patchkit.model.decision import Author, Decision, Item, Plan, State, Topic
from patchkit.model.program import Program
from patchkit.runtime import INCLUDE
from patchkit.transform.migration import Migration
from patchkit.transform.names import transformer_name
from patchkit.transform.plan import Planned, basis, make_plan
from patchkit.transform.update import (
    GENERATED,
    TRANSFORM,
    Update,
    new_update,
    parse_key,
    read_update,
    record_decisions,
    state_fingerprint,
)
from patchkit.transform.writing import write_generated
from patchkit.workspace import Reading, Surroundings, read_pair

__all__ = [
    "TRANSFORM",
    "Author",
    "Authored",
    "Item",
    "Plan",
    "State",
    "Topic",
    "accept_proposals",
    "author",
    "begin",
    "decide",
    "migration_of",
    "transformer_name",
]


@dataclass(frozen=True, slots=True)
class Authored:
    """An update as it stands: its directory, its plan, and both versions."""

    update: Update
    planned: Planned
    old: Program
    new: Program
    comparison: Comparison

    @property
    def plan(self) -> Plan:
        """What is decided, and what is open."""
        return self.planned.plan


def begin(old: str, new: str, folder: Path, around: Surroundings, reading: Reading) -> Authored:
    """Make the update directory `folder` for the way from `old` to `new`, or bring the one that exists up to date.

    What people wrote there stays. Raises as `read_version` does, and ConfigError for an update.toml that is wrong.
    """
    programs = read_pair(old, new, around, reading)
    new_update(folder, (old, new), programs[:2])
    return _authored(read_update(folder), *programs)


def author(folder: Path, around: Surroundings, reading: Reading, versions: tuple[str, str] | None = None) -> Authored:
    """Return the update in `folder`, for `versions` or for those that it names, with what is generated written anew."""
    update = read_update(folder)
    return _authored(update, *read_pair(*(versions or (update.old, update.new)), around, reading))


def _authored(update: Update, old: Program, new: Program, comparison: Comparison) -> Authored:
    path = update.folder / TRANSFORM
    transform = path.read_text(encoding="utf-8") if path.exists() else ""
    planned = make_plan(old, new, comparison, update.decisions, transform)
    write_generated(update.folder, planned)
    return Authored(update, planned, old, new, comparison)


def decide(authored: Authored, key: str, value: str, reason: str) -> None:
    """Record an answer in the update. Raises InputError for a key that nothing asks about and a value it cannot be."""
    topic, subject = parse_key(key, "the key")
    item = next((each for each in authored.plan.items if (each.topic, each.subject) == (topic, subject)), None)
    if item is not None and item.choices and not _is_choice(value, item.choices):
        raise InputError(f"`{value}` is no answer to {key}", hint=f"the answers are {', '.join(item.choices)}")
    if item is None and topic is Topic.ACCEPT:
        raise InputError(f"nothing in this update asks about {subject}", hint="`patchkit plan` lists what is asked")
    stamp = basis(authored.planned.pair, subject)
    record_decisions(authored.update.folder, [Decision(topic, subject, value, reason, Author.PERSON, stamp)])


def _is_choice(value: str, choices: Sequence[str]) -> bool:
    words = value.split()
    return value in choices or any(
        "KEY" in choice and len(words) == 2 and words[0] == choice.split()[0] for choice in choices
    )


def accept_proposals(authored: Authored, reason: str) -> list[Item]:
    """Record what is proposed for every open question that has a proposal; return those items."""
    chosen = [item for item in authored.plan.open if item.proposal and item.state is State.ASKED]
    pair = authored.planned.pair
    record_decisions(
        authored.update.folder,
        [
            Decision(each.topic, each.subject, each.proposal, reason, Author.PERSON, basis(pair, each.subject))
            for each in chosen
        ],
    )
    return chosen


def migration_of(authored: Authored) -> Migration:
    """Return what the making of a bundle needs of a complete update. Raises InputError for one with open questions."""
    if authored.plan.open:
        first = authored.plan.open[0]
        raise InputError(
            f"{authored.update.folder} has open questions, the first: {first.key} (PKX603)",
            hint="`patchkit plan` lists them, `patchkit decide` answers",
        )
    for side, program, kept in (
        ("old", authored.old, authored.update.old_fingerprint),
        ("new", authored.new, authored.update.new_fingerprint),
    ):
        if kept != state_fingerprint(program):
            raise InputError(
                f"{authored.update.folder} was made for another {side} version (PKX602)",
                hint="bring it up to date: patchkit new OLD NEW -o DIRECTORY",
            )
    folder, written = authored.update.folder.resolve(), authored.planned.written
    sources = [folder / GENERATED / "migrate.c"]
    if (folder / TRANSFORM).exists() and authored.plan.lines:
        sources.append(folder / TRANSFORM)
    return Migration(
        tuple(sources),
        (folder / GENERATED, INCLUDE),
        written.aliases,
        written.moved,
        written.severed,
        written.layouts,
    )
