"""Writing and reading what a recording keeps in its store."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchkit.errors import InputError
from patchkit.model.build import CompileCommand, LinkedProgram, RecordedUnit, Recording

if TYPE_CHECKING:
    from patchkit.read.record.graph import Graph

_FORMAT = 1
_RECORDING = "recording.json"
_GRAPH = "graph.json"
_DAY = 86400


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store for writing; another process that wants it waits."""
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a reader sees the old file or the new one, never a part."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)


def write_recording(recording: Recording) -> None:
    """Write `recording` into its store."""
    data = {
        "format": _FORMAT,
        "root": recording.root,
        "build": recording.build,
        "exact": recording.exact,
        "units": [
            {**_command_data(unit.command), "text": unit.text, "problem": unit.problem} for unit in recording.units
        ],
        "programs": [
            {"output": program.output, "build_id": program.build_id, "units": program.units}
            for program in recording.programs
        ],
        "digests": dict(recording.digests or {}),
    }
    write_atomically(Path(recording.store) / _RECORDING, json.dumps(data, indent=1))


def read_recording(store: Path) -> Recording | None:
    """Return the recording in `store`, or None where there is none."""
    data = _read(store / _RECORDING)
    if data is None:
        return None
    try:
        return Recording(
            root=data["root"],
            store=str(store),
            units=tuple(RecordedUnit(_command(unit), unit["text"], unit["problem"]) for unit in data["units"]),
            programs=tuple(
                LinkedProgram(program["output"], program["build_id"], tuple(program["units"]))
                for program in data["programs"]
            ),
            digests=data["digests"],
            build=tuple(data["build"]),
            exact=data["exact"],
        )
    except (KeyError, TypeError) as error:
        raise _unusable(store / _RECORDING) from error


def write_graph(store: Path, graph: Graph) -> None:
    """Write what is known of the build, beyond what counts, for the next recording."""
    data = {
        "format": _FORMAT,
        "steps": {
            number: {**_command_data(step.command), "at": step.at, "problem": step.problem}
            for number, step in graph.steps.items()
        },
        "products": {
            path: {"kind": product.kind, "parts": product.parts, "original": product.original}
            for path, product in graph.products.items()
        },
    }
    write_atomically(store / _GRAPH, json.dumps(data, separators=(",", ":")))


def read_graph(store: Path, root: str) -> Graph:
    """Return what is known of the build at `root`, an empty graph where nothing is."""
    from patchkit.read.record.graph import Graph, Kind, Product, Step  # for recording alone

    data = _read(store / _GRAPH)
    if data is None:
        return Graph(root)
    try:
        steps = {
            int(number): Step(_command(step), step["at"], step["problem"]) for number, step in data["steps"].items()
        }
        products = {
            path: Product(
                Kind(product["kind"]),
                {name: tuple(part) for name, part in product["parts"].items()},
                product["original"],
            )
            for path, product in data["products"].items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise _unusable(store / _GRAPH) from error
    return Graph(root, steps, products)


def prune_texts(store: Path, recording: Recording) -> None:
    """Remove the texts that `recording` does not name; one of the last day may still be in use by another process."""
    used = {unit.text for unit in recording.units}
    limit = time.time() - _DAY
    for path in (store / "texts").glob("*"):
        if path.stem not in used and path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def _command_data(command: CompileCommand) -> dict[str, object]:
    return {
        "directory": command.directory,
        "arguments": command.arguments,
        "source": command.source,
        "output": command.output,
    }


def _command(data: dict[str, Any]) -> CompileCommand:
    return CompileCommand(data["directory"], tuple(data["arguments"]), data["source"], data["output"])


def _read(path: Path) -> dict[str, Any] | None:
    try:
        data = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise _unusable(path) from error
    if not isinstance(data, dict) or data.get("format") != _FORMAT:
        raise _unusable(path)
    return data


def _unusable(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged or was written by another version of patchkit",
        hint=f"remove {path.parent}, clean the build and record it again: patchkit record -- make",
    )
