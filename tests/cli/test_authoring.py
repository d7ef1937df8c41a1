"""`patchkit new`, `plan`, `decide` and `edit`, as a programmer meets them."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support import needs, patchkit, write_tree
from tests.support.small import record_program

pytestmark = needs("gcc", "make")

OLD = """
#include <stdlib.h>
struct job { struct job *next; int size; };
struct job *jobs;
void add(int size) { struct job *job = calloc(1, sizeof *job); job->next = jobs; job->size = size; jobs = job; }
void drop(void) { struct job *job = jobs; jobs = job->next; free(job); }
int main(void) { add(1); drop(); return 0; }
"""
NEW = OLD.replace("int size; }", "int size; int rank; int tries; }").replace(
    "jobs = job; }", "jobs = job; job->rank = size > 9; }"
)
RANK = "initial struct job.rank"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with two recorded versions of a program."""
    for name, text in (("v1", OLD), ("v2", NEW)):
        record_program(tmp_path / name, {"main.c": text})
    return tmp_path


def begun(project: Path) -> Path:
    done = patchkit("new", "v1", "v2", "-o", "updates/1--2", cwd=project)
    assert (done.code, done.err) == (1, "")
    return project / "updates/1--2"


def test_an_update_begins_with_what_is_decided_and_what_is_asked(project: Path) -> None:
    folder = begun(project)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {"update.toml", "generated/old.h", "generated/new.h", "generated/migrate.c", "generated/report.txt"} <= names
    text = (folder / "update.toml").read_text()
    assert 'about = "initial struct job.tries"\nvalue = "0"\n' in text
    assert RANK not in text
    done = patchkit("plan", cwd=project)
    assert done.code == 1
    assert f"asked     {RANK}\n          ? Which value has struct job.rank in objects that exist?" in done.out
    assert "1 question" in done.out


def test_the_plan_as_json_has_evidence_and_shares(project: Path) -> None:
    begun(project)
    plan = json.loads(patchkit("plan", "--json", cwd=project).out)
    items = {item["key"]: item for item in plan["items"]}
    assert items[RANK]["state"] == "asked"
    assert items[RANK]["rule"] == "PKX603"
    assert items["initial struct job.tries"]["by"] == "patchkit"
    assert "calloc" in items["initial struct job.tries"]["evidence"][0]
    assert (plan["changed"], plan["unaided"], plan["open"]) == (1, 1, 1)


def test_an_answer_is_checked_and_kept_with_its_reason(project: Path) -> None:
    folder = begun(project)
    wrong = patchkit("decide", RANK, "old->size >", "--reason", "as new ones", cwd=project)
    assert wrong.code == 2
    assert wrong.err == (
        f"error: `old->size >` is no answer to `{RANK}`: `>` has nothing behind it\n"
        "hint: write a C expression: 0, NULL, 1 << 3\n"
    )
    done = patchkit("decide", RANK, "1", "--reason", "as new ones", cwd=project)
    assert (done.code, done.err) == (0, "")
    assert "nothing open" in done.out
    assert f'about = "{RANK}"\nvalue = "1"\nreason = "as new ones"\n' in (folder / "update.toml").read_text()
    assert patchkit("plan", cwd=project).code == 0


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("initial struct job.rnak", "nothing in this update asks `initial struct job.rnak`"),
        ("inital struct job.rank", "`inital struct job.rank` is no topic and a subject"),
        ("accept PKC401:function:main", "nothing in this update asks"),
    ],
)
def test_a_key_that_nothing_asks_is_refused(project: Path, key: str, says: str) -> None:
    begun(project)
    done = patchkit("decide", key, "1", "--reason", "so", cwd=project)
    assert done.code == 2
    assert says in done.err
    assert "hint: " in done.err


def test_a_mistake_in_the_file_is_named_by_line_and_key(project: Path) -> None:
    folder = begun(project)
    path = folder / "update.toml"
    path.write_text(path.read_text().replace("value =", "valeu =", 1))
    done = patchkit("plan", cwd=project)
    assert done.code == 2
    line = path.read_text().split("\n").index('valeu = "0"') + 1 if 'valeu = "0"' in path.read_text() else 0
    assert "`decision.valeu` is not known" in done.err
    assert not line or f"update.toml:{line}:" in done.err
    assert "did you mean `value`?" in done.err


def test_what_people_wrote_survives_a_new_version(project: Path) -> None:
    folder = begun(project)
    assert patchkit("decide", RANK, "1", "--reason", "as new ones", cwd=project).code == 0
    assert patchkit("decide", "code struct job", "transform.c", "--reason", "by hand", cwd=project).code == 0
    path = folder / "update.toml"
    path.write_text(path.read_text().replace("[new]", "# asked Ann about ranks\n[new]"))
    code = folder / "transform.c"
    code.write_text(code.read_text().replace("    return 0;", "    new->rank = old->size; /* Ann's */\n    return 0;"))
    shutil.rmtree(project / "v2")
    record_program(project / "v2", {"main.c": NEW.replace("int tries;", "int tries; int cost;")})
    again = patchkit("new", "v1", "v2", "-o", "updates/1--2", cwd=project)
    assert again.code == 1
    assert f"stale     {RANK} = 1" in again.out
    assert "# asked Ann about ranks\n" in path.read_text()
    assert 'reason = "as new ones"' in path.read_text()
    assert "new->rank = old->size; /* Ann's */" in code.read_text()


def test_edit_opens_the_conversion_at_its_line(project: Path) -> None:
    folder = begun(project)
    editor = write_tree(project / "bin", {"editor": '#!/bin/sh\nprintf "%s\\n" "$@"\n'}) / "editor"
    editor.chmod(0o755)
    environ = {"VISUAL": str(editor)}
    refused = patchkit("edit", "struct job", cwd=project, environ=environ)
    assert refused.code == 2
    assert 'patchkit decide "code struct job" transform.c' in refused.err
    assert patchkit("decide", "code struct job", "transform.c", "--reason", "by hand", cwd=project).code == 0
    done = patchkit("edit", "struct job", cwd=project, environ=environ)
    line, path = done.out.split()
    assert Path(path) == Path("updates/1--2/transform.c")
    text = (folder / "transform.c").read_text().split("\n")[int(line.removeprefix("+")) - 1]
    assert text.startswith("int pk_transform_job(struct pk_migration *migration, const struct old_job *old")
    assert text.endswith("{")


def test_without_an_update_the_way_to_one_is_told(tmp_path: Path) -> None:
    done = patchkit("plan", cwd=tmp_path)
    assert done.code == 2
    assert "there is no update below updates/" in done.err
    assert "patchkit new OLD NEW" in done.err


def test_an_update_is_found_and_read_from_elsewhere(project: Path) -> None:
    folder = begun(project)
    done = patchkit("plan", os.path.relpath(folder, project / "v1"), cwd=project / "v1")
    assert done.code == 1
    assert RANK in done.out
