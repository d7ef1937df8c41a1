"""Making a bundle from two recorded versions: everything that is decided before a process is known."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from patchkit.bundle.archive import PAYLOAD, Manifest, compressed, write_bundle
from patchkit.bundle.check import check_payload
from patchkit.bundle.compiling import CompiledUnit, are_compiled, compile_units
from patchkit.bundle.converting import Names, compile_migration
from patchkit.bundle.disassembly import Code, disassemble
from patchkit.bundle.executable import Executable, Thing, old_function_rows, read_executable
from patchkit.bundle.inlining import mentions_of_objects, mentions_of_rows, pin_holders
from patchkit.bundle.keys import Identity, is_clone
from patchkit.bundle.linking import Linked, Linker
from patchkit.bundle.objects import Program as Objects, code_digest, read_objects
from patchkit.bundle.pairing import Pairing, Refusal, pair_versions, variable_identities
from patchkit.bundle.payload import FunctionRow, Kind, Payload, Reason, read_payload, write_payload
from patchkit.bundle.transfers import JUMP_SIZE, find_transfers
from patchkit.errors import BuildError, InputError
from patchkit.model.build import LinkedProgram, Recording
from patchkit.model.change import Comparison
from patchkit.model.codec import program_to_json
from patchkit.model.program import Program
from patchkit.read.record import kept_program
from patchkit.read.record.index import file_digest
from patchkit.report import Format, Options, render
from patchkit.transform.migration import Migration


@dataclass(frozen=True, slots=True)
class Version:
    """One side: what was recorded of its build, which of its programs it is about, and what was read of it."""

    recording: Recording
    name: str | None
    program: Program


@dataclass(frozen=True, slots=True)
class Settings:
    """How a bundle is made. `may_stay` are changed functions that may be on a stack at the switch, `points` the update
    points; `expires` is in seconds since 1970; `key` a private key to sign with.
    """

    cache: Path
    jobs: int
    environ: Mapping[str, str]
    progress: Callable[[str, int, int], None]
    may_stay: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    sequence: int = 0
    expires: int | None = None
    key: Path | None = None
    migration: Migration | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it. Without `manifest` nothing was written, for the reasons in `refusals`."""

    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...] = ()
    manifest: Manifest | None = None
    switched: int = 0
    adopted: int = 0
    constants: int = 0
    fresh: int = 0
    size: int = 0


def make_bundle(old: Version, new: Version, comparison: Comparison, output: Path, settings: Settings) -> Made:
    """Make the bundle that takes a process from `old` to `new` and write it to `output`.

    Raises InputError, BuildError or ToolError where a version cannot be used; what cannot be updated is in the result.
    """
    before, after = _linked(old), _linked(new)
    _check_sources(new.recording, after)
    migration = settings.migration
    pairing = pair_versions(old.program, new.program, comparison, settings.may_stay, migration)
    if pairing.refusals:
        return Made(tuple(pairing.refusals), tuple(pairing.notes))
    executable = read_executable(_executable_path(old.recording, before), old.recording.root)
    successor = read_executable(_executable_path(new.recording, after), new.recording.root)
    cache = settings.cache / "objects"
    units = recorded = compile_units(new.recording, after, cache, settings.jobs, settings.environ, settings.progress)
    names = None
    if migration is not None:
        command = new.recording.units[after.units[0]].command
        units += compile_migration(migration, command.arguments[0], command.arguments, cache, settings.environ)
        names = Names(migration, old.program, new.program)
    settings.progress("linking", 0, 0)
    objects = read_objects(units, successor)
    code = disassemble(executable.elf.path, (stretch.place for stretch in executable.stretches))
    rows = tuple(old_function_rows(executable, code.mentions))
    if pairing.knowing:
        pin_holders(old.program, pairing.knowing, mentions_of_rows(rows))
    if pairing.down_pinned:
        pin_holders(new.program, pairing.down_pinned, mentions_of_objects(objects))
    entries = _Entries(executable, code, pairing)
    linker = Linker(objects, executable, successor, pairing, entries.unpatchable, names)
    refusals = [*linker.decide(), *entries.refusals, *_refused_points(settings.points, executable, entries)]
    if refusals:
        return Made(tuple(refusals), tuple(pairing.notes))
    linked = linker.link()
    payload = _payload(executable, successor, linked, rows, entries, pairing, settings)
    former = _former_objects(old, before, executable, settings)
    settings.progress("comparing the code", 0, 0)
    payload = _with_transfers(payload, linker, recorded, former)
    check_payload(payload)
    data = write_payload(payload)
    assert read_payload(data) == payload
    manifest, members = _members(old, new, comparison, Path(before.output).name, payload, settings)
    written = write_bundle(output, manifest, {PAYLOAD: data, **members}, settings.key)
    return Made(
        (),
        (*pairing.notes, *_notes(objects)),
        written,
        switched=len(payload.patches),
        adopted=linked.adopted,
        constants=linked.constants,
        fresh=linked.fresh,
        size=output.stat().st_size,
    )


def _members(
    old: Version, new: Version, comparison: Comparison, name: str, payload: Payload, settings: Settings
) -> tuple[Manifest, dict[str, bytes]]:
    """The manifest, and what goes with the payload."""
    members = {
        "report.txt": render(comparison, Format.TEXT, Options()).encode(),
        "old.json.gz": compressed(_json(old.program)),
        "new.json.gz": compressed(_json(new.program)),
    }
    manifest = Manifest(
        program=name,
        old=payload.from_id.hex(),
        new=payload.to_id.hex(),
        sequence=settings.sequence,
        expires=settings.expires,
        reversible=settings.migration is None or settings.migration.down is not None,
        functions=len(payload.patches),
        irreversible=settings.migration.irreversible if settings.migration is not None else "",
    )
    return manifest, members


def _with_transfers(
    payload: Payload, linker: Linker, recorded: Iterable[CompiledUnit], former: Objects | None
) -> Payload:
    """Add which frames of the old version go on in the new one; `former` are the old version's objects, `recorded` the
    new one's without what the update adds.
    """
    transfers = find_transfers(linker, linker.old, former)
    strays = [linker.use_stray(each) for each in transfers.strays]
    pinned = {row.key: row for row in payload.pinned}
    for identity in transfers.loops:
        reason = f"{identity.name} jumps back to its own first bytes"
        pinned.setdefault(identity.key, Reason(identity.key, identity.text, reason))
    return replace(
        payload,
        pinned=tuple(pinned[key] for key in sorted(pinned)),
        olds=tuple(linker.olds),
        transfers=transfers.rows,
        strays=tuple(index for index in strays if index is not None),
        from_code=code_digest(former, {each.unit for each in former.objects}) if former is not None else 0,
        to_code=code_digest(linker.program, {each.unit for each in recorded}),
    )


def _former_objects(old: Version, before: LinkedProgram, executable: Executable, settings: Settings) -> Objects | None:
    """The old version as an update brings it to a process; None where its sources are not there any more."""
    cache = settings.cache / "objects"
    try:
        if not are_compiled(old.recording, before, cache):
            _check_sources(old.recording, before)
        units = compile_units(old.recording, before, cache, settings.jobs, settings.environ, settings.progress)
    except (InputError, BuildError):
        return None
    return read_objects(units, executable)


def _json(program: Program) -> bytes:
    return json.dumps(program_to_json(program), separators=(",", ":")).encode()


def variable_places(version: Version) -> tuple[str, Mapping[str, int]]:
    """Return the build-id of a version's program and where its variables are, as linked, by their keys.

    What is thread-local has a place in every thread, and none here.
    """
    executable = read_executable(_executable_path(version.recording, _linked(version)), version.recording.root)
    found = {}
    for key, variable in version.program.variables.items():
        things = (executable.things.get(identity) for identity in variable_identities(variable))
        place = next((thing.place for thing in things if thing is not None), None)
        if place is not None and not variable.thread_local:
            found[key] = place
    return executable.elf.build_id.hex(), found


def _linked(version: Version) -> LinkedProgram:
    """The one executable of a version that is meant."""
    programs = [each for each in version.recording.programs if not Path(each.output).name.startswith("lib")]
    if version.name is not None:
        programs = [
            each for each in version.recording.programs if version.name in (each.output, Path(each.output).name)
        ]
    if len(programs) == 1:
        return programs[0]
    root = version.recording.root
    if not programs:
        raise InputError(
            f"{root} has no recorded program{f' {version.name}' if version.name else ''} that could be updated",
            hint="record its build there: patchkit record -- make",
        )
    names = ", ".join(sorted(Path(each.output).name for each in programs))
    raise InputError(f"the build of {root} links several programs: {names}", hint="name one: --program NAME")


def _executable_path(recording: Recording, program: LinkedProgram) -> Path:
    kept = kept_program(recording, program.output)
    return kept.path if kept is not None else Path(program.output)


def _check_sources(recording: Recording, program: LinkedProgram) -> None:
    """The code that is compiled again must be that of the program which was linked."""
    kept = kept_program(recording, program.output)
    sources = kept.sources if kept is not None else recording.digests or {}
    for path, digest in sources.items():
        if digest and file_digest(path) != digest:
            raise InputError(
                f"{path} is not what it was when its build was recorded", hint="record the build again: patchkit record"
            )


class _Entries:
    """Which old functions can be given a jump at their entry, and under which conditions."""

    def __init__(self, executable: Executable, code: Code, pairing: Pairing) -> None:
        self.unpatchable: frozenset[Identity] = frozenset()
        self.pinned: dict[Identity, str] = {**pairing.knowing, **pairing.changed}
        self.refusals: list[Refusal] = []
        starts = sorted({stretch.place for stretch in executable.stretches})
        ends = dict(pairwise(starts))
        held = {row.addend for row in executable.elf.dynamic_relocations()}
        unpatchable = set()
        for thing in executable.things.values():
            if thing.kind is not Kind.FUNCTION:
                continue
            room = max(thing.size, ends.get(thing.place, thing.place + thing.size) - thing.place)
            if room < JUMP_SIZE:
                unpatchable.add(thing.identity)
                self._judge_short(thing, pairing, held)
            elif any(thing.place + byte in code.jumps for byte in range(1, JUMP_SIZE)):
                self.pinned.setdefault(thing.identity, f"{thing.identity.name} jumps back to its own first bytes")
        self.unpatchable = frozenset(unpatchable)

    def _judge_short(self, thing: Thing, pairing: Pairing, held: set[int]) -> None:
        changed = any(thing.identity in each for each in (pairing.changed, pairing.knowing, pairing.broken))
        if changed and thing.place in held:
            self.refusals.append(
                Refusal(
                    "PKF306",
                    thing.identity.text,
                    f"{thing.identity.name} changed and is called by pointer, but its code is too short for a jump",
                    "compile the running version with -falign-functions=16",
                )
            )


def _refused_points(points: tuple[str, ...], executable: Executable, entries: _Entries) -> list[Refusal]:
    found = []
    for name in points:
        things = _functions_named(name, executable)
        if len(things) != 1:
            text = f"the update point {name} is {'no function' if not things else 'several functions'} of the program"
            found.append(Refusal("PKC402", name, text, "name one function in `points` of patchkit.toml"))
        elif things[0].identity in entries.unpatchable or "first bytes" in entries.pinned.get(things[0].identity, ""):
            found.append(Refusal("PKF306", name, f"the entry of {name} cannot be made an update point", "name another"))
    return found


def _functions_named(name: str, executable: Executable) -> list[Thing]:
    return [
        t for t in executable.things.values() if t.kind is Kind.FUNCTION and name in (t.identity.name, t.identity.text)
    ]


def _payload(
    executable: Executable,
    successor: Executable,
    linked: Linked,
    rows: tuple[FunctionRow, ...],
    entries: _Entries,
    pairing: Pairing,
    settings: Settings,
) -> Payload:
    points = []
    for name in settings.points:
        index = linked.old_index.get(_functions_named(name, executable)[0].identity)
        if index is not None:
            points.append(index)
    needed = tuple(name for name in successor.elf.needed if name not in executable.elf.needed)
    return Payload(
        from_id=executable.elf.build_id,
        to_id=successor.elf.build_id,
        segments=linked.segments,
        image=linked.image,
        olds=tuple(linked.olds),
        news=tuple(linked.news),
        imports=tuple(linked.imports),
        relocations=tuple(linked.relocations),
        patches=tuple(linked.patches),
        old_functions=rows,
        new_functions=tuple(linked.new_functions),
        broken=_reasons(pairing.broken),
        pinned=_reasons(entries.pinned),
        points=tuple(points),
        expects=tuple(linked.expects),
        unwind=tuple(linked.unwind),
        needed=needed,
        plan=linked.plan,
        down=linked.down,
        down_broken=_reasons(pairing.down_broken),
        down_pinned=_reasons(pairing.down_pinned),
    )


def _reasons(reasons: Mapping[Identity, str]) -> tuple[Reason, ...]:
    found = (
        Reason(identity.key, identity.text, text) for identity, text in reasons.items() if not is_clone(identity.name)
    )
    return tuple(sorted(found, key=lambda row: row.key))


def _notes(objects: Objects) -> list[str]:
    return [
        f"{unit} has constructors, which will not run in a process that is running" for unit in objects.constructors
    ]
