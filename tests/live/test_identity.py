"""What pointers lead to and whether they are equal stays true over many updates, which take little more than few."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from patchkit.live.process import find_process
from patchkit.live.updates import Runtime, Wish
from tests.support.hazards import (
    Versions,
    make_versions,
    record_versions,
    said,
    shared_cache,
    source_of,
    status,
    updated,
)
from tests.support.small import bundle

MANY = 24
KEPT = 6  # updates after which the code of the first ones has been given back


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versions]:
    """Several versions of a program that keeps pointers."""
    with shared_cache(tmp_path_factory):
        yield make_versions(tmp_path_factory.mktemp("identity"), source_of("identity.c"), 5)


def test_old_pointers_equal_fresh_ones_and_lead_to_the_newest_code(identity: Versions) -> None:
    with identity.running() as server:
        server.wait_for("ready")
        assert said(server, "check") == "v1: 0 differ"
        for number, path in enumerate(identity.bundles, 2):
            updated(server, path)
            assert said(server, "check") == f"v{number}: 0 differ"
            assert said(server, "say").startswith(f"hidden v{number}, shown v{number}, steady;")


def test_a_literal_of_a_version_whose_code_was_given_back_still_reads_right(identity: Versions) -> None:
    with identity.running() as server:
        server.wait_for("ready")
        for path in identity.bundles:
            updated(server, path)
            server.send("remember\n")
        states = [update["state"] for update in status(server.pid)["updates"]]
        assert states[0] == "gone", states
        words = " ".join(f"written by v{number}" for number in range(5, 0, -1))
        assert said(server, "say") == f"hidden v5, shown v5, steady; {words}"


def memory(pid: int) -> tuple[int, int]:
    """Return how many mappings of a process hold code of updates, and its resident KiB."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    code = sum(line.split()[1] == "r-xp" and line.split()[4] == "0" and len(line.split()) == 5 for line in maps)
    return code, next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


def test_the_code_of_many_updates_is_given_back(identity: Versions, tmp_path: Path) -> None:
    back = tmp_path / "back.pkb"
    assert bundle(identity.folder / "v2", identity.folder / "v1", back).code == 0
    with identity.running() as server:
        server.wait_for("ready")
        seen = []
        for number in range(MANY):
            path = back if number % 2 else identity.bundles[0]
            with path.open("rb") as file, Runtime(find_process(server.pid)) as runtime:
                outcome = runtime.apply(file.fileno(), Wish(), lambda phase: None)
            assert outcome.result == "applied"
            seen.append(memory(server.pid))
        assert said(server, "check") == "v1: 0 differ"
        assert seen[-1][0] <= seen[KEPT][0], seen
        # Constants and literals stay, as pointers to them may be anywhere: a page or two of each update.
        assert seen[-1][1] - seen[KEPT][1] <= 16 * (MANY - KEPT), seen


def test_code_that_a_sleeping_coroutine_returns_to_is_kept(tmp_path: Path) -> None:
    # Its stack and what the runtime maps for itself lie side by side, which the kernel makes one mapping of.
    versions = make_versions(tmp_path, source_of("coroutines.c"), 6)
    with versions.running() as server:
        server.wait_for("ready")
        updated(server, versions.bundles[0])
        assert said(server, "start") == "started"
        for path in versions.bundles[1:]:
            updated(server, path)
        assert said(server, "end") == "began in v2, ended in v6"
        assert said(server, "say") == "v6"


REMOVED = """
#include <stdio.h>
#include <unistd.h>
static volatile int called;
FUNCTION
static const char *(*volatile kept)(void);
__attribute__((noinline)) static const char *version(void) { return "VERSION"; }
__attribute__((noinline)) static void keep(void) {
    called++;
    KEEP
}
int main(void) {
    char line[64];
    dprintf(1, "ready\\n");
    while (read(0, line, sizeof line) > 0) {
        keep();
        dprintf(1, "%s, kept %s\\n", version(), kept ? kept() : "none");
    }
    return 0;
}
"""
FUNCTION = '__attribute__((noinline)) static const char *old(void) { return called ? "from VERSION" : "no"; }'


@pytest.mark.parametrize("first", [1, 2], ids=["from-the-start", "of-an-update"])
def test_a_removed_function_that_a_pointer_leads_to_is_kept(first: int, tmp_path: Path) -> None:
    last, count = 3, 7
    sources = []
    for number in range(1, count + 1):
        has = first <= number <= last
        source = REMOVED.replace("FUNCTION", FUNCTION if has else "")
        sources.append(source.replace("KEEP", "kept = old;" if has else ""))
    versions = record_versions(tmp_path, sources)
    with versions.running() as server:
        server.wait_for("ready")
        for number, path in enumerate([None, *versions.bundles], 1):
            if path:
                updated(server, path)
            kept = f"from v{min(number, last)}" if number >= first else "none"
            assert said(server, "say") == f"v{number}, kept {kept}"
