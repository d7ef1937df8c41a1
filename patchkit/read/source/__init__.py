"""Read programs from the preprocessed texts of their recorded builds."""

from patchkit.model.build import Recording
from patchkit.model.program import Program
from patchkit.read.source.models import find_model, keep_model, model_path
from patchkit.read.source.request import Progress, Request, chosen_units

__all__ = ["read_pair", "read_recording"]


def read_recording(
    recording: Recording,
    *,
    label: str,
    program: str | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Program:
    """Read one version, or load it if it was read before. `progress` is called with (what, step, steps)."""
    path = model_path(recording, chosen_units(recording, program))
    known = find_model(path, label)
    if known is not None:
        return known
    from patchkit.read.collector import without_collector
    from patchkit.read.source.version import read_version

    with without_collector():
        found, names = read_version(Request(recording, label, program, jobs), progress)
    keep_model(path, found, names)
    return found


def read_pair(
    old: Recording,
    new: Recording,
    *,
    labels: tuple[str, str],
    program: str | None = None,
    jobs: int = 2,
    progress: Progress | None = None,
) -> tuple[Program, Program]:
    """Read two versions, what they share only once where `jobs` allows two processes."""
    paths = [model_path(recording, chosen_units(recording, program)) for recording in (old, new)]
    known = [find_model(path, label) for path, label in zip(paths, labels, strict=True)]
    if jobs > 1 and known == [None, None]:
        from patchkit.read.source.pairing import read_both

        first, second = Request(old, labels[0], program, jobs), Request(new, labels[1], program, jobs)
        known = list(read_both(first, second, progress))
    programs = [
        found or read_recording(recording, label=label, program=program, jobs=jobs, progress=progress)
        for found, recording, label in zip(known, (old, new), labels, strict=True)
    ]
    return programs[0], programs[1]
