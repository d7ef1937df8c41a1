"""What the new texts of units change in the recorded model, where that is only bodies and lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from patchkit.model.build import Recording
from patchkit.read.edited.compare import TextComparison
from patchkit.read.edited.edit import Edit, Unpatchable
from patchkit.read.edited.functions import changed_functions
from patchkit.read.record.pending import PendingText
from patchkit.read.source.book import has_whole_stretches
from patchkit.read.source.models import Names
from patchkit.read.source.request import Resolver, relative_path, text_path


def find_change(
    recording: Recording,
    model: Mapping[str, Any],
    names: Names | None,
    files: Sequence[str],
    texts: Mapping[int, PendingText],
) -> dict[str, Any]:
    """Return what the new `texts` of units, by their numbers, change in the recorded model, which has these names.

    `files` were edited. Raises Unpatchable where more than bodies and lines changed in them.
    """
    if names is None:
        raise Unpatchable("the names of the recorded version are not kept")
    edit, units = Edit(), []
    for number, text in texts.items():
        unit = recording.units[number]
        units.append(relative_path(unit.command.source, recording.root))
        resolver = Resolver(recording.root, unit.command.directory)
        before = text_path(recording, unit).read_text(encoding="utf-8", errors="surrogateescape")
        comparison = TextComparison(edit, resolver.resolve, frozenset(files))
        comparison.compare(before, text.read, whole=has_whole_stretches(recording, unit))
    return {"functions": changed_functions(model, edit, names, units), "lines": edit.lines}
