"""A recorded version whose files were edited since: it is told from its recording where that gives what reading would.

Nothing here changes the recording. What cannot be told is left to the caller, who preprocesses and reads again.
"""

from patchkit.read.edited.version import EditedVersion, begin_edited
from patchkit.read.record.pending import EditedFiles, edited_files

__all__ = ["EditedFiles", "EditedVersion", "begin_edited", "edited_files"]
