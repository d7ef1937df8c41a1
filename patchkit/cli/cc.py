"""`patchkit cc`: a compiler for the `CC` of any build, which compiles as always and writes down how.

It runs once for every source of a build, so it is reached without click and imports the recorder alone.
"""

from collections.abc import Sequence

from patchkit.errors import PatchkitError


def run_compiler(arguments: Sequence[str]) -> int:
    """Compile with `arguments` and return the compiler's exit code."""
    if not arguments:
        raise PatchkitError("`patchkit cc` needs the compiler's arguments", hint='use it as `make CC="patchkit cc"`')
    from patchkit.read.record import compiler_wrapper

    return compiler_wrapper(list(arguments))
