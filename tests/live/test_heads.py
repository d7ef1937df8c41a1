"""Intrusive lists whose head is a member of an object on the heap: the last link leads back to it."""

from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import apply, authored_bundle, record_program, running

OLD = """
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
struct link { struct link *prev, *next; };
struct hub { char name[24]; struct link jobs; int count; };
struct job { int number; struct link link; };
#define JOB_OF(pointer) ((struct job *)(void *)((char *)(pointer) - offsetof(struct job, link)))
static struct job *latest;
static struct hub *hub;
struct hub *hub_new(void);
struct hub *hub_new(void)
{
    struct hub *hub = calloc(1, sizeof *hub);
    hub->jobs.prev = hub->jobs.next = &hub->jobs;
    return hub;
}
void job_free(struct job *job);
void job_free(struct job *job) { free(job); }
void job_add(int number);
void job_add(int number)
{
    struct job *job = calloc(1, sizeof *job);
    job->number = number;
    job->link.prev = hub->jobs.prev;
    job->link.next = &hub->jobs;
    hub->jobs.prev->next = &job->link;
    hub->jobs.prev = &job->link;
    hub->count++;
    latest = job;
}
__attribute__((noinline)) void tell(void);
void tell(void)
{
    long sum = 0, back = 0;
    for (struct link *at = hub->jobs.next; at != &hub->jobs; at = at->next)
        sum = 10 * sum + JOB_OF(at)->number;
    for (struct link *at = hub->jobs.prev; at != &hub->jobs; at = at->prev)
        back = 10 * back + JOB_OF(at)->number;
    printf("VERSION %ld %ld %d %d\\n", sum, back, hub->count, latest->number);
    fflush(stdout);
}
int main(void)
{
    hub = hub_new();
    puts("ready");
    fflush(stdout);
    for (int letter; (letter = getchar()) != EOF;)
        if (letter >= '1' && letter <= '9') {
            job_add(letter - '0');
            tell();
        }
    return 0;
}
"""
NEW = OLD.replace("struct job { int number;", "struct job { long more[3]; int number;")


@pytest.mark.parametrize("allocator", ["malloc free", "malloc free malloc_usable_size"])
def test_the_list_is_converted_and_its_head_stays(
    allocator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATCHKIT_CACHE", str(tmp_path / "cache"))
    for name, text in (("old", OLD), ("new", NEW)):
        record_program(tmp_path / name, {"main.c": text.replace("VERSION", name)})
    answers = {
        "element struct hub.jobs": "struct job.link",
        "allocator struct job": allocator,
        "initial struct job.more": "0",
    }
    bundle = authored_bundle(tmp_path, "new", answers)
    with running(tmp_path / "old/server", tmp_path / "cache") as server:
        server.wait_for("ready")
        server.send("123\n")
        server.wait_for("old 123 321 3 3")
        done = apply(server.pid, bundle)
        assert done.code == 0, done.err
        server.send("4\n")
        server.wait_for("new 1234 4321 4 4")
        done = patchkit("revert", str(server.pid), cwd=tmp_path)
        assert done.code == 0, done.err
        server.send("5\n")
        server.wait_for("old 12345 54321 5 5")
