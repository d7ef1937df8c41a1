"""Programs that are linked with the runtime by plain make, and programs that ask for their own update."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchkit.runtime import INCLUDE
from tests.support import needs, patchkit, run, wait_until, write_tree
from tests.support.attaching import cache
from tests.support.small import Running, apply, bundle, running

pytestmark = needs("cc", "make")

# Its own control channel: `update PATH` on its standard input; `result` tells what became of it.
ASKS = r"""
#include <patchkit.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((noinline)) const char *version(void) { return "%s"; }

static void obey(char *line) {
    static const char *const words[] = {"not asked", "waiting", "updated", "refused"};
    char text[200];
    line[strcspn(line, "\n")] = 0;
    if (strncmp(line, "update ", 7) == 0)
        dprintf(1, "asked: %%d\n", pk_request_update(line + 7));
    else if (strcmp(line, "result") == 0) {
        enum pk_result result = pk_request_result(text, sizeof text);
        dprintf(1, "%%s: %%s\n", words[result], text);
    } else if (strcmp(line, "spin") == 0)
        while (pk_request_result(NULL, 0) == PK_WAITING)
            pk_update_point();
    else
        dprintf(1, "%%s\n", version());
}

int main(void) {
    char line[4096];
    dprintf(1, "ready\n");
    while (fgets(line, sizeof line, stdin))
        obey(line);
    return 0;
}
"""
MAKEFILE = "CFLAGS = -O2 -g\nserver: main.o\n\t$(CC) $(LDFLAGS) -o $@ main.o $(LDLIBS)\n"


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let what the module's fixtures make lie in the cache that the tests use."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


def options(*words: str) -> str:
    """What `patchkit runtime` prints."""
    done = patchkit("runtime", *words, cwd=Path("/"))
    assert done.code == 0, done.err
    return done.out.strip()


def build(folder: Path, version: str, libs: str, *more: str) -> Path:
    """Record a build by plain make of one version in `folder`."""
    write_tree(folder / version, {"main.c": ASKS % version, "Makefile": MAKEFILE})
    flags = (f"CPPFLAGS={options('--cflags')}", f"LDLIBS={libs}", *more)
    done = patchkit("record", "--", "make", *flags, cwd=folder / version)
    assert done.code == 0, done.err
    return folder / version


@pytest.fixture(scope="module", params=["all-static", "static", "shared", "preloaded", "preloaded-fixed"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    """Two versions and their bundle, linked in one of the ways; and whether the runtime has to be preloaded."""
    folder = tmp_path_factory.mktemp(request.param)
    preload = request.param.startswith("preloaded")
    libs = "" if preload else options("--libs", *(["--shared"] if request.param == "shared" else []))
    if request.param == "all-static":
        libs += " -static"
    more = ("CFLAGS=-O2 -g -fno-pie", "LDFLAGS=-no-pie") if request.param == "preloaded-fixed" else ()
    for version in ("one", "two"):
        build(folder, version, libs, *more)
    done = bundle(folder / "one", folder / "two", folder / "next.pkb")
    assert done.code == 0, done.err
    return folder, preload


def told(program: Running, words: str) -> str:
    """Tell the program something and return its answer."""
    seen = len(program.lines())
    program.send(f"{words}\n")
    wait_until(lambda: len(program.lines()) > seen or not program.alive(), seconds=20)
    return program.lines()[seen]


def test_a_linked_program_is_updated(made: tuple[Path, bool]) -> None:
    folder, preload = made
    with running(folder / "one/server", cache(), preload=preload) as program:
        program.wait_for("ready")
        assert told(program, "version") == "one"
        done = apply(program.pid, folder / "next.pkb")
        assert done.code == 0, done.err
        assert told(program, "version") == "two"
        assert patchkit("revert", str(program.pid), cwd=folder).code == 0
        assert told(program, "version") == "one"


def test_a_program_asks_for_its_own_update_and_hears_what_became_of_it(made: tuple[Path, bool]) -> None:
    folder, preload = made
    with running(folder / "one/server", cache(), preload=preload) as program:
        program.wait_for("ready")
        assert told(program, "result") == "not asked: "
        assert told(program, f"update {folder / 'none.pkb'}") == "asked: -1"
        assert told(program, f"update {folder / 'one/main.c'}") == "asked: 0"
        assert told(program, "spin\nresult").startswith("refused: PKL102 ")
        assert told(program, "version") == "one"
        # The worker of the first request is still there now.
        assert told(program, f"update {folder / 'next.pkb'}") == "asked: 0"
        assert told(program, "spin\nresult") == "updated: applied"
        assert told(program, "version") == "two"
        assert told(program, f"update {folder / 'next.pkb'}") == "asked: 0"
        assert told(program, "spin\nresult") == "updated: already"
        assert "switched" in patchkit("log", str(program.pid), cwd=folder).out


def test_where_the_runtime_is_absent_or_off_the_calls_do_nothing(
    made: tuple[Path, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = made
    monkeypatch.setenv("PATCHKIT_OFF", "1")  # for those that are linked with it
    with running(folder / "one/server", cache(), preload=False) as program:
        program.wait_for("ready")
        assert told(program, f"update {folder / 'next.pkb'}") == "asked: -1"
        assert told(program, "spin\nresult") == "not asked: "
        assert told(program, "version") == "one"


@pytest.mark.parametrize("command", ["gcc -std=c11", "clang -std=c11", "g++", "gcc -std=c99"])
def test_the_header_is_clean_for_strict_compilers(command: str, tmp_path: Path) -> None:
    compiler, *flags = command.split()
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    suffix = "cc" if compiler == "g++" else "c"
    source = tmp_path / f"main.{suffix}"
    source.write_text('#include <patchkit.h>\nint main(void) { pk_update_point(); return -pk_request_update("x"); }\n')
    strict = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
    done = run(compiler, *flags, *strict, f"-I{INCLUDE}", "-o", "main", str(source), cwd=tmp_path)
    assert done.code == 0, done.err
    assert run("./main", cwd=tmp_path).code == 1


def test_the_directory_holds_the_library_alone_that_was_asked_for() -> None:
    assert sorted(path.name for path in Path(options("--dir")).iterdir()) == ["libpatchkit.a"]
    assert (Path(options("--dir", "--shared")) / "libpatchkit.so").is_file()
