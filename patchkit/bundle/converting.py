"""The update's own C, which goes into the payload beside the new version: compiled, and its names bound."""

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from patchkit.bundle.compiling import CompiledUnit
from patchkit.bundle.elf import read_elf_file
from patchkit.bundle.keys import Identity
from patchkit.bundle.pairing import function_identities, variable_identities
from patchkit.errors import BuildError
from patchkit.model.program import Program
from patchkit.transform.migration import Alias, Migration, Side, programs_of

DOWN = "patchkit:down/"  # what units of the way back are named with
# Placed like the program's own code: within reach, with nothing that a library would bring.
_FLAGS = (
    "-std=gnu11",
    "-O2",
    "-g0",
    "-fPIE",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-lto",
    "-fno-strict-aliasing",
    "-fno-stack-protector",
    "-fcf-protection=none",
)
# These decide how types are laid out, so the update's C needs them as well.
_LAYOUT = ("-m", "-fshort-enums", "-fno-short-enums", "-fpack-struct", "-fsigned-char", "-funsigned-char")


def compile_migration(
    migration: Migration, compiler: str, arguments: Sequence[str], cache: Path, environ: Mapping[str, str]
) -> tuple[CompiledUnit, ...]:
    """Compile the sources of `migration`, and of the way back, with the program's `compiler`, and with those of its
    `arguments` that matter.

    What `cache` has is not compiled again. Raises BuildError with the compiler's first error.
    """
    units = _compiled(migration, "patchkit:", compiler, arguments, cache, environ)
    if migration.down is not None:
        units += _compiled(migration.down, DOWN, compiler, arguments, cache, environ)
    return units


def _compiled(
    migration: Migration,
    prefix: str,
    compiler: str,
    arguments: Sequence[str],
    cache: Path,
    environ: Mapping[str, str],
) -> tuple[CompiledUnit, ...]:
    layout = [argument for argument in arguments if argument.startswith(_LAYOUT) and not argument.startswith("-march")]
    include = [f"-I{folder}" for folder in migration.include]
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(" ".join([compiler, *_FLAGS, *layout]).encode(), digest_size=16)
    for path in sorted(each for folder in migration.include for each in folder.glob("*.h")):
        digest.update(path.read_bytes())
    units = []
    for source in migration.sources:
        own = digest.copy()
        own.update(source.read_bytes())
        output = cache / f"{own.hexdigest()}.o"
        if not output.exists():
            _compile([compiler, *_FLAGS, *layout, *include], source, output, environ)
        units.append(CompiledUnit(f"{prefix}{source.name}", read_elf_file(output)))
    return tuple(units)


def _compile(command: Sequence[str], source: Path, output: Path, environ: Mapping[str, str]) -> None:
    clean = {name: value for name, value in environ.items() if name not in ("LD_PRELOAD", "PATCHKIT_EVENTS")}
    partial = output.with_suffix(f".{os.getpid()}.o")
    whole = [*command, "-c", str(source), "-o", str(partial)]
    done = subprocess.run(whole, check=False, env=clean, capture_output=True, cwd=source.parent)
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace")
        first = next((line for line in message.splitlines() if "error" in line), message.strip())
        raise BuildError(f"the update's {source.name} does not compile: {first}", hint="patchkit validate names all")
    partial.replace(output)


class Names:
    """Whom the update's C means by the names that it has for the variables and functions of both versions."""

    def __init__(self, migration: Migration, old: Program, new: Program) -> None:
        self._aliases = {**migration.aliases, **(migration.down.aliases if migration.down is not None else {})}
        self._programs = programs_of(old, new)

    def at_start(self, side: Side) -> list[Identity]:
        """Return the variables of which the update's C looks at what they held at first: INITIAL old or BROUGHT new."""
        return sorted({self._identity(alias) for alias in self._aliases.values() if alias.side is side})

    def find(self, name: str) -> tuple[Side, Identity] | None:
        """Return side and identity of what `name` means, None where it is no name of the update's own."""
        alias = self._aliases.get(name)
        return None if alias is None else (alias.side, self._identity(alias))

    def _identity(self, alias: Alias) -> Identity:
        program = self._programs[alias.side]
        if alias.function:
            identities = function_identities(program.functions[alias.key])
        else:
            identities = variable_identities(program.variables[alias.key])
        return next((each for each in identities if each.unit == alias.unit), identities[0])
