"""`patchkit diff`: every kind of version, every form of the report, every exit code."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from patchkit.workspace import Format
from tests.cli.conftest import OLD
from tests.support import PATCHKIT, patchkit, run, wait_until, write_tree


def test_the_report_names_what_changed_with_its_place(built: Path) -> None:
    done = patchkit("diff", "old", "new", cwd=built)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("UPDATABLE")
    for part in ("struct node", "struct option", "list.h:1", "weight"):
        assert part in done.out


def test_only_the_named_program_is_looked_at(built: Path) -> None:
    server = patchkit("diff", "old", "new", "--program", "server", cwd=built).out
    tool = patchkit("diff", "old", "new", "--program", "tool", cwd=built).out
    assert "struct node" in server
    assert "struct option" not in server
    assert "struct option" in tool
    assert "struct node" not in tool


def test_a_program_that_was_not_built_is_an_error_that_names_those_that_were(built: Path) -> None:
    done = patchkit("diff", "old", "new", "--program", "serve", cwd=built)
    assert done.code == 2
    assert "serve" in done.err
    assert "server" in done.err.splitlines()[-1]


def test_a_version_does_not_differ_from_itself(built: Path) -> None:
    done = patchkit("diff", "old", "old", "--exit-code", cwd=built)
    assert done.code == 0
    assert done.out.startswith("NO CHANGE")


@pytest.mark.parametrize("style", [style.value for style in Format])
def test_every_format_is_written_to_a_file_as_to_standard_output(style: str, built: Path, tmp_path: Path) -> None:
    printed = patchkit("diff", "old", "new", "--format", style, cwd=built)
    written = patchkit("diff", "old", "new", "--format", style, "-o", str(tmp_path / "report"), cwd=built)
    assert (printed.code, written.code, written.out) == (0, 0, "")
    assert (tmp_path / "report").read_text(encoding="utf-8") == printed.out
    assert "struct node" in printed.out
    if style in ("json", "sarif"):
        assert isinstance(json.loads(printed.out), dict)


def test_only_and_stat_narrow_the_report(built: Path) -> None:
    functions = patchkit("diff", "old", "new", "--only", "functions", cwd=built).out
    stat = patchkit("diff", "old", "new", "--stat", cwd=built).out
    full = patchkit("diff", "old", "new", cwd=built).out
    assert "struct node {" not in functions
    assert len(stat.splitlines()) < len(full.splitlines())


@pytest.mark.parametrize(
    ("new", "options", "code"),
    [
        ("new", [], 0),
        ("new", ["--exit-code"], 1),
        ("new", ["--fail-on", "confirm"], 1),
        ("new", ["--fail-on", "blocked"], 0),
        ("new", ["--fail-on", "none"], 0),
        ("new", ["--exit-code", "--only", "macros"], 0),
        ("new", ["--exit-code", "--only", "macros", "--only", "types"], 1),
        ("body", ["--exit-code"], 0),
        ("body", ["--fail-on", "auto"], 1),
        ("body", ["--fail-on", "auto", "--only", "types"], 0),
    ],
)
def test_exit_codes(new: str, options: list[str], code: int, built: Path) -> None:
    assert patchkit("diff", "old", new, *options, cwd=built).code == code


def test_what_does_not_read_is_incomplete_and_never_a_pass(built: Path, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.c": "int a;\n", "b.c": "#error broken\n"})
    commands = [{"directory": str(tmp_path), "file": name, "arguments": ["cc", "-c", name]} for name in ("a.c", "b.c")]
    (tmp_path / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")
    done = patchkit("diff", ".", ".", cwd=tmp_path)
    assert done.code == 3
    assert "INCOMPLETE" in done.out
    assert "b.c" in done.out
    assert done.err == "incomplete: of . 1 part could not be read\n" * 2


def test_all_forms_of_a_version_say_the_same(built: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        assert patchkit("read", str(built / name), "--program", "server", "-o", f"{name}.json", cwd=tmp_path).code == 0
        sources = [
            {"directory": str(built / name), "file": f, "command": f"cc -g -O1 -c {f}"} for f in ("list.c", "server.c")
        ]
        (tmp_path / f"{name}-commands.json").write_text(json.dumps(sources), encoding="utf-8")
    forms = [
        ("old.json", "new.json"),
        ("old-commands.json", "new-commands.json"),
        (str(built / "old/server"), str(built / "new/server")),
        (str(built / "old/server"), "new.json"),
    ]
    for old, new in forms:
        done = patchkit("diff", old, new, "--format", "json", "--only", "types", cwd=tmp_path)
        assert done.code == 0, done.err
        assert "struct node" in done.out, (old, new)
        assert "weight" in done.out, (old, new)


def test_revisions_are_built_as_the_settings_say(repository: Path) -> None:
    done = patchkit("diff", "v1", "v2", cwd=repository)
    assert done.code == 0, done.err
    assert "struct node" in done.out
    assert "struct option" not in done.out  # patchkit.toml looks at the server alone
    assert run("git", "status", "--short", "--ignored", cwd=repository).out == ""


def test_index_and_work_tree_are_versions(repository: Path) -> None:
    write_tree(repository, {"server.c": OLD["server.c"].replace("served++", "served--")})
    worktree = patchkit("diff", "HEAD", ":worktree", "--only", "functions", cwd=repository)
    index = patchkit("diff", "HEAD", ":index", cwd=repository)
    assert worktree.out.startswith("UPDATABLE"), worktree.err
    assert "main" in worktree.out
    assert index.out.startswith("NO CHANGE"), index.err
    run("git", "add", "server.c", cwd=repository)
    assert patchkit("diff", "HEAD", ":index", cwd=repository).out.startswith("UPDATABLE")


def test_build_builds_and_records_a_directory(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", OLD)
    done = patchkit("diff", "tree", "tree", "--build", "make CFLAGS='-g -DX=1'", cwd=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "tree/server").exists()


def test_a_guessed_directory_says_so(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", {"a.c": "int a;\n"})
    done = patchkit("diff", "tree", "tree", cwd=tmp_path)
    assert done.code == 0
    assert "flags are guessed" in done.err


@pytest.mark.parametrize(
    ("options", "environ", "coloured"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {}, False),
        (["--color", "always"], {}, True),
    ],
)
def test_colour_on_a_terminal(options: list[str], environ: dict[str, str], coloured: bool, built: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PATCHKIT, "diff", "old", "new", *options], cwd=built, stdout=slave, env={**os.environ, **environ}
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            seen += os.read(master, 65536)
        except OSError:  # the other end is closed
            break
    os.close(master)
    assert process.wait(timeout=60) == 0
    assert b"struct node" in seen
    assert (b"\x1b[3" in seen) is coloured


def test_colour_in_a_pipe_only_where_asked_for(built: Path) -> None:
    assert "\x1b" not in patchkit("diff", "old", "new", cwd=built).out
    assert "\x1b[" in patchkit("diff", "old", "new", "--color", "always", cwd=built).out


def test_an_unknown_key_of_the_settings_is_an_error(built: Path, tmp_path: Path) -> None:
    (tmp_path / "patchkit.toml").write_text("[project]\nprogram = 'x'\n", encoding="utf-8")
    done = patchkit("diff", str(built / "old"), str(built / "new"), cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: {tmp_path}/patchkit.toml: unknown key `project.program`\nhint: did you mean `project.programs`?\n"
    )


def test_an_interrupt_while_compilers_run_ends_at_once_and_quietly(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{number}.c": "int a;\n" for number in range(8)})
    slow = tmp_path / "slow-cc"
    slow.write_text("#!/bin/sh\ntouch started\nexec sleep 600\n", encoding="utf-8")
    slow.chmod(0o755)
    commands = [
        {"directory": str(tmp_path), "file": f"{number}.c", "arguments": [str(slow), "-c", f"{number}.c"]}
        for number in range(8)
    ]
    (tmp_path / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")
    process = subprocess.Popen(
        [*PATCHKIT, "diff", ".", "."],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    wait_until((tmp_path / "started").exists)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, b"")
