"""A watched build does what it does unwatched."""

import os
import subprocess
from pathlib import Path

import pytest

from patchkit.read.record import record_build
from tests.support import needs, write_tree
from tests.support.builds import SOURCES, linked, record, relative, shell, sources

COMPILE = "cc -c main.c helper.c && cc *.o -o prog"


@pytest.mark.parametrize(
    "way",
    [
        'env -i PATH="$PATH" sh -c "$COMPILE"',
        'env -u LD_PRELOAD -u PATCHKIT_EVENTS sh -c "$COMPILE"',
        'env -u LD_PRELOAD sh -c "env -u PATCHKIT_EVENTS sh -c \\"$COMPILE\\""',
        'unset LD_PRELOAD PATCHKIT_EVENTS; sh -c "$COMPILE"',
        'export LD_PRELOAD=; sh -c "$COMPILE"',
        'python3 -c \'import os, subprocess; os.environ.clear(); subprocess.check_call("\'"$COMPILE"\'", shell=True,'
        ' env={"PATH": "/usr/bin:/bin"})\'',
        'python3 -c \'import os, sys; os.posix_spawn("/bin/sh", ["sh", "-c", sys.argv[1]], {"PATH": "/usr/bin"});'
        ' sys.exit(os.wait()[1])\' "$COMPILE"',
        'perl -e \'%ENV = (PATH => "/usr/bin:/bin"); exec "/bin/sh", "-c", $ARGV[0]\' "$COMPILE"',
        'make -j2 -f /dev/null --eval="all:; $COMPILE"',
        'bash -c "exec sh -c \\"$COMPILE\\""',
        'xargs -I% sh -c % <<END\n"$COMPILE"\nEND\n',
    ],
)
def test_programs_that_clear_the_environment_and_ways_to_start_others(tmp_path: Path, way: str) -> None:
    write_tree(tmp_path, SOURCES)
    recording = record(tmp_path, "sh", "-ec", way.replace("$COMPILE", COMPILE))
    assert linked(recording) == {"prog": ["helper.c", "main.c"]}


EXEC = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *command[] = {"cc", "-c", argv[2], NULL};
	char *empty[] = {"PATH=/usr/bin:/bin", NULL};

	(void)argc;
	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
	if (!strcmp(argv[1], "execl"))
		execl("/usr/bin/cc", "cc", "-c", argv[2], (char *)NULL);
	if (!strcmp(argv[1], "execlp"))
		execlp("cc", "cc", "-c", argv[2], (char *)NULL);
	if (!strcmp(argv[1], "execle"))
		execle("/usr/bin/cc", "cc", "-c", argv[2], (char *)NULL, empty);
	if (!strcmp(argv[1], "execv"))
		execv("/usr/bin/cc", command);
	if (!strcmp(argv[1], "execvp"))
		execvp("cc", command);
	if (!strcmp(argv[1], "execve"))
		execve("/usr/bin/cc", command, empty);
	if (!strcmp(argv[1], "execvpe"))
		execvpe("cc", command, empty);
	if (!strcmp(argv[1], "fexecve"))
		fexecve(open("/usr/bin/cc", O_RDONLY | O_CLOEXEC), command, empty);
	if (!strcmp(argv[1], "vfork")) {
		if (vfork() == 0) {
			execvp("cc", command);
			_exit(1);
		}
		return wait(NULL) < 0;
	}
	return 1;
}
"""


@pytest.mark.parametrize(
    "call", ["execl", "execlp", "execle", "execv", "execvp", "execve", "execvpe", "fexecve", "vfork"]
)
def test_each_call_of_the_exec_family(tmp_path: Path, call: str) -> None:
    write_tree(tmp_path, {"starter.c": EXEC, "unit.c": "int unit;\n"})
    subprocess.run(["cc", "-o", "starter", "starter.c"], cwd=tmp_path, check=True)
    assert sources(record(tmp_path, "./starter", call, "unit.c")) == ["unit.c"]


def test_a_library_that_is_preloaded_already_stays(tmp_path: Path) -> None:
    write_tree(tmp_path, {"own.c": 'const char *own(void) { return "own"; }\n', "unit.c": "int unit;\n"})
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "own.so", "own.c"], cwd=tmp_path, check=True)
    environ = {"LD_PRELOAD": str(tmp_path / "own.so")}
    again = "env -u LD_PRELOAD LD_PRELOAD=$PWD/own.so cc -c unit.c -o 2.o"
    script = f"cc -c unit.c; grep -c own.so /proc/self/maps >maps; {again}"
    recording = record(tmp_path, "sh", "-ec", script, environ=environ)
    assert int((tmp_path / "maps").read_text()) > 0
    assert [relative(recording, unit.command.output) for unit in recording.units] == ["2.o", "unit.o"]


@pytest.mark.parametrize("flag", ["address", "undefined", "thread", "leak"])
def test_programs_under_sanitizers_run_in_the_build(tmp_path: Path, flag: str) -> None:
    write_tree(tmp_path, {"main.c": '#include <stdio.h>\nint main(void) { puts("generated"); return 0; }\n'})
    shell(tmp_path, f"cc -fsanitize={flag} main.c -o prog; ./prog >out 2>&1")
    assert (tmp_path / "out").read_text() == "generated\n"


def test_the_same_bytes_come_out(tmp_path: Path) -> None:
    script = "cc -g -O2 -c main.c helper.c >log 2>&1; ar rcsD lib.a helper.o; cc main.o lib.a -o prog >>log 2>&1"
    write_tree(tmp_path, {**SOURCES, "main.c": "int helper(void);\nmain() { return helper(); }\n"})
    outputs = ("log", "main.o", "helper.o", "lib.a", "prog")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    plain = {name: (tmp_path / name).read_bytes() for name in outputs}
    assert plain["log"]
    shell(tmp_path, f"rm -f *.o *.a prog log; {script}")
    assert {name: (tmp_path / name).read_bytes() for name in outputs} == plain


def test_no_descriptor_stays_open_and_no_process_says_anything(tmp_path: Path) -> None:
    write_tree(tmp_path, {"unit.c": "int unit;\n"})
    shell(tmp_path, "ls /proc/self/fd >fds; ls /nowhere 2>err || true; cc -c unit.c >out 2>&1")
    assert (tmp_path / "fds").read_text().split() == ["0", "1", "2", "3"]
    assert (tmp_path / "err").read_text().count("\n") == 1
    assert (tmp_path / "out").read_text() == ""


@needs("clang")
def test_a_compiler_that_reads_its_arguments_from_a_pipe(tmp_path: Path) -> None:
    write_tree(tmp_path, {"unit.c": "int unit = VALUE;\n"})
    recording = record(tmp_path, "bash", "-ec", "clang -c unit.c @<(echo -DVALUE=5)")
    assert sources(recording) == ["unit.c"]
    assert b"\5\0\0\0" in (tmp_path / "unit.o").read_bytes()


def test_a_cache_whose_path_has_a_space(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    environ = {**os.environ, "PATCHKIT_CACHE": str(tmp_path / "a cache")}
    recording = record_build(["sh", "-c", COMPILE], tmp_path, environ=environ)
    assert sources(recording) == ["helper.c", "main.c"]


def test_a_root_whose_path_has_spaces_and_quotes(tmp_path: Path) -> None:
    root = write_tree(tmp_path / 'it\'s a "root" ü', SOURCES)
    recording = shell(root, COMPILE)
    assert linked(recording) == {"prog": ["helper.c", "main.c"]}
    assert [unit.problem for unit in recording.units] == ["", ""]
    assert str(root / "helper.h") in (recording.digests or {})


def test_many_compiles_at_once(tmp_path: Path) -> None:
    names = [f"unit{number}" for number in range(40)]
    write_tree(
        tmp_path, {f"{name}.c": f"int {name};\n" for name in names} | {"main.c": "int main(void) { return 0; }\n"}
    )
    write_tree(tmp_path, {"Makefile": f"prog: main.o {' '.join(f'{name}.o' for name in names)}\n\tcc -o $@ $^\n"})
    recording = record(tmp_path, "make", "-j8")
    assert len(recording.units) == 41
    assert len(linked(recording)["prog"]) == 41


@needs("git")
def test_version_control_ignores_the_store(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    shell(tmp_path, COMPILE)
    status = subprocess.run(["git", "status", "--short"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ".patchkit" not in status.stdout
