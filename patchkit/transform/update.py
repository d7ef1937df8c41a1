"""update.toml: the versions that an update is for, and what was decided. Text in, text out.

People, the terminal interface and the command line all write it, so what is rewritten is only what changed: comments,
order and keys that patchkit does not know stay.
"""

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from patchkit.diff.types import is_foreign
from patchkit.errors import ConfigError
from patchkit.model.decision import Author, Decision, Decisions, Topic, Way
from patchkit.model.program import Enum, Program, Record, Typedef, Variable

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

FILE = "update.toml"
ENGINES = ("in-place", "whole-program")
_FORMAT = 1
_HEAD = """\
# What becomes of live state. Each decision says what it is about, the answer, and why.
# `patchkit plan` shows what is open; `patchkit decide KEY VALUE --reason ...` answers it, and so does editing here.
"""
_KEYS = ("format", "engine", "directory", "program", "irreversible")
_ROW = ("about", "value", "reason", "by", "basis")


@dataclass(frozen=True, slots=True)
class Version:
    """One side of an update: as it was named, and a digest of its types and variables."""

    name: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What update.toml holds. `directory` is where versions are named from, relative to that of the file; `program` the
    executable that is looked at, empty where the project's settings say so. `down` are the answers about the way back,
    which is not wanted where `irreversible` gives a reason.
    """

    old: Version
    new: Version
    decisions: Decisions = field(default_factory=Decisions)
    engine: str = ENGINES[0]
    directory: str = "."
    program: str = ""
    down: Decisions = field(default_factory=lambda: Decisions(way=Way.DOWN))
    irreversible: str = ""


def state_fingerprint(program: Program) -> str:
    """Return a digest of the types and variables of a version, which are what an update is about.

    What is foreign does not count: the C library of the machine that reads it may be another.
    """
    digest = hashlib.blake2b(digest_size=12)
    tables: tuple[Mapping[str, Record | Enum | Typedef | Variable], ...]
    tables = (program.records, program.enums, program.typedefs, program.variables)
    for table in tables:
        own = ((key, entity) for key, entity in table.items() if not is_foreign(entity.coord))
        for key, entity in sorted(own, key=lambda pair: pair[0]):
            digest.update(f"{key}\0{entity.fingerprint}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def parse_key(text: str) -> tuple[Topic, str] | None:
    """Return topic and subject of a key such as `initial struct client.requests`, None for what is none."""
    word, _, subject = text.strip().partition(" ")
    return (Topic(word), subject.strip()) if word in set(Topic) and subject.strip() else None


def parse_way(text: str) -> tuple[Way, str]:
    """Return the direction that a key is about, which `down` in front of it says, and the rest of the key."""
    word, _, rest = text.strip().partition(" ")
    return (Way.DOWN, rest.strip()) if word == Way.DOWN else (Way.UP, text)


def parse_update(text: str, path: str) -> Update:
    """Return what the text of an update.toml says; `path` is shown in errors.

    Raises ConfigError, which names file, line and key, for what is not TOML or not of this form.
    """
    document = _document(text, path)
    place = _Place(text, path)
    if document.get("format") != _FORMAT:
        raise ConfigError(place.at("format", "must be 1"), hint="make the update with `patchkit new OLD NEW`")
    place.refuse_unknown(document, (*_KEYS, "old", "new", "decision"))
    engine = place.text(document, "engine", ENGINES[0])
    if engine not in ENGINES:
        raise ConfigError(place.at("engine", f"cannot be `{engine}`"), hint=f"engines are {', '.join(ENGINES)}")
    return Update(
        old=_version(document, "old", place),
        new=_version(document, "new", place),
        decisions=_decisions(document, place, Way.UP),
        down=_decisions(document, place, Way.DOWN),
        irreversible=place.text(document, "irreversible", ""),
        engine=engine,
        directory=place.text(document, "directory", "."),
        program=place.text(document, "program", ""),
    )


def write_update(text: str, path: str, update: Update) -> str:
    """Return the text of an update.toml that says what `update` says, changed from `text` no more than it has to be.

    `text` is empty where there is no file yet. A decision that `update` does not have is taken out, unless a comment
    stands beside it.
    """
    import tomlkit

    document = _document(text, path) if text.strip() else tomlkit.parse(_HEAD)
    if "format" not in document:
        document.add("format", tomlkit.item(_FORMAT))
    for key, value, default in (
        ("engine", update.engine, ""),
        ("directory", update.directory, "."),
        ("program", update.program, ""),
        ("irreversible", update.irreversible, ""),
    ):
        _set(document, key, value, default)
    if not update.irreversible and "irreversible" in document:
        del document["irreversible"]
    for key, version in (("old", update.old), ("new", update.new)):
        if not isinstance(document.get(key), dict):
            document[key] = tomlkit.table()
        _set(document[key], "version", version.name)
        _set(document[key], "fingerprint", version.fingerprint)
    _write_decisions(document, (update.decisions, update.down))
    return tomlkit.dumps(document)


def seal(decision: Decision, basis: str) -> Decision:
    """Return a decision of patchkit's with a `basis` that also tells whether somebody has edited it since."""
    return replace(decision, author=Author.PATCHKIT, basis=f"{basis}:{_checksum(decision)}")


def owned(decision: Decision) -> Decision:
    """Return a decision as it counts: one of patchkit's that was edited is a person's."""
    if decision.author is not Author.PATCHKIT:
        return decision
    basis, _, checksum = decision.basis.partition(":")
    author = Author.PATCHKIT if checksum == _checksum(decision) else Author.PERSON
    return replace(decision, author=author, basis=basis)


def _checksum(decision: Decision) -> str:
    words = "\0".join((decision.key, decision.value, decision.reason))
    return hashlib.blake2b(words.encode("utf-8", "surrogateescape"), digest_size=3).hexdigest()


def _document(text: str, path: str) -> "TOMLDocument":
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError

    try:
        return tomlkit.parse(text)
    except ParseError as problem:
        raise ConfigError(f"{path}:{problem.line}: not TOML: {problem}", hint="see https://toml.io") from problem
    except (TOMLKitError, ValueError) as problem:  # a key given twice, for example
        raise ConfigError(f"{path}: not TOML: {problem}", hint="see https://toml.io") from problem


@dataclass(frozen=True, slots=True)
class _Place:
    """Where things stand in the file, for messages. `row` is the number of a decision from 1, 0 outside of them."""

    source: str
    path: str
    table: str = ""
    row: int = 0

    def at(self, key: str, problem: str) -> str:
        """Return a message that names file, line and key."""
        name = f"{self.table}.{key}" if self.table else key
        return f"{self.path}:{self._line(key)}: `{name}` {problem}"

    def text(self, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
        """Return a text of `table`; raises ConfigError where it is missing or something else."""
        value = table.get(key, default)
        if isinstance(value, str):
            return str(value)
        problem = "is missing" if value is None else f"must be a text, not {value!r}"
        raise ConfigError(self.at(key, problem), hint=f'write it in quotes: {key} = "..."')

    def refuse_unknown(self, table: Iterable[str], known: tuple[str, ...]) -> None:
        """Raise ConfigError for the first key that is none of `known`."""
        for key in table:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean `{close[0]}`?" if close else f"known here: {', '.join(known)}"
                raise ConfigError(self.at(key, "is not known"), hint=hint)

    def _line(self, key: str) -> int:
        start = 0
        if self.table:
            heads = list(re.finditer(rf"^[ \t]*\[+[ \t]*{re.escape(self.table)}[ \t]*\]", self.source, re.M))
            start = heads[min(self.row or 1, len(heads)) - 1].start() if heads else 0
        found = re.compile(rf"^[ \t]*\"?{re.escape(key)}\"?[ \t]*=", re.M).search(self.source, start)
        head = re.compile(rf"^[ \t]*\[+[ \t]*{re.escape(key)}\b", re.M).search(self.source, start)
        after = re.compile(r"^[ \t]*\[", re.M).search(self.source, start + 1) if self.table else None
        if found and after and found.start() > after.start():
            found = None  # it is missing: the line of its table then
        match = found or head
        position = match.start() if match is not None else start
        return self.source.count("\n", 0, position) + 1


def _version(document: Mapping[str, Any], side: str, place: _Place) -> Version:
    table = document.get(side)
    if not isinstance(table, dict):
        raise ConfigError(place.at(side, "is missing"), hint=f"it is a table: [{side}]")
    place = replace(place, table=side)
    place.refuse_unknown(table, ("version", "fingerprint"))
    return Version(place.text(table, "version"), place.text(table, "fingerprint", ""))


def _decisions(document: Mapping[str, Any], place: _Place, way: Way) -> Decisions:
    rows = document.get("decision", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(place.at("decision", "must be a list of tables"), hint="begin each with [[decision]]")
    answers: dict[tuple[Topic, str], Decision] = {}
    for number, row in enumerate(rows, 1):
        here = replace(place, table="decision", row=number)
        here.refuse_unknown(row, _ROW)
        found, decision = _decision(row, here)
        if found is not way:
            continue
        key = decision.topic, decision.subject
        if key in answers:
            raise ConfigError(here.at("about", f"= `{decision.key}` was decided before"), hint="keep one of the two")
        answers[key] = decision
    return Decisions(answers, way)


def _decision(row: Mapping[str, Any], place: _Place) -> tuple[Way, Decision]:
    about = place.text(row, "about")
    way, rest = parse_way(about)
    key = parse_key(rest)
    if key is None:
        close = difflib.get_close_matches(about.split(" ", 1)[0], list(Topic), n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"topics are {', '.join(Topic)}"
        raise ConfigError(place.at("about", f"= `{about}` is no topic with a subject behind it"), hint=hint)
    author = place.text(row, "by", Author.PERSON)
    if author not in set(Author):
        raise ConfigError(place.at("by", f"cannot be `{author}`"), hint=f"write {' or '.join(Author)}")
    return way, Decision(
        *key,
        value=place.text(row, "value"),
        reason=place.text(row, "reason", ""),
        author=Author(author),
        basis=place.text(row, "basis", ""),
    )


def _about(way: Way, key: str) -> str:
    return key if way is Way.UP else f"{way} {key}"


def _write_decisions(document: "TOMLDocument", ways: Iterable[Decisions]) -> None:
    import tomlkit

    left = {_about(each.way, one.key): one for each in ways for one in each.answers.values()}
    rows = document.get("decision")
    if rows is None:
        if not left:
            return
        document.add(tomlkit.nl())
        rows = tomlkit.aot()
        document.append("decision", rows)
        rows = document["decision"]
    for number in range(len(rows) - 1, -1, -1):
        way, rest = parse_way(str(rows[number].get("about", "")))
        key = parse_key(rest)
        decision = left.pop(_about(way, f"{key[0]} {key[1]}"), None) if key is not None else None
        if decision is not None:
            _fill(rows[number], decision)
        elif not _has_comment(rows[number]):
            del rows[number]
    for about, decision in left.items():
        row = tomlkit.table()
        row.add("about", about)
        _fill(row, decision)
        if rows and not rows[-1].as_string().endswith("\n\n"):
            rows[-1].add(tomlkit.nl())
        rows.append(row)


def _has_comment(row: Any) -> bool:
    """Whether somebody wrote a comment in a table, or behind it, where the next one's head may be commented."""
    return any(line.lstrip().startswith("#") or " #" in line for line in row.as_string().splitlines())


def _fill(row: Any, decision: Decision) -> None:
    for key, value, default in (
        ("value", decision.value, None),
        ("reason", decision.reason, ""),
        ("by", str(decision.author), str(Author.PERSON)),
        ("basis", decision.basis, ""),
    ):
        _set(row, key, value, default)


def _set(table: Any, key: str, value: str, default: str | None = None) -> None:
    """Set a text where it is another now; one that is as it is without being said is not added."""
    present = table.get(key)
    if present is None and value == default:
        return
    if present != value:
        table[key] = value
