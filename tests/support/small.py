"""Small programs that a test writes itself: recorded, bundled, started with the runtime, and asked."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patchkit.runtime import library
from tests.support import Outcome, patchkit, wait_until

MAKEFILE = """
CFLAGS = -O2 -g
OBJECTS = {objects}
server: $(OBJECTS)
\t$(CC) {link} -o $@ $(OBJECTS) -lpthread
"""


def record_program(
    folder: Path, files: dict[str, str], *, link: str = "", flags: str = "", make: tuple[str, ...] = ()
) -> Path:
    """Write and record a program whose sources are `files`; `make` are more arguments of make."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    objects = " ".join(str(Path(name).with_suffix(".o")) for name in files if name.endswith(".c"))
    (folder / "Makefile").write_text(MAKEFILE.format(objects=objects, link=link), encoding="utf-8")
    done = patchkit("record", "--", "make", *([f"CFLAGS={flags}"] if flags else []), *make, cwd=folder)
    assert done.code == 0, done.err
    return folder


def bundle(old: Path, new: Path, output: Path, *options: str) -> Outcome:
    """Run `patchkit bundle`."""
    return patchkit("bundle", str(old), str(new), "-o", str(output), *options, cwd=output.parent)


def authored_bundle(folder: Path, new: str, answers: Mapping[str, str], update: str = "update") -> Path:
    """Author the update from `folder`/old to `folder`/`new` with these answers, and return its bundle."""
    patchkit("new", "old", new, "-o", update, cwd=folder)
    for key, value in answers.items():
        done = patchkit("decide", key, value, "--reason", "test", "-u", update, cwd=folder)
        assert done.code == 0, done.err
    done = patchkit("bundle", "old", new, "--update", update, "-o", f"{update}.pkb", cwd=folder)
    assert done.code == 0, done.out + done.err
    return folder / f"{update}.pkb"


@dataclass(frozen=True, slots=True)
class Running:
    """A program that runs and tells what it does in lines of its output."""

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def lines(self) -> list[str]:
        """Return what it wrote so far."""
        return self.output.read_text().splitlines()

    def wait_for(self, line: str) -> None:
        """Return as soon as it has written `line`."""
        wait_until(lambda: self.process.poll() is not None or line in self.lines())
        assert line in self.lines(), (self.process.poll(), self.lines()[-20:])

    def wait_for_new(self, line: str) -> None:
        """Return as soon as it writes `line` after now."""
        seen = len(self.lines())
        wait_until(lambda: self.process.poll() is not None or line in self.lines()[seen:])
        assert line in self.lines()[seen:], (self.process.poll(), self.lines()[-20:])

    def wait_for_more(self, seen: int, line: str) -> None:
        """Return as soon as it has written `line` behind the first `seen` lines."""
        wait_until(lambda: self.process.poll() is not None or line in self.lines()[seen:])
        assert line in self.lines()[seen:], (self.process.poll(), self.lines()[-20:])

    def send(self, text: str) -> None:
        """Write to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None


@contextmanager
def running(
    binary: Path,
    cache: Path,
    *options: str,
    preload: bool = True,
    through: Sequence[str] = (),
    runtime: Path | None = None,
) -> Iterator[Running]:
    """Start `binary` with the runtime in it and end it afterwards; what it writes goes to a file beside it.

    `through` is a command that becomes the one that follows it, `runtime` a library in the place of the usual one.
    """
    import os

    output = binary.with_suffix(".out")
    environ = {**os.environ, **({"LD_PRELOAD": str(runtime or library(cache))} if preload else {})}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*through, str(binary), *options],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            env=environ,
            cwd=binary.parent,
        )
    try:
        yield Running(process, output)
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def apply(pid: int, bundle_path: Path, *options: str) -> Outcome:
    """Run `patchkit apply`."""
    return patchkit("apply", str(pid), str(bundle_path), *options, cwd=bundle_path.parent)
