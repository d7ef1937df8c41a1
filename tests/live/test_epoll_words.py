"""Pointers that the kernel keeps in epoll instances: what they lead to cannot move, and may grow in place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patchkit
from tests.support.small import apply, record_program, running

OLD = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
struct conn { struct conn *next; int fd; char name[20]; };
static struct conn *conns;
static int lines;
struct conn *conn_new(int fd);
struct conn *conn_new(int fd)
{
    struct conn *conn = calloc(1, sizeof *conn);
    conn->fd = fd;
    conn->next = conns;
    conns = conn;
    return conn;
}
void conn_free(struct conn *conn);
void conn_free(struct conn *conn) { free(conn); }
__attribute__((noinline)) void conn_ready(struct conn *conn);
void conn_ready(struct conn *conn)
{
    char line[100];
    if (read(conn->fd, line, sizeof line) <= 0)
        exit(0);
    printf("VERSION %d %d\\n", ++lines, conn == conns);
    fflush(stdout);
}
__attribute__((noinline)) int epoll_make(void);
int epoll_make(void)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn_new(0)};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    return epoll;
}
int main(void)
{
    struct epoll_event event;
    int epoll = epoll_make();
    puts("ready");
    fflush(stdout);
    while (epoll_wait(epoll, &event, 1, -1) >= 0)
        conn_ready(event.data.ptr);
    return 0;
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The old version, recorded, and bundles to one whose connections fit their blocks and to one whose do not."""
    folder = tmp_path_factory.mktemp("epoll")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        record_program(folder / "old", {"main.c": OLD.replace("VERSION", "old")})
        for name, members in (("fits", "int count;"), ("moves", "long count[8];")):
            new = OLD.replace("VERSION", name).replace("char name[20]; }", f"char name[20]; {members} }}")
            record_program(folder / name, {"main.c": new})
            patchkit("new", "old", name, "-o", f"to-{name}", cwd=folder)
            patchkit("decide", "--proposed", "--reason", "test", "-u", f"to-{name}", cwd=folder)
            done = patchkit("bundle", "old", name, "--update", f"to-{name}", "-o", f"{name}.pkb", cwd=folder)
            assert done.code == 0, done.out + done.err
        yield folder


def test_an_object_that_an_epoll_instance_leads_to_is_not_moved(folder: Path) -> None:
    with running(folder / "old/server", folder / "cache") as server:
        server.wait_for("ready")
        server.send("a\n")
        server.wait_for("old 1 1")
        done = apply(server.pid, folder / "moves.pkb")
        assert done.code == 1
        assert "PKL123" in done.err
        assert "an epoll instance, descriptor" in done.err
        assert "inside of struct conn, which moves" in done.err
        server.send("a\n")
        server.wait_for("old 2 1")


def test_one_that_fits_its_block_grows_there(folder: Path) -> None:
    with running(folder / "old/server", folder / "cache") as server:
        server.wait_for("ready")
        done = apply(server.pid, folder / "fits.pkb")
        assert done.code == 0, done.err
        server.send("a\n")
        server.wait_for("fits 1 1")
