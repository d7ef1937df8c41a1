"""The tutorial works as it is written: its blocks are run in order, in one shell, in an empty directory."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT, needs

pytestmark = needs("bash", "gcc", "make")

_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)
_MARK = "--- end of block ---"


def test_every_block_does_what_the_text_says(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    blocks = _BLOCK.findall((ROOT / "docs/tutorial.md").read_text().replace("7007", port))
    scripts = [text for kind, text in blocks if kind == "sh"]
    whole = "set -e -o pipefail\ntrap 'kill $SERVER' ERR\n" + f"echo '{_MARK}'\n".join(scripts)
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", whole], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    shown = done.stdout.split(f"{_MARK}\n")
    assert len(shown) == len(scripts)
    number = -1
    for kind, text in blocks:
        number += kind == "sh"
        if kind == "text":
            for line in text.splitlines():
                wanted = ".*".join(map(re.escape, line.split("...")))
                assert re.search(f"^{wanted}", shown[number], re.M), (line, shown[number])
