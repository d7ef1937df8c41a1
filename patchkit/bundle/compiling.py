"""The new version's objects, compiled as for the program but for one section to each function and variable."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from patchkit.bundle.elf import Elf, read_elf_file
from patchkit.errors import BuildError, InputError
from patchkit.model.build import LinkedProgram, RecordedUnit, Recording
from patchkit.read.elf.paths import relative
from patchkit.read.record.driver import compiling_arguments

# What debug information would add is in the program as it was linked.
_ADDED = ("-ffunction-sections", "-fdata-sections", "-fno-lto", "-g0")
_NOT_PASSED = ("LD_PRELOAD", "PATCHKIT_EVENTS", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES")


@dataclass(frozen=True, slots=True)
class CompiledUnit:
    """A source of the program, its path relative to the root, and its object."""

    unit: str
    elf: Elf


def compile_units(
    recording: Recording,
    program: LinkedProgram,
    cache: Path,
    jobs: int,
    environ: Mapping[str, str],
    progress: Callable[[str, int, int], None],
) -> tuple[CompiledUnit, ...]:
    """Compile every unit of `program`, `jobs` at once; what `cache` has is not compiled again.

    Raises InputError where a source changed since it was recorded and BuildError where it does not compile.
    """
    units = [recording.units[index] for index in program.units]
    names = [relative(unit.command.source, recording.root) for unit in units]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(
            f"{min(twice)} is in {program.output} twice, so what is static in it cannot be told apart (PKD205)",
            hint="only programs in which each source is compiled once can be updated",
        )
    cache.mkdir(parents=True, exist_ok=True)
    clean = {name: value for name, value in environ.items() if name not in _NOT_PASSED}
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        results = pool.map(lambda unit: _compile(unit, cache, clean), units)
        compiled = []
        for count, (name, path) in enumerate(zip(names, results, strict=True), 1):
            progress("compiling the code", count, len(units))
            compiled.append(CompiledUnit(name, read_elf_file(path)))
    return tuple(compiled)


def are_compiled(recording: Recording, program: LinkedProgram, cache: Path) -> bool:
    """Whether `cache` has all units of `program`, so that their sources are not needed."""
    units = [recording.units[index] for index in program.units]
    return all(unit.text and (cache / f"{_key(unit)}.o").exists() for unit in units)


def _compile(unit: RecordedUnit, cache: Path, environ: Mapping[str, str]) -> Path:
    command = unit.command
    object_path = cache / f"{_key(unit)}.o"
    if object_path.exists():
        return object_path
    partial = object_path.with_suffix(f".{os.getpid()}.o")
    arguments = compiling_arguments(command.arguments, command.directory, command.source, str(partial), _ADDED)
    try:
        done = subprocess.run(
            arguments,
            check=False,
            cwd=command.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except OSError as problem:
        raise BuildError(f"cannot run {arguments[0]} in {command.directory}: {problem.strerror}") from problem
    if done.returncode != 0:
        partial.unlink(missing_ok=True)
        message = done.stderr.decode(errors="replace")
        first = next((line for line in message.splitlines() if "error" in line), message.strip())
        raise BuildError(f"{command.source} does not compile any more: {first}", hint="build and record it again")
    partial.replace(object_path)
    return object_path


def _key(unit: RecordedUnit) -> str:
    command = unit.command
    digest = hashlib.blake2b(digest_size=16)
    content = unit.text or hashlib.blake2b(Path(command.source).read_bytes()).hexdigest()
    compiler = os.stat(command.arguments[0]) if os.path.exists(command.arguments[0]) else None
    stamp = (compiler.st_size, compiler.st_mtime_ns) if compiler is not None else ()
    for part in (*command.arguments, command.directory, command.source, content, str(stamp), *_ADDED):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
