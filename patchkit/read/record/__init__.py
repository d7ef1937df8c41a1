"""How a version was built: recording builds, and everything else that says which command compiled what.

Names are imported when they are first used: `patchkit cc` runs for every compile of a build, and must start at once.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patchkit.read.record.database import recording_from_commands as recording_from_commands
    from patchkit.read.record.directory import recording_from_directory as recording_from_directory
    from patchkit.read.record.loading import load_recording as load_recording, stale_sources as stale_sources
    from patchkit.read.record.preprocess import preprocess_units as preprocess_units
    from patchkit.read.record.programs import KeptProgram as KeptProgram, kept_program as kept_program
    from patchkit.read.record.recorder import record_build as record_build, refresh as refresh
    from patchkit.read.record.revision import recording_of_revision as recording_of_revision
    from patchkit.read.record.wrapper import compiler_wrapper as compiler_wrapper

_HOMES = {
    "KeptProgram": "programs",
    "compiler_wrapper": "wrapper",
    "kept_program": "programs",
    "load_recording": "loading",
    "preprocess_units": "preprocess",
    "record_build": "recorder",
    "recording_from_commands": "database",
    "recording_from_directory": "directory",
    "recording_of_revision": "revision",
    "refresh": "recorder",
    "stale_sources": "loading",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
