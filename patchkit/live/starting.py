"""Starting a program with the runtime in it."""

from collections.abc import Mapping
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.runtime import LIBRARY

_SEPARATORS = frozenset(" :;$\t\n")  # of LD_PRELOAD, and what the loader replaces in it


def with_runtime(
    environ: Mapping[str, str], library: Path, *, directory: Path | None = None, trusted: Path | None = None
) -> dict[str, str]:
    """Return `environ` changed so that a program started in it holds the runtime of `library`.

    `directory` is where its control socket shall lie, `trusted` the file with the keys whose bundles it takes; an
    environment that names them already goes before. Raises ToolError where the path of `library` cannot be preloaded.
    """
    if _SEPARATORS & set(str(library)):
        raise ToolError(
            f"{library} cannot be preloaded: the loader takes spaces and colons for separators",
            hint="set PATCHKIT_CACHE to a directory without them",
        )
    others = [item for item in environ.get("LD_PRELOAD", "").split(":") if item and Path(item).name != LIBRARY]
    own = {"LD_PRELOAD": ":".join([str(library), *others])}
    if directory is not None:
        own["PATCHKIT_RUN_DIR"] = environ.get("PATCHKIT_RUN_DIR", str(directory))
    if trusted is not None:
        own["PATCHKIT_TRUSTED_KEYS"] = environ.get("PATCHKIT_TRUSTED_KEYS", str(trusted))
    return {**environ, **own}
