"""Updates that converted live state are taken back: it is converted back, with what the new version did to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.test_conversions import BAD, NEW, OLD, answer, fill
from tests.support import patchkit
from tests.support.live import ask
from tests.support.small import Running, apply, record_program, running

# A command more: it sets what the new version has more room for.
_SET = "    if (line[0] == 'r')\n        settings.rounds = atol(line + 1);\n    printf("
SET_OLD = OLD.replace("    printf(", _SET.replace("atol", "(int)atol"))
SET_NEW = NEW.replace("    printf(", _SET)
DECISIONS = (("allocator struct item", "malloc free malloc_usable_size"), ("initial struct item.more", "0"))
DOWN = """
#include <patchkit_migration.h>
#include "symbols.h"
pk_conversion pk_down_rest_item;
int pk_down_item(struct pk_migration *migration, const struct new_item *new, struct old_item *old);
int pk_down_item(struct pk_migration *migration, const struct new_item *new, struct old_item *old) {
    if (pk_down_rest_item(migration, new, old))
        return 1;
    BODY
    return 0;
}
"""


def authored(folder: Path, *decisions: tuple[str, str]) -> Path:
    """Begin the update in `folder`, decide, and return its directory."""
    patchkit("new", "old", "new", "-o", "update", cwd=folder)
    for key, value in decisions:
        done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=folder)
        assert done.code == 0, done.err
    return folder / "update"


def bundled(folder: Path) -> Path:
    """Make the bundle of the update in `folder`."""
    done = patchkit("bundle", "old", "new", "--update", "update", "-o", "update.pkb", cwd=folder)
    assert done.code == 0, done.out + done.err
    return folder / "update.pkb"


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded, and an update that nobody wrote any C for."""
    folder = tmp_path_factory.mktemp("reverts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        record_program(folder / "old", {"main.c": SET_OLD.replace("VERSION", "old")})
        record_program(folder / "new", {"main.c": SET_NEW})
        authored(folder, *DECISIONS)
        yield folder


def test_state_goes_back_with_what_the_new_version_did(versions: Path) -> None:
    path = bundled(versions)
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        for turn in (1, 2):
            done = apply(server.pid, path)
            assert done.code == 0, done.err
            server.send(f"a{turn * 10}\n")
            server.wait_for(f"new total {(16, 66)[turn - 1]} rounds 3 last 1 kept 1")
            done = ask("revert", server.pid, cwd=versions)
            assert done.code == 0, done.err
            assert answer(server) == f"old total {(16, 66)[turn - 1]} rounds 3 last 1 kept 1"
            server.send("a30\n")
            server.wait_for(f"old total {(46, 96)[turn - 1]} rounds 3 last 1 kept 1")


def test_a_value_that_the_old_version_cannot_hold_keeps_the_new_one(versions: Path) -> None:
    path = bundled(versions)
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        assert apply(server.pid, path).code == 0
        server.send("r4294967296\n")
        server.wait_for("new total 6 rounds 0 last 1 kept 1")  # it prints an int
        for _ in range(2):
            done = ask("revert", server.pid, cwd=versions)
            assert done.code == 1
            assert "PKL121" in done.err
            assert "struct settings.rounds: the value does not fit int" in done.err
        server.send("r5\n")
        server.wait_for("new total 6 rounds 5 last 1 kept 1")
        assert ask("revert", server.pid, cwd=versions).code == 0
        assert answer(server) == "old total 6 rounds 5 last 1 kept 1"


def memory(server: Running) -> dict[str, bytes]:
    """What the program's data and its heap hold."""
    found = {}
    with open(f"/proc/{server.pid}/mem", "rb", buffering=0) as file:
        for line in Path(f"/proc/{server.pid}/maps").read_text().splitlines():
            place, access, *rest = line.split(maxsplit=5)
            if access.startswith("rw") and rest[-1].endswith(("/server", "[heap]")):
                start, end = (int(word, 16) for word in place.split("-"))
                file.seek(start)
                found[place] = file.read(end - start)
    return found


@pytest.fixture(scope="module")
def by_hand(versions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same versions, with a conversion of items that a programmer writes for the way back."""
    folder = tmp_path_factory.mktemp("by-hand")
    for name in ("old", "new"):
        (folder / name).symlink_to(versions / name)
    authored(folder, *DECISIONS, ("down code struct item", "down.c"))
    return folder


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("rehearsed", [True, False], ids=["rehearsed", "at once"])
def test_a_way_back_that_goes_wrong_changes_nothing(by_hand: Path, name: str, rehearsed: bool) -> None:
    body, rule, text = BAD[name]
    for number in (48, 24):  # where the new object ended, the old one does
        body = body.replace(f"[{number} + at]", "[16 + at]")
    if "pk_transform_item" in body:
        body = body.replace("pk_transform_item(migration, old, new)", "pk_down_item(migration, new, old)")
    elif "old->" not in body:
        body = body.replace("new", "old")
    (by_hand / "update/down.c").write_text(DOWN.replace("BODY", body))
    path = bundled(by_hand)
    with running(by_hand / "old/server", by_hand / "cache") as server:
        fill(server)
        assert apply(server.pid, path).code == 0
        server.send("a10\n")
        server.wait_for("new total 16 rounds 3 last 1 kept 1")
        before = memory(server)
        assert len(before) > 1
        for _ in range(1 if name == "never ends" else 2):
            done = ask("revert", server.pid, *([] if rehearsed else ["--no-rehearsal"]), cwd=by_hand)
            assert done.code == 1, done.err
            assert rule in done.err
            assert text in done.err
            assert memory(server) == before
        assert answer(server) == "new total 16 rounds 3 last 1 kept 1"
        server.send("a10\n")
        server.wait_for("new total 26 rounds 3 last 1 kept 1")


HOOK = """
int pk_down_after(struct pk_migration *migration);
int pk_down_after(struct pk_migration *migration) {
    BODY
}
"""


def test_a_hook_that_fails_after_the_switch_brings_the_new_version_back(versions: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(versions / name)
    update = authored(tmp_path, *DECISIONS, ("down code after", "down.c"))
    written = (update / "down.c").read_text()
    head = written[: written.index("/* Called once")]
    (update / "down.c").write_text(head + HOOK.replace("BODY", 'return pk_refuse(migration, "not today", 7);'))
    path = bundled(tmp_path)
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        assert apply(server.pid, path).code == 0
        for total, option in ((6, []), (16, ["--no-rehearsal"])):
            done = ask("revert", server.pid, *option, cwd=tmp_path)
            assert done.code == 1
            assert "not today (7)" in done.err
            assert answer(server) == f"new total {total} rounds 3 last 1 kept 1"
            server.send("a10\n")
            server.wait_for(f"new total {total + 10} rounds 3 last 1 kept 1")


def test_the_hook_of_the_way_back_calls_the_old_version(versions: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(versions / name)
    update = authored(tmp_path, *DECISIONS, ("down code after", "down.c"))
    written = (update / "down.c").read_text()
    head = written[: written.index("/* Called once")]
    (update / "down.c").write_text(head + HOOK.replace("BODY", '(void)migration;\n    tell("b");\n    return 0;'))
    path = bundled(tmp_path)
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        assert apply(server.pid, path).code == 0
        server.send("a10\n")
        server.wait_for("new total 16 rounds 3 last 1 kept 1")
        assert ask("revert", server.pid, cwd=tmp_path).code == 0
        server.wait_for("old total 16 rounds 3 last 1 kept 1")


def test_an_update_without_a_way_back_says_why(versions: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).symlink_to(versions / name)
    authored(tmp_path, *DECISIONS, ("irreversible", "yes"))
    path = bundled(tmp_path)
    assert "irreversible test" in patchkit("bundle", "inspect", str(path), cwd=tmp_path).out
    assert "irreversible: test" in patchkit("plan", "update", cwd=tmp_path).out
    with running(versions / "old/server", versions / "cache") as server:
        fill(server)
        assert apply(server.pid, path).code == 0
        done = ask("revert", server.pid, cwd=tmp_path)
        assert done.code == 1
        assert "cannot be reverted: test" in done.err
        assert "PKL109" in done.err
        assert answer(server) == "new total 6 rounds 3 last 1 kept 1"
