"""How reading grows with the program: generated C of 10³ to 10⁶ lines, every declaration distinct.

Each program is read once so that its texts are there, then again from the texts alone. The figure to look at is the
last: milliseconds per thousand declarations, which stays level where cost is linear.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from corpora.bench.measure import PATCHKIT, Series, run, save

LINES_PER_FILE = 2000
LINES_PER_GROUP = 20
DECLARATIONS_PER_GROUP = 5


def main() -> int:
    """Run the benchmark up to 10 to the power given (default 5) and print the curve."""
    highest = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    series: dict[str, Series] = {}
    print(f"{'lines':>9}{'declarations':>14}{'wall s':>9}{'cpu s':>9}{'MiB':>7}{'ms per 1000 declarations':>26}")
    for exponent in range(3, highest + 1):
        lines = 10**exponent
        with tempfile.TemporaryDirectory(prefix="patchkit-curve-") as folder:
            root, cache = Path(folder) / "program", Path(folder) / "cache"
            generate(root, lines)
            environ = {"PATCHKIT_CACHE": str(cache)}
            command = [*PATCHKIT, "read", str(root), "-o", os.devnull]
            run(command, root, environ)
            for models in cache.rglob("models"):
                shutil.rmtree(models)
            wall, cpu, memory = run(command, root, environ)
        declarations = lines // LINES_PER_GROUP * DECLARATIONS_PER_GROUP
        level = wall / declarations * 1e6
        print(f"{lines:9}{declarations:14}{wall:9.2f}{cpu:9.2f}{memory:7.0f}{level:26.0f}", flush=True)
        series[str(lines)] = Series([wall], [cpu], [memory])
    save("curve", series)
    return 0


def generate(root: Path, lines: int) -> None:
    """Write a program of about `lines` lines."""
    root.mkdir(parents=True)
    groups = lines // LINES_PER_GROUP
    per_file = LINES_PER_FILE // LINES_PER_GROUP
    for first in range(0, groups, per_file):
        text = "".join(group(number) for number in range(first, min(first + per_file, groups)))
        (root / f"part{first // per_file}.c").write_text(text)


def group(number: int) -> str:
    """Return one group of declarations, 20 lines."""
    return f"""enum state_{number} {{ IDLE_{number} = {number}, BUSY_{number} }};
struct node_{number} {{
    struct node_{number} *next;
    enum state_{number} state;
    char name[{number % 60 + 4}];
    unsigned flag : 3;
}};
static struct node_{number} *head_{number};
static int count_{number} = {number};
int walk_{number}(struct node_{number} *node, int limit)
{{
    static long calls;
    int seen = 0;
    for (calls++; node && seen < limit; node = node->next) {{
        if (node->state == BUSY_{number})
            seen += count_{number};
    }}
    head_{number} = node;
    return seen;
}}
"""


if __name__ == "__main__":
    sys.exit(main())
