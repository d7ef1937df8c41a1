"""`patchkit squash`: one update in place of a chain of updates, compared with it."""

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support import Outcome, needs, patchkit
from tests.support.small import record_program

pytestmark = needs("gcc", "make")

# v1 -> v2 renames a member, drops one, adds one, renumbers; v2 -> v3 renames the same member again, brings the dropped
# one back, and renames the type; v3 -> v4 makes a text of a number.
V1 = """
#include <stdlib.h>
enum mood { CALM, ANGRY };
struct job { struct job *next; int size; int rank; enum mood mood; };
struct job *jobs;
int total;
int weigh(struct job *job) { return job->size * 2 + job->rank + (job->mood == ANGRY); }
void add(int size) {
    struct job *job = calloc(1, sizeof *job);
    job->next = jobs; job->size = size; jobs = job; total += weigh(job);
}
void drop(void) { struct job *job = jobs; jobs = job->next; free(job); }
int main(void) { add(1); drop(); return 0; }
"""
V2 = (
    V1.replace("enum mood { CALM,", "enum mood { CALM, GLAD,")
    .replace("int size; int rank;", "int weight; int tries;")
    .replace("job->size = size", "job->weight = size")
    .replace("job->size * 2 + job->rank", "job->weight * 2 + job->tries")
)
V3 = (
    V2.replace("int weight; int tries;", "int grams; int rank; int tries;")
    .replace("job->weight", "job->grams")
    .replace("struct job", "struct task")
    .replace("job->grams = size;", "job->grams = size; job->rank = size > 9;")
)
V4 = V3.replace("int grams;", "char grams[12];").replace("job->grams * 2", "atoi(job->grams) * 2")
V4 = V4.replace("job->grams = size;", "job->grams[0] = '0' + size;")
ANSWERS = {
    "v2": (
        ("member struct job.size", "weight"),
        ("member struct job.rank", "-"),
        ("initial struct job.tries", "3"),
        ("down initial struct job.rank", "0"),
    ),
    "v3": (
        ("type struct job", "struct task"),
        ("member struct job.weight", "grams"),
        ("initial struct task.rank", "7"),
    ),
    "v4": (("code struct task", "transform.c"),),
}
TEXT = """    for (int rest = old->grams, at = 0; at == 0 || rest > 0; rest /= 10, at++) {
        for (int to = at; to > 0; to--)
            new->grams[to] = new->grams[to - 1];
        new->grams[0] = (char)('0' + (rest > 0 ? rest % 10 : 0));
    }
"""


@pytest.fixture(scope="module")
def authored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with four recorded versions of a program and the updates between them."""
    tmp_path = tmp_path_factory.mktemp("squash")
    names = ("v1", "v2", "v3", "v4")
    for name, text in zip(names, (V1, V2, V3, V4), strict=True):
        record_program(tmp_path / name, {"main.c": text})
    for old, new in pairwise(names):
        update = f"updates/{old}--{new}"
        patchkit("new", old, new, cwd=tmp_path)
        for key, value in ANSWERS[new]:
            patchkit("decide", key, value, "--reason", f"for {new}", "-u", update, cwd=tmp_path)
        patchkit("decide", "--proposed", "--reason", "as proposed", "-u", update, cwd=tmp_path)
        code = tmp_path / update / "transform.c"
        if code.exists():
            lines = code.read_text().splitlines(keepends=True)
            code.write_text("".join(TEXT if "PK_TODO" in line else line for line in lines))
            patchkit("decide", "irreversible", "yes", "--reason", "texts are not numbers", "-u", update, cwd=tmp_path)
        done = patchkit("plan", update, cwd=tmp_path)
        assert done.code == 0, done.out + done.err
    return tmp_path


@pytest.fixture
def updates(authored: Path, request: pytest.FixtureRequest) -> Path:
    """Give updates of a test's own."""
    folder: Path = authored / str(request.node.name)
    shutil.copytree(authored / "updates", folder)
    return folder


def squash(updates: Path, old: str, new: str) -> Outcome:
    return patchkit("squash", old, new, "--updates", updates.name, cwd=updates.parent)


def test_a_chain_becomes_one_update_that_gives_the_same(updates: Path) -> None:
    name, folder = updates.name, updates.parent
    done = squash(updates, "v1", "v3")
    assert (done.code, done.err) == (0, ""), done.out + done.err
    assert done.out.startswith(f"v1 -> v2  {name}/v1--v2\nv2 -> v3  {name}/v2--v3\n")
    there, back = done.out.splitlines()[-2:]
    assert re.fullmatch(r"there: \d+ samples arrive on both ways and are alike", there), done.out
    # A job that is GLAD cannot go back, by one way or the other.
    assert re.fullmatch(r"back: \d+ samples arrive on both ways and are alike; on neither: 1", back), done.out
    plan = patchkit("plan", str(updates / "v1--v3"), cwd=updates.parent).out
    assert "member struct job.size = grams" in plan
    assert "member struct job.rank = -" in plan  # a member of that name is there again, and another one
    assert "initial struct task.rank = 7" in plan
    assert "initial struct task.tries = 3" in plan
    assert f"because as in {name}/v2--v3: for v3" in plan
    bundle = patchkit("bundle", "v1", "v3", "--update", f"{name}/v1--v3", "-o", "1-3.pkb", cwd=folder)
    assert bundle.code == 0, bundle.out + bundle.err


def test_what_was_written_for_one_step_goes_with_it_under_the_names_of_the_whole(updates: Path) -> None:
    done = squash(updates, "v1", "v4")
    assert done.code == 0, done.out + done.err
    code = (updates / "v1--v4/transform.c").read_text()
    assert (
        "int pk_transform_job(struct pk_migration *migration, const struct old_job *old, struct new_task *new)" in code
    )
    assert f"irreversible: {updates.name}/v3--v4: texts are not numbers" in done.out


def test_an_update_that_differs_from_the_chain_is_told_with_a_sample(updates: Path) -> None:
    squash(updates, "v1", "v3")
    reason = ("--reason", "tried out", "-u", f"{updates.name}/v1--v3")
    patchkit("decide", "initial struct task.tries", "4", *reason, cwd=updates.parent)
    done = squash(updates, "v1", "v3")
    assert done.code == 1
    assert f"PKM705 {updates.name}/v1--v3/generated/migrate.c:" in done.out
    assert "struct task.tries is 0x4, over the steps it is 0x3" in done.out
    assert "initial struct task.tries = 4" in patchkit("plan", str(updates / "v1--v3"), cwd=updates.parent).out


def test_a_step_with_open_questions_is_named(updates: Path) -> None:
    toml = updates / "v2--v3/update.toml"
    text = re.sub(r'\[\[decision\]\]\nabout = "initial struct task.rank"\n(?:[^\[\n].*\n)*', "", toml.read_text())
    toml.write_text(text)
    done = squash(updates, "v1", "v3")
    assert (done.code, f"{updates.name}/v2--v3 has open questions" in done.err) == (2, True), done.out + done.err
    assert not (updates / "v1--v3").exists()


def test_one_step_is_no_chain(updates: Path) -> None:
    done = squash(updates, "v1", "v2")
    assert (done.code, done.out) == (2, "")
    assert "no chain of updates leads from v1 to v2" in done.err
