"""How long authoring an update of redis takes, against the comparison alone and the compiler's own syntax check.

Both versions are built and recorded once, which is not counted. Then all candidates run in turns:

new, cold     `patchkit new` where nothing is known but the recordings: models that were kept are removed first
new, again    the same once more into the same directory, as after each edit of a source
plan          what is open in it
"""

import shutil
import sys

from corpora.bench.diff import forget, syntax
from corpora.bench.measure import PATCHKIT, interleave, run, save, table
from corpora.demo.compare import FETCHED, prepare_redis, record

ROUNDS = 3
COLD, WARM = 10.0, 2.0  # s


def main() -> int:
    """Run the benchmark and print its table."""
    old, new, build, _ = prepare_redis(FETCHED / "redis")
    for tree in (old, new):
        record(tree, build)
    update = old.parent / "author"
    author = [*PATCHKIT, "new", str(old), str(new), "-o", str(update), "--program", "redis-server"]

    def cold() -> tuple[float, float, float]:
        forget(old, new)
        shutil.rmtree(update, ignore_errors=True)
        return run(author, old.parent)

    series = interleave(
        {
            "gcc -fsyntax-only": lambda: syntax(new),
            "patchkit new, cold": cold,
            "patchkit new, again": lambda: run(author, old.parent),
            "patchkit diff, recorded": lambda: run([*PATCHKIT, "diff", str(old), str(new)], old.parent),
            "patchkit plan": lambda: run([*PATCHKIT, "plan", str(update)], old.parent),
        },
        ROUNDS,
    )
    if not (update / "generated/migrate.c").exists():
        sys.exit(f"nothing was authored: run {' '.join(author)}")
    print(table(series, ["gcc -fsyntax-only"]))
    save("author", series, old=old.name, new=new.name)
    holds = {
        f"cold in less than {COLD:.0f} s": max(series["patchkit new, cold"].wall) < COLD,
        f"again in less than {WARM:.0f} s": max(series["patchkit new, again"].wall) < WARM,
    }
    for what, is_so in holds.items():
        print(f"{'holds' if is_so else 'MISSED':8}{what}")
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
