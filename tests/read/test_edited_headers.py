"""A header that many units include was edited: telling most of them by one gives what reading all of them gives."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from patchkit.read.source import read_recording
from tests.read.test_edited import patched, read_in_full, text
from tests.support import write_tree
from tests.support.builds import record

NODE = "struct node {\n\tstruct node *next;\n\tchar name[LIMIT];\n\tint count;\n};\n"
CENTRAL = (
    '#ifndef CENTRAL_H\n#define CENTRAL_H\n#include <stddef.h>\n#include "base.h"\n'
    "/* what a node\n   holds */\n#define LIMIT 4\n" + NODE + "struct holder { struct node first; long after; };\n"
    "struct far { struct node *only; };\nenum kind { KIND_A, KIND_B = 5, KIND_C };\n"
    "typedef struct node node_t;\nextern struct node head;\nint length(struct node *n);\n"
    "#define BYTES (sizeof(struct node))\n#ifdef EXTRA\nextern int extra_only;\n#endif\n"
    "static inline int twice(int n) { return 2 * n; }\n#define LAST 1\n#endif\n"
)
BASE = "#ifndef BASE_H\n#define BASE_H\nstruct base { int low; };\n#define WIDE WIDTH\n#endif\n"
FILES = {
    "central.h": CENTRAL,
    "base.h": BASE,
    "a.c": '#include "central.h"\nstruct node head;\nint length(struct node *n) { return n->count + KIND_B; }\n',
    "b.c": '#include "central.h"\nchar room[sizeof(struct node)];\nint b(void) { return room[0] + twice(1); }\n',
    "c.c": '#include "base.h"\n#include "central.h"\nstruct holder one;\nint c(void) { return (int)one.after; }\n',
    "d.c": '#include "central.h"\n#define OWN (sizeof(struct holder) * 2)\nint d[OWN];\nstatic struct far away;\n'
    "int use(void) { return away.only != NULL; }\n",
    "e.c": '#include "central.h"\n#ifdef EXTRA\nint extra_only;\n#endif\n'
    "int offset = offsetof(struct node, count);\nint e(enum kind k) { return k == KIND_C; }\n",
    "f.c": '#include "central.h"\nint main(void) { return length(&head) + LIMIT; }\n',
    "Makefile": "OBJECTS = a.o b.o c.o d.o e.o f.o\nCFLAGS = -g\nprog: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS)\n"
    "e.o: CFLAGS += -DEXTRA\nb.o: CFLAGS += -DWIDTH=3 -O1\n",
}
MEMBER = "\tint count;\n"
TOLD = {
    "a member more": CENTRAL.replace(MEMBER, "\tint count;\n\tlong more;\n"),
    "a member less": CENTRAL.replace("\tstruct node *next;\n", ""),
    "a member of another type": CENTRAL.replace(MEMBER, "\tunsigned char count;\n"),
    "a member first": CENTRAL.replace("struct node {\n", "struct node {\n\tint low : 3;\n"),
    "a member in a record that embeds": CENTRAL.replace("long after;", "long after, behind;"),
    "a member in a record behind a pointer": CENTRAL.replace("struct node *only;", "struct node *only; double d;"),
    "a member of a type that nothing used": CENTRAL.replace(MEMBER, "\tint count;\n\tmax_align_t wide;\n"),
    "an embedded record more": CENTRAL.replace(MEMBER, "\tint count;\n\tstruct base base;\n"),
    "a bound by a macro of the header": CENTRAL.replace(MEMBER, "\tint count[LIMIT + 1];\n"),
    "an enumeration constant": CENTRAL.replace("KIND_B = 5,", "KIND_B = 5, KIND_NEW,"),
    "an enumeration constant less": CENTRAL.replace(", KIND_C }", " }"),
    "another value of a constant": CENTRAL.replace("KIND_B = 5", "KIND_B = 9"),
    "a prototype": CENTRAL.replace("int length(struct node *n);", "long length(const struct node *n);"),
    "a prototype more": CENTRAL.replace("int length(", "void more(struct far *, struct holder);\nint length("),
    "an inline function": CENTRAL.replace("2 * n", "n << 1"),
    "an inline function more": CENTRAL.replace(
        "static inline", "static inline int d3(void) { return 3; }\nstatic inline"
    ),
    "a type more": CENTRAL.replace(
        "typedef struct node node_t;", "typedef struct node node_t; struct more { node_t n; };"
    ),
    "a packed record": CENTRAL.replace("int count;\n};", "int count;\n} __attribute__((packed));"),
    "a comment": CENTRAL.replace("holds */", "holds,\n   and more */"),
    "lines": CENTRAL.replace("struct holder", "\n\n\n\n\n\n\n\n\n\n\n\nstruct holder"),
    "a record less": CENTRAL.replace("struct far { struct node *only; };\n", "struct far;\n"),
    "a variable": CENTRAL.replace("extern struct node head;", "extern struct node head, *tail;"),
    "a static variable": CENTRAL.replace(
        "extern struct node head;", "extern struct node head; static int each = LIMIT;"
    ),
    "a line that is continued": CENTRAL.replace("int count;", "int \\\ncount; int \\\n more;"),
}
# Whatever of these can be told by one unit: it has to be what reading all gives.
EITHER = {
    "what one unit reads": CENTRAL.replace("extern int extra_only;", "extern int extra_only, extra_more;"),
    "a macro": CENTRAL.replace("LIMIT 4", "LIMIT 5"),
    "a macro more": CENTRAL.replace("#define LIMIT 4", "#define LIMIT 4\n#define MORE 1"),
    "a macro of one unit": CENTRAL.replace(MEMBER, "\tint count;\n#ifdef WIDTH\n\tint wide;\n#endif\n"),
    "an include": CENTRAL.replace("#include <stddef.h>", "#include <stddef.h>\n#include <time.h>"),
    "a packing": CENTRAL.replace("struct holder", "#pragma pack(1)\nstruct holder", 1),
    "a guard less": CENTRAL.replace("#ifndef CENTRAL_H\n", "#if 1\n"),
    "half a declaration": CENTRAL.replace("#define LAST 1\n", "struct half {\n#define LAST 1\nint i; };\n"),
    "a brace less": CENTRAL.replace("long after; };", "long after;"),
    "an error": CENTRAL + "#error no\n",
}
# Here one unit says nothing of the others.
REFUSED = {
    "a name that another unit defines": CENTRAL.replace(MEMBER, "\tint count;\n\tint WIDTH;\n"),
    "a name that leads to one that another unit defines": CENTRAL.replace(MEMBER, "\tint count;\n\tint WIDE;\n"),
    "what depends on its includer": CENTRAL.replace(MEMBER, "\tint count;\n\tchar file[sizeof(__BASE_FILE__)];\n"),
    "a counter": CENTRAL.replace("extern struct node head;", "extern struct node head; enum { N = __COUNTER__ };"),
    "a pragma in the text": CENTRAL.replace("extern struct node head;", '_Pragma("pack(1)") extern struct node head;'),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of six units that include one header, built, recorded and read."""
    root = write_tree(tmp_path_factory.mktemp("built"), FILES)
    stamp(root)
    read_recording(record(root, "make"), label="test")
    return root


@pytest.fixture
def tree(built: Path) -> Path:
    """The same tree, with every file as it was recorded, and nothing kept of earlier edits."""
    restore(built)
    return built


def stamp(root: Path) -> None:
    # What was recorded in the same tick of the clock as it was written is not trusted.
    for name in FILES:
        os.utime(root / name, (1_700_000_000, 1_700_000_000))


def restore(root: Path) -> None:
    for name, content in FILES.items():
        (root / name).write_text(content)
    stamp(root)
    for kept in (root / ".patchkit/models").glob("*.edit*"):
        kept.unlink()


@pytest.mark.parametrize("edit", TOLD.values(), ids=list(TOLD))
def test_an_edit_of_a_header_is_told_by_one_of_its_units(tree: Path, edit: str) -> None:
    assert edit != CENTRAL
    first = patched(tree, {"central.h": edit})
    assert first is not None
    assert text(first) == text(read_in_full(tree))
    again = patched(tree, {})
    assert again is not None
    assert text(again) == text(first)


@pytest.mark.parametrize("edit", EITHER.values(), ids=list(EITHER))
def test_what_cannot_be_told_is_left_to_reading_in_full(tree: Path, edit: str) -> None:
    assert edit != CENTRAL
    found = patched(tree, {"central.h": edit})
    assert found is None or text(found) == text(read_in_full(tree))


@pytest.mark.parametrize("edit", REFUSED.values(), ids=list(REFUSED))
def test_what_another_unit_may_read_otherwise_is_not_told(tree: Path, edit: str) -> None:
    assert edit != CENTRAL
    assert patched(tree, {"central.h": edit}) is None


def test_two_headers_are_told_together(tree: Path) -> None:
    found = patched(tree, {"central.h": TOLD["a member more"], "base.h": BASE.replace("int low;", "int low, high;")})
    assert found is not None
    assert text(found) == text(read_in_full(tree))


def test_a_header_is_told_while_a_source_that_includes_it_has_other_text(tree: Path) -> None:
    source = FILES["b.c"].replace("int b(void)", "static int more;\nint b(void)")
    found = patched(tree, {"central.h": TOLD["a member more"], "b.c": source})
    assert found is not None
    assert text(found) == text(read_in_full(tree))


def test_a_header_that_another_file_is_a_copy_of_is_not_told(tree: Path) -> None:
    # With `#pragma once` a compiler may take one for the other.
    assert patched(tree, {"central.h": BASE}) is None


@pytest.mark.parametrize("damage", [b"", b"{}", None])
def test_a_damaged_model_of_an_edit_is_made_again(tree: Path, damage: bytes | None) -> None:
    first = patched(tree, {"central.h": TOLD["a member more"]})
    (kept,) = (tree / ".patchkit/models").glob("*.edited")
    data = kept.read_bytes()
    kept.write_bytes(data[: len(data) // 2] if damage is None else damage)
    again = patched(tree, {})
    assert first is not None
    assert again is not None
    assert text(again) == text(first)
    assert kept.read_bytes() == data


def test_a_header_that_was_not_kept_is_read_in_full(tree: Path) -> None:
    headers = tree / ".patchkit/headers"
    saved = headers.rename(headers.with_name("saved"))
    try:
        assert patched(tree, {"central.h": TOLD["a member more"]}) is None
    finally:
        saved.rename(headers)


MEMBERS = ("int i;", "char *s;", "struct far *f;", "struct base b;", "enum kind k;", "double d[LIMIT];")
BETWEEN = (
    "extern int one, two;",
    "enum { MORE_A, MORE_B };",
    "typedef long long_t;",
    "int proto(struct node *);",
    "\n\n",
)
EDITS = st.tuples(
    st.lists(st.sampled_from([*MEMBERS, "int x : 3;", "WIDE w;"]), max_size=3, unique=True),
    st.lists(st.sampled_from(BETWEEN), max_size=3, unique=True),
    st.sampled_from(("next", "name", "count", "")),
    st.integers(0, 12),
)


@settings(max_examples=25, deadline=None)
@given(edit=EDITS)
def test_random_edits_of_a_header_are_told_as_they_are_read(
    built: Path, edit: tuple[list[str], list[str], str, int]
) -> None:
    members, between, dropped, above = edit
    restore(built)
    lines = [line for line in NODE.splitlines() if not dropped or f" {dropped}" not in line.replace("*", " ")]
    node = "\n".join([*lines[:-1], *members, lines[-1], *between]) + "\n"
    found = patched(built, {"central.h": "\n" * above + CENTRAL.replace(NODE, node)})
    assert found is None or text(found) == text(read_in_full(built))
    if "WIDE w;" not in members:
        assert found is not None
