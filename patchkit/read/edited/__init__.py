"""A recorded version whose files were edited since: its model is patched where that provably gives what reading would.

Nothing here changes the recording. What cannot be patched is left to the caller, who preprocesses and reads again.
"""

from patchkit.read.edited.version import EditedVersion, begin_edited

__all__ = ["EditedVersion", "begin_edited"]
