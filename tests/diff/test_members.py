"""Members of structs that live: what is added, gone, moved, converted, and what of it is only proposed."""

import pytest

from patchkit.model.change import Grade, Requires, Storage, Verdict
from tests.support.diffs import compare, said, the
from tests.support.programs import Thing, enum, function, macro, struct, typedef, union, variable

LIVE = variable("struct client *clients")


def changed(old: str, new: str, *around: Thing) -> list[str]:
    """Compare a live `struct client` whose members are separated by semicolons."""
    sides = [[*around, struct("client", *text.split("; ")), LIVE] for text in (old, new)]
    return said(the(compare(*sides), "struct client"))


def test_an_added_member_asks_for_its_value_and_says_what_moves() -> None:
    old = [struct("client", "int fd", "struct client *next"), variable("struct client *clients")]
    new = [struct("client", "int fd", "long flags", "struct client *next"), variable("struct client *clients")]
    comparison = compare(old, new)
    (change,) = comparison.changes
    assert (change.kind, change.rule, change.verdict) == ("T01", "PKT101", Verdict.CONFIRM)
    assert change.id == "PKT101:type:struct client"
    assert change.requires is Requires.TRANSFORMER
    assert change.question == "Which value has struct client.flags in objects that exist?"
    assert change.text == "every live struct client must move: it grows from 16 to 24 bytes"
    assert (change.old_size, change.new_size) == (16, 24)
    (edit,) = change.edits
    assert edit.new is not None
    assert (edit.old, edit.new.offset, edit.now) == (None, 64, "long int flags")
    assert [(reach.variable, reach.path, reach.storage) for reach in change.reach] == [
        ("clients", "clients", Storage.HEAP)
    ]
    layout = comparison.layouts["struct client"]
    assert [(member.name, member.offset, member.kind) for member in layout.new] == [
        ("fd", 0, ""),
        ("flags", 64, "T01"),
        ("next", 128, ""),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("int fd; int hits", "int fd", ["T02 auto hits"]),
        ("int fd; char *name", "int fd", ["T02 confirm name"]),
        ("int id; int log_fd", "int id", ["T02 confirm log_fd"]),
        ("int id; char pad[4]; long x", "int id; long x", ["T02 auto pad"]),
        ("int a; int b; int c", "int c; int a; int b", ["T03 auto c"]),
        ("int a; short b", "long a; short b", ["T05 auto a"]),
        ("float a", "double a", ["T05 auto a"]),
        ("long a", "int a", ["T06 auto+check a"]),
        ("int a", "unsigned a", ["T06 auto+check a"]),
        ("unsigned a", "long a", ["T06 auto a"]),
        ("int a", "bool a", ["T06 auto+check a"]),
        ("int a", "double a", ["T06 auto a"]),
        ("long a", "double a", ["T06 auto+check a"]),
        ("double a", "int a", ["T06 auto+check a"]),
        ("char *a", "struct client *a", ["T08 code a"]),
        ("void *a", "struct client *a", ["T08 confirm a"]),
        ("char *a", "unsigned char *a", ["T08 confirm a"]),
        ("struct client *a", "void *a", ["T24 confirm a"]),
        ("unsigned long a", "struct client *a", ["T24 confirm a"]),
        ("char *a", "const char *a", ["T25 auto a"]),
        ("int a", "_Atomic int a", ["T25 auto+check a"]),
        ("int a", "volatile int a", ["T25 auto a"]),
        ("char name[8]", "char name[16]", ["T10 auto name"]),
        ("char *names[2]", "char *names[4]", ["T10 confirm names"]),
        ("char name[16]", "char name[8]", ["T11 auto+check name"]),
        ("int seen[16]", "int seen[8]", ["T11 confirm seen"]),
        ("int seen[4]", "int *seen", ["T12 code seen"]),
        ("int seen", "int seen[4]", ["T12 code seen"]),
        ("int n; char text[4]", "int n; char text[]", ["T12 code text"]),
        ("unsigned a : 3; unsigned b : 2", "unsigned a : 5; unsigned b : 2", ["T18 auto a"]),
        ("unsigned a : 5", "unsigned a : 3", ["T18 auto+check a"]),
        ("int a", "int a : 7", ["T18 auto+check a"]),
        ("unsigned a : 2; unsigned b : 1", "unsigned b : 1; unsigned a : 2", ["T18 auto a"]),
    ],
)
def test_kind_and_verdict_of_a_member(old: str, new: str, expected: list[str]) -> None:
    assert changed(old, new) == expected


def test_a_flexible_end_needs_a_length_to_move() -> None:
    assert changed("int n; char text[]", "int n; int m; char text[]") == ["T01 confirm m", "T12 confirm text"]
    old, new = [struct("client", "int n", f"char text[{bound}]") for bound in ("0", "")]
    assert compare([old, LIVE], [new, LIVE]).changes == ()


def test_boxing_asks_and_unboxing_is_for_a_programmer() -> None:
    inner = struct("address", "int house")
    assert changed("struct address home", "struct address *home", inner) == ["T09 confirm home"]
    assert changed("struct address *home", "struct address home", inner) == ["T09 code home"]


def test_int_and_enum_are_exchanged_with_a_test_on_live_data() -> None:
    assert changed("int state", "enum state state", enum("state", "IDLE", "BUSY")) == ["T06 auto+check state"]


def test_a_rename_is_proposed_with_the_functions_that_follow_it() -> None:
    old = [struct("peer", "int id", "int port"), variable("struct peer *peers")]
    new = [struct("peer", "int id", "int tcp_port"), variable("struct peer *peers")]
    users = [function("void a(void)", body=b, reaches=[m]) for b, m in (("old", "port"), ("new", "tcp_port"))]
    more = [function("void b(void)", body=b, reaches=[m]) for b, m in (("old", "port"), ("new", "tcp_port"))]
    change = the(compare([*old, users[0], more[0]], [*new, users[1], more[1]]), "struct peer")
    (edit,) = change.edits
    assert (edit.kind, edit.verdict, edit.grade) == ("T04", Verdict.CONFIRM, Grade.STRONG)
    assert edit.old is not None
    assert edit.new is not None
    assert (edit.old.name, edit.new.name) == ("port", "tcp_port")
    assert change.question == "Is struct peer.tcp_port the same as port was, under a new name?"
    assert change.evidence == ("a, b used port and use tcp_port now",)


def test_a_look_alike_rename_is_refused_where_two_members_fit() -> None:
    old = [struct("node", "char ip[46]", "int port", "int cport"), variable("struct node *nodes")]
    new = [struct("node", "char ip[46]", "int tcp_port", "int tls_port", "int cport"), variable("struct node *nodes")]
    change = the(compare(old, new), "struct node")
    assert said(change) == ["T02 confirm port", "T01 confirm tcp_port", "T01 confirm tls_port"]
    assert "port is not matched with tcp_port, tls_port: more than one explanation fits" in change.evidence


def test_a_member_of_another_type_is_no_rename() -> None:
    assert changed("int id; int port", "int id; char *port_name") == ["T02 auto port", "T01 confirm port_name"]


def test_members_grouped_into_a_struct_keep_their_values() -> None:
    place = struct("place", "int x", "int y")
    old = [struct("ship", "int x", "int y", "char *name"), variable("struct ship *ships")]
    new = [place, struct("ship", "struct place at", "char *name"), variable("struct ship *ships")]
    assert said(the(compare(old, new), "struct ship")) == ["T13 auto x", "T13 auto y"]
    assert said(the(compare(new, old), "struct ship")) == ["T13 auto x", "T13 auto y"]


def test_what_comes_with_a_group_is_asked_for() -> None:
    new = struct("place", "int x", "int y", "int z")
    old = [struct("ship", "int x", "int y"), variable("struct ship *ships")]
    change = the(compare(old, [new, struct("ship", "struct place at"), variable("struct ship *ships")]), "struct ship")
    assert said(change) == ["T13 auto x", "T13 auto y", "T01 confirm at.z"]


def test_an_anonymous_group_is_no_change_but_of_layout() -> None:
    inner = struct("ship.#0", "int x", "int y", parent="struct ship")
    old = [struct("ship", "int x", "int y", "long mass"), variable("struct ship *ships")]
    new = [inner, struct("ship", "struct ship.#0", "long mass"), variable("struct ship *ships")]
    assert compare(old, new).changes == ()


def test_a_member_that_moved_to_a_related_struct_is_proposed_on_both_sides() -> None:
    old = [
        struct("buyer", "int id"),
        struct("order", "struct buyer *by", "int discount"),
        variable("struct order *orders"),
    ]
    new = [
        struct("buyer", "int id", "int discount"),
        struct("order", "struct buyer *by"),
        variable("struct order *orders"),
    ]
    comparison = compare(old, new)
    assert said(the(comparison, "struct order")) == ["T14 confirm discount"]
    assert said(the(comparison, "struct buyer")) == ["T14 confirm discount"]
    assert the(comparison, "struct order").question == the(comparison, "struct buyer").question


def test_a_struct_that_is_split_needs_a_programmer() -> None:
    old = [struct("conn", "int fd", "int rate", "int burst", "int quota"), variable("struct conn *conns")]
    new = [
        struct("limits", "int rate", "int burst", "int quota"),
        struct("conn", "int fd", "struct limits *limits"),
        variable("struct conn *conns"),
    ]
    change = the(compare(old, new), "struct conn")
    assert {edit for edit in said(change) if edit.startswith("T15")} == {
        "T15 code rate",
        "T15 code burst",
        "T15 code quota",
    }


def test_a_list_that_became_a_table_needs_a_programmer() -> None:
    word = struct("word", "int n", "struct word *next")
    old = [word, struct("registry", "struct word *first"), variable("struct registry registry")]
    new = [word, struct("registry", "struct word *buckets[64]"), variable("struct registry registry")]
    assert said(the(compare(old, new), "struct registry")) == ["T15 code first"]


def test_a_list_that_became_a_dictionary_needs_a_programmer() -> None:
    kinds = [struct("list", "int n"), struct("dict", "long size")]
    assert changed("struct list *all", "struct dict *all", *kinds) == ["T08 code all"]


def test_changes_inside_a_part_without_a_name_are_told_of_the_whole() -> None:
    old = [
        struct("server.stats", "long hits", parent="struct server"),
        struct("server", "int fd", "struct server.stats stats"),
    ]
    new = [
        struct("server.stats", "long hits", "long misses", parent="struct server"),
        struct("server", "int fd", "struct server.stats stats"),
    ]
    comparison = compare([*old, variable("struct server server")], [*new, variable("struct server server")])
    assert said(the(comparison, "struct server")) == ["T01 confirm stats.misses"]
    names = [(member.name, member.offset) for member in comparison.layouts["struct server"].new]
    assert names == [("fd", 0), ("stats.hits", 64), ("stats.misses", 128)]


def test_a_struct_that_only_embeds_a_changed_one_says_so_and_repeats_its_question() -> None:
    old = [
        struct("stats", "long hits"),
        struct("server", "struct stats stats", "int fd"),
        variable("struct server server"),
    ]
    new = [
        struct("stats", "long hits", "long misses"),
        struct("server", "struct stats stats", "int fd"),
        variable("struct server server"),
    ]
    comparison = compare(old, new)
    outer, inner = the(comparison, "struct server"), the(comparison, "struct stats")
    assert outer.kind == "embeds"
    assert [edit.text for edit in outer.edits] == ["embeds struct stats, which changed (8 → 16 bytes)"]
    assert (outer.verdict, outer.question) == (inner.verdict, inner.question)


def test_a_struct_whose_embedded_one_changed_in_place_is_not_reported() -> None:
    old = [struct("stats", "int hits"), struct("server", "struct stats stats"), variable("struct server server")]
    new = [struct("stats", "float hits"), struct("server", "struct stats stats"), variable("struct server server")]
    assert [change.name for change in compare(old, new).changes] == ["struct stats"]


def test_packing_is_told_by_the_members_that_move() -> None:
    old = [struct("frame", "char kind", "int length"), variable("struct frame *frames")]
    new = [struct("frame", "char kind", "int length", attributes=("packed",)), variable("struct frame *frames")]
    change = the(compare(old, new), "struct frame")
    assert said(change) == ["T03 auto length"]
    assert change.evidence == ("its attributes changed: none → packed",)


@pytest.mark.parametrize(
    ("new", "expected"), [("int n; float f; char c", "T16 auto as.c"), ("int n; float f; char *c", "T17 confirm as.c")]
)
def test_a_member_added_to_a_union(new: str, expected: str) -> None:
    old = [union("value.as", "int n", "float f", "long spare", parent="struct value")]
    after = [union("value.as", *new.split("; "), "long spare", parent="struct value")]
    whole = struct("value", "int type", "union value.as as")
    live = variable("struct value *values")
    assert said(the(compare([*old, whole, live], [*after, whole, live]), "struct value")) == [expected]


def test_a_union_that_nothing_tells_about_blocks() -> None:
    old = [union("value", "int n", "float f"), struct("cell", "union value v"), variable("struct cell *cells")]
    new = [union("value", "int n", "char *text"), struct("cell", "union value v"), variable("struct cell *cells")]
    comparison = compare(old, new)
    change = the(comparison, "union value")
    assert (change.kind, change.verdict) == ("T17", Verdict.BLOCKED)
    assert the(comparison, "struct cell").verdict is Verdict.BLOCKED


def test_a_lock_inside_asks_whether_it_rests_and_a_jump_buffer_blocks() -> None:
    lock = [typedef("pthread_mutex_t", "long", file="/usr/include/bits/pthreadtypes.h")]
    jump = [typedef("jmp_buf", "long", file="/usr/include/setjmp.h")]
    assert changed("pthread_mutex_t lock", "pthread_mutex_t lock; int n", *lock) == [
        "T01 confirm n",
        "T27 confirm lock",
    ]
    assert changed("jmp_buf out", "jmp_buf out; int n", *jump) == ["T01 confirm n", "T27 blocked out"]


def test_a_list_node_inside_asks_for_container_of() -> None:
    link = struct("link", "struct link *next", "struct link *prev")
    live = [link, variable("struct link head")]
    old = [*live, struct("request", "int id", "struct link link")]
    new = [*live, struct("request", "int id", "int n", "struct link link", "int m")]
    change = the(compare(old, new), "struct request")
    assert said(change) == ["T01 confirm n", "T01 confirm m", "T26 confirm link"]
    assert change.reach[0].path == "container_of(head, struct request, link)"


def test_a_struct_that_may_leave_the_process_asks() -> None:
    writer = function("void save(void)", mentions=["struct score", "fwrite"])
    live = variable("struct score scores[4]")
    old, new = [struct("score", "int points"), live, writer], [struct("score", "long points"), live, writer]
    assert said(the(compare(old, new), "struct score")) == ["T05 auto points", "T29 confirm"]


def test_a_system_type_of_another_width_is_checked_on_live_data() -> None:
    header = "/usr/include/time.h"
    old = [typedef("time_t", "int", file=header), struct("event", "time_t at"), variable("struct event *events")]
    new = [typedef("time_t", "long", file=header), struct("event", "time_t at"), variable("struct event *events")]
    assert said(the(compare(old, new), "struct event")) == ["T07 auto+check at"]


def test_a_function_pointer_follows_its_functions() -> None:
    def side(pointed: str, taken: str) -> list[Thing]:
        table = variable("struct step first", init="{ twice }", refers=["twice"])
        steps = [struct("step", f"int (*apply)({pointed})"), variable("struct step *steps")]
        maker = function("void add(void)", mentions=["steps", "calloc"], writes=["steps"])
        return [*steps, table, maker, function(f"int twice({taken})")]

    assert said(the(compare(side("int", "int"), side("long", "long")), "struct step")) == ["T23 auto apply"]
    assert said(the(compare(side("int", "int"), side("long", "int")), "struct step")) == ["T23 code apply"]


def test_a_macro_that_sizes_an_array_is_told_with_it() -> None:
    old = [struct("ring", "int values[8]"), variable("struct ring *ring"), macro("RING", 8)]
    new = [struct("ring", "int values[16]"), variable("struct ring *ring"), macro("RING", 16)]
    comparison = compare(old, new)
    assert said(the(comparison, "struct ring")) == ["T10 auto values"]
    assert (the(comparison, "RING").kind, the(comparison, "RING").verdict) == ("V01", Verdict.AUTO)
    assert "struct ring.values" in the(comparison, "RING").text
