"""The demonstration: two versions of a real server are built, read and compared, and the report is shown.

The server is the distribution's redis, once as upstream wrote it and once with the packagers' patches. Where the
archive cannot be reached, patchkit's own kvd stands in for it.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from corpora.archive import Unavailable, fetch, unpack_patched, unpack_upstream

CORPORA = Path(__file__).resolve().parent.parent
FETCHED = CORPORA / ".fetched"
PATCHKIT = (sys.executable, "-m", "patchkit")


def main() -> int:
    """Run the demonstration and return the exit code of the comparison."""
    try:
        old, new, build, program = prepare_redis(FETCHED / "redis")
    except Unavailable as problem:
        say(f"redis is not to be had here: {problem}")
        say("comparing two versions of patchkit's own server kvd instead")
        old, new, build, program = prepare_kvd(FETCHED / "kvd")
    for tree in (old, new):
        record(tree, build)
    say(f"\n$ patchkit diff {old.name} {new.name} --program {program}\n")
    started = time.monotonic()
    done = subprocess.run([*PATCHKIT, "diff", old.name, new.name, "--program", program], cwd=old.parent, check=False)
    say(f"\nread and compared in {time.monotonic() - started:.1f} s; both trees are in {relative(old.parent)}")
    return done.returncode


def prepare_redis(folder: Path) -> tuple[Path, Path, list[str], str]:
    """Fetch and unpack redis; return both trees, the command that builds one and the program to look at."""
    say("fetching the source package of redis from the distribution")
    package = fetch("redis", folder)
    old = folder / f"redis-{package.upstream_version}"
    new = folder / f"redis-{package.version.split(':')[-1]}"
    ready = folder / "unpacked"
    if not ready.exists():
        for tree in (old, new):
            shutil.rmtree(tree, ignore_errors=True)
        unpack_upstream(package, old)
        count = unpack_patched(package, new)
        say(f"unpacked {old.name}, and {new.name} with {count} patches")
        ready.touch()
    return old, new, ["make", f"-j{len(os.sched_getaffinity(0))}", "MALLOC=libc"], "redis-server"


def prepare_kvd(folder: Path) -> tuple[Path, Path, list[str], str]:
    """Copy the first two versions of kvd out of the source tree; return as prepare_redis does."""
    shutil.rmtree(folder, ignore_errors=True)
    for version in ("v1", "v2"):
        shutil.copytree(CORPORA / "programs/kvd" / version, folder / version)
    return folder / "v1", folder / "v2", ["make"], "kvd"


def record(tree: Path, build: list[str]) -> None:
    """Build `tree` under the recorder, once; the build's own output goes to a file beside it."""
    if (tree / ".patchkit/recording.json").is_file():
        say(f"{tree.name} is built and recorded already")
        return
    log = tree.parent / f"{tree.name}.log"
    say(f"$ cd {relative(tree)} && patchkit record -- {' '.join(build)}")
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        command = [*PATCHKIT, "record", "--", *build]
        done = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    if done.returncode != 0:
        say("\n".join([*lines[-20:], f"the build of {tree.name} failed; all of its output is in {relative(log)}"]))
        sys.exit(1)
    say(f"{lines[-1] if lines else 'recorded'} ({time.monotonic() - started:.0f} s)")


def relative(path: Path) -> str:
    """Return `path` as seen from the current directory."""
    return os.path.relpath(path)


def say(line: str) -> None:
    """Print a line at once, so that it stands before what a command prints next."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
