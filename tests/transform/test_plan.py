"""Plans: what is asked, what the code of both versions answers, and what becomes of answers when sources change."""

from pathlib import Path

import pytest

from patchkit.model.decision import Author, Decision, Decisions, State, Topic
from patchkit.transform.plan import findings
from tests.support import needs
from tests.support.planning import item_of, plan_texts

pytestmark = needs("gcc")

HEAP = """
#include <stdlib.h>
#define NAME "x"
struct job { struct job *next; int size; MEMBER };
struct job *jobs;
void add(int size) { struct job *job = ALLOCATE; job->next = jobs; job->size = size; INIT jobs = job; }
void drop(void) { struct job *job = jobs; jobs = job->next; USE free(job); }
int main(void) { add(1); drop(); return 0; }
"""


def heap(member: str, *, init: str = "", use: str = "", allocate: str = "calloc(1, sizeof *job)") -> str:
    text = HEAP.replace("MEMBER", member).replace("INIT", init)
    return text.replace("USE", use).replace("ALLOCATE", allocate)


@pytest.mark.parametrize(
    ("member", "init", "use", "value"),
    [
        ("int tries;", "", "", "0"),
        ("int tries;", "job->tries = 3;", "", "3"),
        ("char *note;", "", "if (job->note) free(job->note);", "NULL"),
    ],
)
def test_the_value_that_every_constructor_gives_is_taken(
    tmp_path: Path, member: str, init: str, use: str, value: str
) -> None:
    name = member.rsplit(maxsplit=1)[-1].strip("*;")
    item = item_of(plan_texts(tmp_path, heap(""), heap(member, init=init, use=use)).plan, f"initial struct job.{name}")
    assert item.state is State.DECIDED
    assert item.decision is not None
    assert (item.decision.value, item.decision.author) == (value, Author.PATCHKIT)
    assert "add" in item.decision.reason


@pytest.mark.parametrize(
    ("member", "init", "use"),
    [
        ("int rank;", "job->rank = size > 9;", ""),  # computed
        ("struct job *parent;", "", "job->parent->size++;"),  # followed without a check
        ("int refcount;", "", ""),  # live objects have more holders than fresh ones
        ("int tries;", "if (size) job->tries = 1; else job->tries = 2;", ""),
        ("int tries;", "if (size) job->tries = 1;", ""),  # not on all paths
        ("int tries;", "while (size--) { job->tries = 1; }", ""),
        ("char name[8];", "__builtin_strcpy(job->name, NAME);", ""),
    ],
)
def test_a_value_that_is_not_certain_is_asked(tmp_path: Path, member: str, init: str, use: str) -> None:
    name = member.rsplit(maxsplit=1)[-1].strip("*;").split("[")[0]
    plan = plan_texts(tmp_path, heap(""), heap(member, init=init, use=use)).plan
    assert item_of(plan, f"initial struct job.{name}").state is State.ASKED


def test_memory_that_nothing_clears_is_asked_about(tmp_path: Path) -> None:
    new = heap("int tries;", allocate="malloc(sizeof *job)")
    assert item_of(plan_texts(tmp_path, heap(""), new).plan, "initial struct job.tries").state is State.ASKED


def test_an_answer_counts_until_what_it_was_given_for_changes(tmp_path: Path) -> None:
    old, new = heap(""), heap("int rank;", init="job->rank = size > 9;")
    key = "initial struct job.rank"
    item = item_of(plan_texts(tmp_path, old, new).plan, key)
    answer = Decision(Topic.INITIAL, "struct job.rank", "1", "as it was", basis=item.basis)
    given = Decisions({(answer.topic, answer.subject): answer})
    assert item_of(plan_texts(tmp_path, old, new, given).plan, key).state is State.DECIDED
    changed = plan_texts(tmp_path, old, new.replace("int rank;", "int rank; int cost;"), given).plan
    assert item_of(changed, key).state is State.STALE
    assert ("PKX602", item_of(changed, key)) in list(findings(changed))


def test_an_answer_to_what_nothing_asks_is_stale(tmp_path: Path) -> None:
    answer = Decision(Topic.MEMBER, "struct job.gone", "-", "it went")
    plan = plan_texts(tmp_path, heap(""), heap("int tries;"), Decisions({(answer.topic, answer.subject): answer})).plan
    assert item_of(plan, "member struct job.gone").state is State.STALE


def test_an_integer_that_code_gives_constants_to_is_renumbered_with_them(tmp_path: Path) -> None:
    text = """
enum kind { WORD, NUMBER };
struct value { unsigned kind : 4; int data; };
struct value values[8];
int is_number(int at) { return values[at].kind == NUMBER; }
int main(void) { return is_number(1); }
"""
    plan = plan_texts(tmp_path, text, text.replace("{ WORD, NUMBER }", "{ WORD, LIST, NUMBER }")).plan
    item = item_of(plan, "carries struct value.kind")
    assert item.state is State.DECIDED
    assert item.decision is not None
    assert item.decision.value == "enum kind"
    assert "struct value.kind holds constants of enum kind" in item.question


def test_another_value_can_be_said_for_a_member_that_goes_on(tmp_path: Path) -> None:
    old = "struct job { unsigned age; int size; }; struct job jobs[4]; int started; int main(void) { return started; }"
    key, value = (Topic.INITIAL, "struct job.age"), "pk_new__started + old->age * 60"
    given = Decisions({key: Decision(*key, value, "minutes become seconds")})
    planned = plan_texts(tmp_path, old, old.replace("int started;", "int started, ended;"), given)
    assert item_of(planned.plan, "initial struct job.age").state is State.DECIDED
    assert "pk_new__started__typed + old->age * 60" in planned.written.text


def test_a_variable_that_code_gives_constants_to_is_renumbered_with_them(tmp_path: Path) -> None:
    text = """
enum { WORD, NUMBER };
static int kind = NUMBER;
static int kinds(int kind) { return kind == WORD; }
int main(int count, char **words) { if (count > 1) kind = WORD; return kinds(words[0][0]) + kind; }
"""
    planned = plan_texts(tmp_path, text, text.replace("{ WORD, NUMBER }", "{ NONE, WORD, NUMBER }"))
    item = item_of(planned.plan, "carries program.c:kind")
    assert item.state is State.DECIDED
    assert "kinds" not in " ".join(item.evidence)  # that one's is its own
    assert "case 0: new[number] = 1; break; /* WORD */" in planned.written.text


TABLE = """
#include <stdlib.h>
struct item { struct item *next; int size; };
static struct item **table;
void grow(int count) { table = calloc(count, sizeof *table); }
void add(int at)
{
    struct item *item = malloc(sizeof *item);
    item->size = at; item->next = table[at]; table[at] = item;
}
int main(void) { grow(8); add(1); return table[1]->size; }
"""


def test_every_question_names_what_it_is_about(tmp_path: Path) -> None:
    plan = plan_texts(tmp_path, TABLE, TABLE.replace("int size;", "long size;")).plan
    assert [item.key for item in plan.items if not item.subject] == []
    assert "length program.c:table" in [item.key for item in plan.items]
