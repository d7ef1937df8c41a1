"""Two versions of a small program, in every form in which a version can be named."""

from pathlib import Path

import pytest

from tests.support import patchkit, run, write_tree

MAKEFILE = """\
CFLAGS = -g -O1
all: server tool
server: server.o list.o
	$(CC) -o $@ $^
tool: tool.o
	$(CC) -o $@ $^
server.o list.o: list.h
clean:
	rm -f *.o server tool
"""
LIST = """\
struct node { struct node *next; int value; };
extern struct node *head;
void push(int value);
"""
OLD = {
    "Makefile": MAKEFILE,
    "list.h": LIST,
    "list.c": '#include <stdlib.h>\n#include "list.h"\nstruct node *head;\n'
    "void push(int value) { struct node *n = malloc(sizeof *n); n->next = head; n->value = value; head = n; }\n",
    "server.c": '#include "list.h"\nstatic int served;\nint main(void) { push(1); return served++; }\n',
    "tool.c": "struct option { char letter; };\nstruct option option;\nint main(void) { return option.letter; }\n",
}
NEW = {
    **OLD,
    "list.h": LIST.replace("int value; }", "int value; int weight; }"),
    "tool.c": OLD["tool.c"].replace("char letter; }", "char letter; char *text; }"),
}
BODY_ONLY = {**OLD, "list.c": OLD["list.c"].replace("n->value = value;", "n->value = value + 1;")}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with versions built and recorded: `old`, `new` (structs grew) and `body` (only a body changed)."""
    folder = tmp_path_factory.mktemp("versions")
    for name, files in (("old", OLD), ("new", NEW), ("body", BODY_ONLY)):
        write_tree(folder / name, files)
        done = patchkit("record", "--", "make", cwd=folder / name)
        assert done.code == 0, done.err
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Give a git repository with the old version tagged v1 and the new one tagged v2, checked out and not built."""
    root = tmp_path / "repository"
    settings = {
        "patchkit.toml": '[project]\nprograms = ["server"]\nbuild = "make"\n',
        ".gitignore": "*.o\n.patchkit/\n",
    }
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for tag, files in (("v1", OLD), ("v2", NEW)):
        write_tree(root, {**files, **settings})
        if tag == "v1":
            assert run("git", "init", "-q", cwd=root).code == 0
        assert run("git", "add", ".", cwd=root).code == 0
        assert run(*git, "commit", "-qm", tag, cwd=root).code == 0
        assert run("git", "tag", tag, cwd=root).code == 0
    return root
