"""Variables: what becomes of the storage and the value that the running process has."""

import pytest

from patchkit.model.change import Requires, Storage, Verdict
from patchkit.model.ctype import VOID, Function as FunctionType, Primitive
from tests.support.diffs import compare, said, summary, the
from tests.support.programs import Thing, function, struct, typedef, variable


def one(old: list[Thing], new: list[Thing], key: str) -> tuple[str, str, Verdict]:
    """Return kind, rule and verdict of the change of `key`."""
    change = the(compare(old, new), key)
    return change.kind, change.rule, change.verdict


def test_an_added_variable_starts_as_it_says() -> None:
    assert one([], [variable("int hits", init="1")], "hits") == ("G01", "PKD204", Verdict.AUTO)
    assert one([], [variable("const char *names[2]", init="{ … }")], "names") == ("G01", "PKD204", Verdict.AUTO)


def test_an_added_variable_that_start_up_code_sets_asks() -> None:
    setter = function("void init_server(void)", writes=["table"])
    new = [variable("struct dict *table"), setter]
    assert one([setter], new, "table") == ("G02", "PKD204", Verdict.CONFIRM)
    later = function("void serve(void)", writes=["hits"])
    assert one([later], [variable("int hits"), later], "hits") == ("G01", "PKD204", Verdict.AUTO)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("int hits", Verdict.AUTO),
        ("char *name", Verdict.CONFIRM),
        ("int log_fd", Verdict.CONFIRM),
        ("const int limit", Verdict.AUTO),
        ("const char *greeting", Verdict.AUTO),
    ],
)
def test_a_removed_variable_asks_where_it_may_own_something(text: str, verdict: Verdict) -> None:
    gone = variable(text)
    assert the(compare([gone, function("void f(void)", writes=[gone.key])], []), gone.key).verdict is verdict


def test_another_type_of_a_variable_is_judged_as_that_of_a_member() -> None:
    change = the(compare([variable("int total")], [variable("long total")]), "total")
    assert (change.kind, change.rule, said(change)) == ("G04", "PKD201", ["T05 auto"])
    assert (change.old_size, change.new_size) == (4, 8)


def test_a_variable_of_a_changed_struct_is_told_by_the_struct() -> None:
    old, new = struct("server", "int fd"), struct("server", "int fd", "int hits")
    comparison = compare([old, variable("struct server server")], [new, variable("struct server server")])
    (change,) = comparison.changes
    assert change.text == "server (struct server) needs new storage: it grows from 4 to 8 bytes"
    assert change.reach[0].storage is Storage.STATIC


@pytest.mark.parametrize(
    ("element", "writer", "expected"),
    [
        ("const char *const", False, ("G05", "PKD202", Verdict.AUTO)),
        ("int", False, ("G05", "PKD202", Verdict.AUTO)),
        ("char *", True, ("G05", "PKD202", Verdict.AUTO_CHECK)),
        ("int", True, ("G05b", "PKD202", Verdict.CONFIRM)),
        ("struct row", True, ("G05b", "PKD202", Verdict.CONFIRM)),
    ],
)
def test_a_table_whose_bound_grew_is_one_line(element: str, writer: bool, expected: tuple[str, str, Verdict]) -> None:
    around: list[Thing] = [struct("row", "int a", "int b")]
    around += [function("void each(void)", writes=["table"])] if writer else []
    old = [*around, variable(f"{element} table[10]", init="{ a }")]
    new = [*around, variable(f"{element} table[12]", init="{ a , b }")]
    comparison = compare(old, new)
    assert len(comparison.changes) == 1
    assert one(old, new, "table") == expected
    assert the(comparison, "table").title.endswith("table[12]")


def test_many_tables_are_folded_into_one_line_that_names_each() -> None:
    names = [f"table{number}" for number in range(9)]
    old = [variable(f"const int {name}[10]", init="{ 1 }", static=True) for name in names]
    new = [variable(f"const int {name}[12]", init="{ 1 , 2 }", static=True) for name in names]
    (change,) = compare(old, new).changes
    assert (change.count, change.title) == (9, "9 tables have other contents or bounds")
    assert change.folded == tuple(f"server.c:{name}" for name in names)


def test_a_table_whose_rows_live_data_points_at_asks_for_their_successors() -> None:
    row = struct("command", "char *name")
    live: list[Thing] = [row, struct("client", "struct command *last"), variable("struct client *clients")]
    old = [*live, variable("const struct command commands[2]", init="{ a , b }")]
    new = [*live, variable("const struct command commands[3]", init="{ a , x , b }")]
    assert one(old, new, "commands") == ("G05", "PKD202", Verdict.CONFIRM)


def test_a_table_of_functions_has_a_rule_of_its_own() -> None:
    old = [variable("void (*handlers[1])(int)", init="{ a }")]
    new = [variable("void (*handlers[2])(int)", init="{ a , b }")]
    assert the(compare(old, new), "handlers").rule == "PKD206"


def test_an_array_without_contents_that_grew_is_no_table() -> None:
    assert said(the(compare([variable("char buffer[64]")], [variable("char buffer[128]")]), "buffer")) == ["T10 auto"]


def test_an_initial_value_reaches_only_what_is_never_written() -> None:
    writer = function("void f(void)", writes=["limit"])
    old, new = variable("int limit", init="10"), variable("int limit", init="20")
    assert one([old, writer], [new, writer], "limit") == ("G06", "PKD202", Verdict.AUTO)
    assert one([old], [new], "limit") == ("G06b", "PKD202", Verdict.AUTO)
    old, new = variable("int config_limit", init="10"), variable("int config_limit", init="20")
    setter = function("void f(void)", writes=["config_limit"])
    assert one([old, setter], [new, setter], "config_limit") == ("G06c", "PKI502", Verdict.CONFIRM)


def test_zero_written_out_is_no_change() -> None:
    assert compare([variable("int a")], [variable("int a", init="0")]).changes == ()
    assert compare([variable("char *p", init="( ( void * ) 0 )")], [variable("char *p")]).changes == ()


def test_a_moved_variable_keeps_its_storage_where_name_and_type_are_unique() -> None:
    old, new = [variable("int sent", file="a.c", static=True)], [variable("int sent", file="b.c", static=True)]
    assert one(old, new, "a.c:sent") == ("G08", "", Verdict.AUTO)
    assert one(old, [variable("int sent")], "a.c:sent") == ("G08", "", Verdict.AUTO)


def test_a_moved_variable_asks_where_others_have_its_name() -> None:
    stays = variable("int sent", file="z.c", static=True)
    old = [stays, variable("int sent", file="a.c", static=True)]
    new = [stays, variable("int sent", file="b.c", static=True)]
    change = the(compare(old, new), "a.c:sent")
    assert (change.verdict, change.question) == (Verdict.CONFIRM, "Is b.c:sent the variable that a.c:sent was?")
    assert "other variables are called sent too" in change.evidence


def test_statics_of_one_name_and_other_types_are_not_one_variable() -> None:
    old, new = [variable("int state", file="a.c", static=True)], [variable("char *state", file="b.c", static=True)]
    assert {kind for kind, _, _ in summary(compare(old, new))} == {"G01", "G03"}


def test_two_files_of_one_base_name_keep_their_variables_apart() -> None:
    def side(first: str, second: str) -> list[Thing]:
        return [
            variable(f"{first} state", file="net/util.c", static=True),
            variable(f"{second} state", file="disk/util.c", static=True),
        ]

    assert summary(compare(side("int", "int"), side("long", "int"))) == [("G04", "auto", "net/util.c:state")]


def test_a_renamed_variable_is_proposed_by_its_use() -> None:
    users = [[function(f"void {f}(void)", body=name, mentions=[name]) for f in "ab"] for name in ("hits", "requests")]
    old, new = [variable("int hits", static=True), *users[0]], [variable("int requests", static=True), *users[1]]
    change = the(compare(old, new), "server.c:hits")
    assert (change.kind, change.verdict) == ("G08", Verdict.CONFIRM)
    assert change.evidence[0] == "a, b used hits and use requests now"


def test_a_rename_of_a_variable_is_refused_where_two_fit() -> None:
    before = [function(f"void {f}(void)", body="old", mentions=["hits"]) for f in "ab"]
    after = [function(f"void {f}(void)", body="new", mentions=["gets", "sets"]) for f in "ab"]
    old = [variable("int hits", static=True), *before]
    new = [variable("int gets", static=True), variable("int sets", static=True), *after]
    change = the(compare(old, new), "server.c:hits")
    assert (change.kind, change.verdict) == ("G03", Verdict.CONFIRM)
    assert change.evidence == ("server.c:gets and server.c:sets may each be what became of it",)


def test_globals_folded_into_a_struct_are_proposed_with_their_new_home() -> None:
    old = [struct("server", "int fd"), variable("struct server server"), variable("int port")]
    new = [struct("server", "int fd", "int port"), variable("struct server server")]
    change = the(compare(old, new), "port")
    assert change.question == "Does the value of port go to struct server.port?"


def test_a_struct_taken_apart_into_globals_is_proposed_too() -> None:
    old = [struct("history", "int saves", "int failures"), variable("struct history history", static=True)]
    new = [variable("int saves", static=True), variable("int failures", static=True)]
    change = the(compare(old, new), "server.c:saves")
    assert (change.kind, change.verdict) == ("G01", Verdict.CONFIRM)
    assert change.question == "Does server.c:saves take over the value of struct history.saves?"


def test_static_locals_are_matched_by_function_name_and_ordinal() -> None:
    def side(*ordinals: int, to: str = "a.c") -> list[Thing]:
        return [
            function("void tick(void)", file=to),
            *(variable("int n", file=to, function="tick", ordinal=o) for o in ordinals),
        ]

    assert compare(side(0, 1), side(0, 1)).changes == ()
    moved = the(compare(side(0), side(0, to="b.c")), "a.c:tick:n")
    assert (moved.kind, moved.verdict, moved.new_key) == ("G08", Verdict.AUTO, "b.c:tick:n")
    assert the(compare(side(0), side(0, 1)), "a.c:tick:n#1").kind == "G09"


def test_a_static_local_that_left_its_function_is_proposed() -> None:
    old = [function("void tick(void)", body="old"), variable("long last", function="tick")]
    new = [function("void tick(void)", body="new", mentions=["last"]), variable("long last", static=True)]
    change = the(compare(old, new), "server.c:tick:last")
    assert (change.kind, change.verdict, change.new_key) == ("G09", Verdict.CONFIRM, "server.c:last")


def test_thread_local_variables_are_converted_in_each_thread() -> None:
    change = the(compare([variable("int n", thread_local=True)], [variable("long n", thread_local=True)]), "n")
    assert (change.kind, change.rule, change.requires) == ("G10", "PKD207", Requires.TRANSFORMER)
    assert change.reach[0].storage is Storage.THREAD
    other = the(compare([variable("int n")], [variable("int n", thread_local=True)]), "n")
    assert (other.kind, other.verdict) == ("G10", Verdict.CODE)


def test_an_attribute_that_decides_about_storage_asks() -> None:
    old, new = [variable("int n")], [variable("int n", attributes=["section"])]
    assert one(old, new, "n") == ("G11", "", Verdict.CONFIRM)
    assert compare([variable("int n")], [variable("int n", attributes=["unused"])]).changes == ()


def test_a_static_of_a_header_is_told_by_unit() -> None:
    old = [variable("int n", file="n.h", static=True, units=["a.c"])]
    new = [variable("int n", file="n.h", static=True, units=["a.c", "b.c"])]
    change = the(compare(old, new), "n.h:n")
    assert (change.kind, change.text) == ("G01", "b.c has one of its own now")


def test_functions_declared_through_a_typedef_are_no_variables() -> None:
    shape = typedef("shape", FunctionType(VOID, (Primitive("int"),)))
    assert compare([shape, variable("shape add", file="a.h")], [shape, variable("shape add", file="b.h")]).changes == ()
