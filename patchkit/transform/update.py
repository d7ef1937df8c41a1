"""The directory of an update: update.toml, which people and patchkit write, and what is generated beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from patchkit.errors import ConfigError, InputError
from patchkit.model.codec import fingerprints
from patchkit.model.decision import Author, Decision, Decisions, Topic
from patchkit.model.program import Program
from patchkit.read.replacing import replace_file

FILE = "update.toml"
TRANSFORM = "transform.c"
GENERATED = "generated"
_FORMAT = 1
_HEAD = """\
# An update: what becomes of live state. Each decision says about what it is, the answer, and why.
# `patchkit plan` shows what is open; `patchkit decide KEY VALUE --reason ...` answers.
"""


@dataclass(frozen=True, slots=True)
class Update:
    """What update.toml holds. `old` and `new` are the versions as they were named, with fingerprints of their state."""

    folder: Path
    old: str
    new: str
    old_fingerprint: str
    new_fingerprint: str
    decisions: Decisions


def state_fingerprint(program: Program) -> str:
    """Return a digest of the types and variables of a version, which are what an update is about."""
    digest = blake2b(digest_size=12)
    for table in (program.records, program.enums, program.typedefs, program.variables):
        for key, value in sorted(fingerprints(table).items()):
            digest.update(f"{key}\0{value}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def read_update(folder: Path) -> Update:
    """Read the update in `folder`. Raises InputError where there is none and ConfigError for what is wrong in it."""
    path = folder / FILE
    document = _document(path)
    versions = [document.get(side) for side in ("old", "new")]
    if document.get("format") != _FORMAT or not all(isinstance(side, Mapping) for side in versions):
        raise ConfigError(f"{path} is no update of this format", hint="make it with `patchkit new OLD NEW`")
    answers = {}
    for number, row in enumerate(document.get("decision", []), 1):
        decision = _decision(path, number, row)
        if (decision.topic, decision.subject) in answers:
            raise ConfigError(f"{path}: decision {number} ({decision.key}) was given before", hint="remove one of them")
        answers[decision.topic, decision.subject] = decision
    old, new = (dict(side) for side in versions if isinstance(side, Mapping))
    return Update(
        folder,
        str(old.get("version", "")),
        str(new.get("version", "")),
        str(old.get("fingerprint", "")),
        str(new.get("fingerprint", "")),
        Decisions(answers),
    )


def _document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path.parent} holds no {FILE}", hint="make the update: patchkit new OLD NEW") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} cannot be read: {problem}") from problem
    except TOMLKitError as problem:
        raise ConfigError(f"{path} is not TOML: {problem}") from problem


def _decision(path: Path, number: int, row: Any) -> Decision:
    words = {name: row.get(name, "") for name in ("about", "value", "reason", "by", "basis")}
    for name, value in words.items():
        if not isinstance(value, str):
            raise ConfigError(f"{path}: `{name}` of decision {number} is no text", hint='write it in quotes: "0"')
    topic, subject = parse_key(words["about"], f"{path}: decision {number}")
    author = Author.PATCHKIT if words["by"] == Author.PATCHKIT else Author.PERSON
    return Decision(topic, subject, words["value"], words["reason"], author, words["basis"])


def parse_key(key: str, where: str) -> tuple[Topic, str]:
    """Return topic and subject of a key such as `initial struct client.requests`; raises ConfigError."""
    word, _, subject = key.partition(" ")
    if word not in set(Topic) or not subject:
        topics = ", ".join(Topic)
        raise ConfigError(f"{where}: `{key}` does not begin with a topic and a name", hint=f"the topics are {topics}")
    return Topic(word), subject


def new_update(folder: Path, versions: tuple[str, str], programs: tuple[Program, Program]) -> None:
    """Write the update.toml of a new update, or bring the versions in one that exists up to date."""
    path = folder / FILE
    document = _document(path) if path.exists() else tomlkit.parse(_HEAD)
    document["format"] = _FORMAT
    document["engine"] = document.get("engine", "in-place")
    for side, version, program in zip(("old", "new"), versions, programs, strict=True):
        document[side] = {"version": version, "fingerprint": state_fingerprint(program)}
    _write(path, document)


def record_decisions(folder: Path, decisions: Iterable[Decision]) -> None:
    """Add decisions to update.toml, each in the place of an earlier one about the same; all else stays as it stands."""
    path = folder / FILE
    document = _document(path)
    rows = document.get("decision")
    if rows is None:
        rows = document["decision"] = tomlkit.aot()
    for decision in decisions:
        row = next((each for each in rows if each.get("about") == decision.key), None)
        if row is None:
            row = tomlkit.table()
            rows.append(row)
            row = rows[-1]
        row["about"], row["value"], row["reason"] = decision.key, decision.value, decision.reason
        row["by"], row["basis"] = str(decision.author), decision.basis
    _write(path, document)


def _write(path: Path, document: tomlkit.TOMLDocument) -> None:
    if not replace_file(path, tomlkit.dumps(document).encode()):
        raise InputError(f"{path} cannot be written", hint="look at the permissions and the room on its disk")
