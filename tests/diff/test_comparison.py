"""The comparison as a whole: nothing invented, nothing lost, the same every time, the worst first."""

from dataclasses import replace

from patchkit.diff import diff_programs, headline
from patchkit.model.change import Subject, Verdict
from tests.support.diffs import compare, summary
from tests.support.programs import Thing, enum, function, macro, program, struct, typedef, union, variable


def server() -> list[Thing]:
    """Return a small program with something of everything."""
    return [
        typedef("handler", "void (*)(struct client *)"),
        enum("state", "IDLE", "BUSY"),
        union("value.as", "int n", "char *text", parent="struct value"),
        struct("value", "int type", "union value.as as"),
        struct("client", "int fd", "enum state state", "struct client *next", "struct value last", "handler done"),
        struct("server", "struct client *clients", "char name[16]", "unsigned busy : 1", "unsigned odd : 2"),
        variable("struct server server"),
        variable("struct client *spare", static=True),
        variable("int calls", function="serve"),
        variable("const char *const names[2]", init="{ a , b }"),
        function("void serve(struct client *)", mentions=["server"], reaches=["clients"], writes=["spare"]),
        function("int hash(const char *)", static=True),
        macro("LIMIT", 16),
    ]


def test_a_program_is_the_same_as_itself_in_whatever_order() -> None:
    one, other = program(*server(), label="one"), program(*server(), label="other")
    turned = replace(
        other,
        records=dict(reversed(list(other.records.items()))),
        variables=dict(reversed(list(other.variables.items()))),
        functions=dict(reversed(list(other.functions.items()))),
    )
    comparison = diff_programs(one, turned)
    assert (comparison.changes, comparison.layouts) == ((), {})
    assert headline(comparison) == "NO CHANGE: one and other are the same program"


def test_values_decide_where_there_are_no_fingerprints() -> None:
    old, new = program(*server(), fingerprints=False), program(*server(), fingerprints=False)
    assert diff_programs(old, new).changes == ()
    longer = [*server()[:-1], macro("LIMIT", 32), struct("job", "int a")]
    found = diff_programs(old, program(*longer, fingerprints=False))
    assert summary(found) == [("V01", "confirm", "LIMIT"), ("T30", "none", "struct job")]


def test_the_worst_comes_first_and_ids_are_unique_and_stable() -> None:
    old = [struct("a", "int *p"), struct("b", "int x"), variable("struct a *a"), variable("struct b *b"), macro("N", 1)]
    new = [
        struct("a", "long *p"),
        struct("b", "int x", "int y"),
        variable("struct a *a"),
        variable("struct b *b"),
        macro("N", 2),
    ]
    first, again = compare(old, new), compare(old, new)
    assert [change.verdict for change in first.changes] == [Verdict.CODE, Verdict.CONFIRM, Verdict.AUTO]
    assert [change.id for change in first.changes] == [
        "PKT107:type:struct a",
        "PKT101:type:struct b",
        "V00:macro:changed",
    ]
    assert first == again


def test_the_headline_counts_what_is_asked() -> None:
    old = [struct("a", "int n"), variable("struct a *all"), function("void f(void)")]
    new = [struct("a", "int n", "int m"), variable("struct a *all"), function("void f(void)", body="other")]
    assert headline(compare(old, new)) == "UPDATABLE: 1 auto, 1 question"


def test_what_cannot_be_seen_is_always_said() -> None:
    assert any("meaning" in note for note in compare([], []).notes)


def test_everything_of_a_program_that_is_replaced_is_told() -> None:
    comparison = compare(server(), [])
    assert {change.subject for change in comparison.changes} == set(Subject) - {Subject.BUILD}
    told = {key for _, _, key in summary(comparison)}
    assert told == {"struct client", "struct server", "struct value", "enum state"} | {
        "server",
        "server.c:spare",
        "server.c:serve:calls",
        "names",
        "serve",
        "server.c:hash",
        "LIMIT",
    }
