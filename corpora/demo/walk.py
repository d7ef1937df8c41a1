"""The demonstration: a server is started, loaded, and walked through all of its releases while it serves.

The server is patchkit's own kvd, an ordinary program that knows nothing of patchkit. Each release is built once under
the recorder; the first one runs, and every later one is brought to the running process by a bundle. The client checks
each answer against a model of its own. The first walk is through releases that change code, the second through releases
that change the types of what is in memory: their updates were authored (corpora/programs/kvd/updates).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parent.parent
PLACE = CORPORA / ".fetched" / "walk"
RELEASES = ("v1", "v1.1", "v1.2", "v1.3", "v1.4", "v1.5")  # code changes
STATE = ("v1", "v2", "v3")  # live types change
PATCHKIT = (sys.executable, "-m", "patchkit")
BETWEEN = 1.5  # seconds under load between two updates
DEADLINE = 30.0


def main() -> int:
    """Run the demonstration; the exit code is 0 only if every update happened and nothing was lost."""
    record()
    return walk(RELEASES, [bundle(*pair) for pair in pairwise(RELEASES)]) or walk(STATE, author())


def walk(releases: Sequence[str], bundles: Sequence[Path]) -> int:
    """Start the first of `releases` and bring it to each later one, under load."""
    (PLACE / "dump.kvd").unlink(missing_ok=True)
    with ExitStack() as stack:
        server = start_server(stack)
        client = start_client(stack, PLACE / "kvd.socket")
        wait_for(lambda: latest(client).get("requests", 0) > 0, "the first answer")
        say(f"\nkvd {releases[0]} runs as process {server.pid}, under load\n")
        say(f"{'release':<12}{'functions':>10}{'pause':>12}{'requests so far':>18}{'wrong or lost':>15}")
        for release, path in zip(releases[1:], bundles, strict=True):
            time.sleep(BETWEEN)
            functions, pause = update(server.pid, path)
            seen = latest(client)
            faults = seen["wrong"] + seen["lost"] + seen["errors"]
            say(f"{release:<12}{functions:>10}{pause:>9.1f} ms{seen['requests']:>18,}{faults:>15}")
        time.sleep(BETWEEN)
        return finish(client, server.pid)


def record() -> None:
    """Build and record each release."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for release in dict.fromkeys((*RELEASES, *STATE)):
        shutil.copytree(CORPORA / "programs/kvd" / release, PLACE / release)
        say(f"$ patchkit record -- make          # kvd {release}")
        run([*PATCHKIT, "record", "--", "make"], PLACE / release)


def bundle(old: str, new: str, *options: str) -> Path:
    """Make the bundle from one release to the next."""
    path = PLACE / f"{old}--{new}.pkb"
    say(f"$ patchkit bundle {' '.join((old, new, *options))} -o {path.name}")
    run([*PATCHKIT, "bundle", old, new, *options, "-o", path.name], PLACE)
    return path


def author() -> list[Path]:
    """Show what was decided for the releases that change types, and make their bundles."""
    shutil.copytree(CORPORA / "programs/kvd/updates", PLACE / "updates")
    say(
        "\nNow releases that change what is in memory: structs grow, a list becomes chunks, constants are renumbered.\n"
    )
    bundles = []
    for old, new in pairwise(STATE):
        folder = f"updates/{old}--{new}"
        say(f"$ patchkit plan {folder}")
        say(run([*PATCHKIT, "plan", folder], PLACE).splitlines()[-1])
        bundles.append(bundle(old, new, "--update", folder))
    return bundles


def start_server(stack: ExitStack) -> "subprocess.Popen[bytes]":
    """Start the first release as a user would, with its socket and log in the folder of the demonstration."""
    (PLACE / "kvd.socket").unlink(missing_ok=True)
    command = [*PATCHKIT, "run", "--", f"./{RELEASES[0]}/kvd", "--port", "0", "--unixsocket", "kvd.socket"]
    output = stack.enter_context((PLACE / "kvd.log").open("wb"))
    server = subprocess.Popen(command, cwd=PLACE, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    stack.callback(server.wait)
    stack.callback(server.terminate)
    wait_for(lambda: server.poll() is not None or (PLACE / "kvd.socket").exists(), "the server's socket")
    if server.poll() is not None:
        raise SystemExit(f"the server did not start:\n{(PLACE / 'kvd.log').read_text()}")
    return server


def start_client(stack: ExitStack, socket: Path) -> "subprocess.Popen[bytes]":
    """Start the load client, which writes what it has seen to a file, ten times a second."""
    command = [sys.executable, str(CORPORA / "programs/kvd/client.py"), "--unixsocket", str(socket)]
    output = stack.enter_context((PLACE / "client.log").open("wb"))
    client = subprocess.Popen(
        [*command, "--until-stdin-closes", "--report", "0.1"], stdin=subprocess.PIPE, stdout=output, stderr=output
    )
    stack.callback(client.wait)
    stack.callback(client.kill)
    return client


def latest(client: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Return what the client reported last."""
    if client.poll() not in (None, 0):
        raise SystemExit(f"the client failed:\n{(PLACE / 'client.log').read_text()}")
    lines = [line for line in (PLACE / "client.log").read_text().splitlines() if line.endswith("}")]
    seen: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    return seen


def update(pid: int, bundle: Path) -> tuple[int, float]:
    """Bring the process to the bundle's version; return how many functions that switched, and the pause in ms."""
    said = run([*PATCHKIT, "apply", str(pid), bundle.name], PLACE)
    found = re.search(r"(\d+) functions switched, ([\d.]+) ms pause", said)
    if found is None:
        raise SystemExit(f"patchkit apply said: {said}")
    return int(found[1]), float(found[2])


def finish(client: "subprocess.Popen[bytes]", pid: int) -> int:
    """Let the client read everything back and say what it saw in all."""
    say("")
    say(run([*PATCHKIT, "status", str(pid)], PLACE).splitlines()[0])
    assert client.stdin is not None
    client.stdin.close()
    client.wait()
    seen = latest(client)
    lost = seen["wrong"] + seen["lost"] + seen["errors"] + seen["lost_connections"]
    say(
        f"requests served: {seen['requests']:,} ({seen['per_second']:,.0f} a second), "
        f"longest silence: {seen['silence_ms']:.1f} ms, lost: {lost}"
    )
    return 0 if lost == 0 else 1


def run(command: list[str], directory: Path) -> str:
    """Run a command that has to succeed and return what it printed."""
    done = subprocess.run(command, cwd=directory, check=False, capture_output=True, encoding="utf-8")
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def wait_for(condition: Any, what: str) -> None:
    """Wait until `condition` holds; end with a message where that takes too long."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come within {DEADLINE:.0f} s; logs are in {os.path.relpath(PLACE)}")
        time.sleep(0.02)


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
