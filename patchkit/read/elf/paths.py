"""Which files are the program's own, and how their paths are shown."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable

from patchkit.read.elf.lines import BUILT_IN

# /usr/include, and the include directories of gcc and clang wherever they were installed.
_SYSTEM = re.compile(
    r"/usr/include/|.*/lib[^/]*/gcc[^/]*/[^/]+/[^/]+/include(-fixed)?/|.*/lib[^/]*/clang/[^/]+/include/"
)


def is_system(path: str) -> bool:
    """Whether `path` belongs to the compiler or the C library and not to the program."""
    return path in ("", BUILT_IN) or _SYSTEM.match(path) is not None


def common_root(sources: Iterable[str]) -> str:
    """Return the longest directory that all of the program's own sources lie under; empty where paths are relative.

    A unit from elsewhere (a static library that was built in another tree) does not drag the root up to `/`: the
    directory below it that holds most sources then counts.
    """
    own = [posixpath.dirname(path) for path in sources if not is_system(path)]
    absolute = [path for path in own if path.startswith("/")]
    if len(absolute) * 2 <= len(own):
        return ""
    root = posixpath.commonpath(absolute)
    if root != "/":
        return root
    tops = Counter(path.split("/")[1] for path in absolute)
    best = max(tops, key=lambda top: (tops[top], top))
    return posixpath.commonpath([path for path in absolute if path.split("/")[1] == best]) if best else "/"


def relative(path: str, root: str) -> str:
    """Return `path` as seen from `root` where it lies below it."""
    if root == "/":
        return path.removeprefix("/")
    return path[len(root) + 1 :] if root and path.startswith(root + "/") else path
