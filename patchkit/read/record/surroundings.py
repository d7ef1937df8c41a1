"""The environment that compilers run in when patchkit asks them."""

from collections.abc import Mapping

_NOT_PASSED = ("LD_PRELOAD", "PATCHKIT_EVENTS", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "LANGUAGE")


def plain_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` so that compilers write nothing besides their text and complain in English."""
    return {**{name: value for name, value in environ.items() if name not in _NOT_PASSED}, "LC_ALL": "C"}
