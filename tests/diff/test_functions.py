"""Functions: all switch together; what is reported is what the process cannot take over by itself."""

import pytest

from patchkit.model.change import Level, Requires, Verdict
from tests.support.diffs import compare, said, summary, the
from tests.support.programs import Thing, function, struct, typedef, variable


def test_changed_bodies_are_one_line_that_names_each() -> None:
    names = ["serve", "parse", "reply"]
    old = [function(f"void {name}(void)", static=True) for name in names]
    new = [function(f"void {name}(void)", static=True, body="other") for name in names]
    (change,) = compare(old, new).changes
    assert (change.kind, change.verdict, change.title) == ("F01", Verdict.AUTO, "3 bodies changed")
    assert change.folded == ("server.c:parse", "server.c:reply", "server.c:serve")
    assert (change.requires, change.level) == (Requires.QUIESCE, Level.INFO)


def test_inline_bodies_are_a_line_of_their_own() -> None:
    old = [function("int less(int)", inline=True, static=True, file="a.h")]
    new = [function("int less(int)", inline=True, static=True, file="a.h", body="other")]
    (change,) = compare(old, new).changes
    assert (change.rule, change.folded) == ("PKF305", ("a.h:less",))


def test_added_and_removed_functions_are_one_line_each() -> None:
    old = [function("void a(void)"), function("void b(void)")]
    new = [function("void c(void)"), function("void d(void)")]
    assert summary(compare(old, new)) == [
        ("F03", "auto", "a"),
        ("F03", "auto", "b"),
        ("F02", "none", "c"),
        ("F02", "none", "d"),
    ]


def test_a_signature_names_the_files_that_call_it() -> None:
    callers = [
        function("void x(void)", file="x.c", mentions=["locate"]),
        function("void y(void)", file="y.c", mentions=["locate"]),
    ]
    old = [function("int locate(int)"), *callers]
    new = [function("int locate(int, long)", body="other"), *callers]
    change = the(compare(old, new), "locate")
    assert said(change) == ["F04 auto", "F01 auto"]
    assert change.callers == ("x.c", "y.c")
    assert (change.edits[0].was, change.edits[0].now) == ("int locate(int)", "int locate(int, long int)")


def test_a_signature_through_a_changed_typedef_is_found() -> None:
    old = [typedef("amount", "int"), function("void pay(amount)")]
    new = [typedef("amount", "long"), function("void pay(amount)")]
    assert summary(compare(old, new)) == [("F04", "auto", "pay")]


def test_a_signature_whose_pointers_are_stored_asks_unless_they_follow() -> None:
    def side(taken: str, pointed: str) -> list[Thing]:
        table = variable("struct ops ops", init="{ run }", refers=["run"])
        return [struct("ops", f"void (*run)({pointed})"), table, function(f"void run({taken})")]

    assert the(compare(side("int", "int"), side("long", "long")), "run").verdict is Verdict.AUTO
    stays = the(compare(side("int", "int"), side("long", "int")), "run")
    assert (stays.rule, stays.verdict) == ("PKF302", Verdict.CONFIRM)


def test_no_prototype_and_no_parameters_are_the_same() -> None:
    one, other = function("int f(void)"), function("int f(void)")
    assert compare([one], [other]).changes == ()


@pytest.mark.parametrize(
    ("around", "rule", "verdict"),
    [
        ([], "", Verdict.AUTO),
        ([variable("const struct ops ops", init="{ gone }", refers=["gone"])], "PKF303", Verdict.CONFIRM),
        ([function("void use(void)", mentions=["gone"])], "", Verdict.AUTO),
        ([function("void use(void)", writes=["gone"])], "PKF303", Verdict.CONFIRM),
        ([function("void use(void)", writes=["gone"]), struct("job", "void (*run)(int)")], "PKF303", Verdict.CODE),
        ([function("void use(void)", mentions=["signal"], writes=["gone"])], "PKF309", Verdict.CONFIRM),
    ],
)
def test_a_removed_function_is_judged_by_who_may_still_call_it(
    around: list[Thing], rule: str, verdict: Verdict
) -> None:
    old = [struct("ops", "char *name"), function("void gone(int)"), *around]
    change = the(compare(old, [struct("ops", "char *name"), *around]), "gone")
    assert (change.kind, change.rule, change.verdict) == ("F03", rule, verdict)


def test_functions_that_one_table_held_are_one_line() -> None:
    names = [f"handle{number}" for number in range(7)]
    functions = [function(f"void {name}(void)") for name in names]
    table = variable("void (*handlers[7])(void)", init="{ … }", refers=names)
    (change,) = [c for c in compare([*functions, table], [table]).changes if c.kind == "F03"]
    assert (change.verdict, change.folded) == (Verdict.CONFIRM, tuple(names))
    assert change.question


def test_a_removed_callback_of_the_library_is_registered() -> None:
    use = function("void use(void)", mentions=["atexit"], writes=["last_words"])
    assert the(compare([function("void last_words(void)"), use], [use]), "last_words").rule == "PKF310"


def test_a_function_that_moved_or_became_external_is_told_so() -> None:
    old = [function("int clamp(int)", static=True, file="a.c")]
    change = the(compare(old, [function("int clamp(int)", file="a.c")]), "a.c:clamp")
    assert (change.kind, change.verdict, change.new_key) == ("F05", Verdict.AUTO, "clamp")
    assert summary(compare([function("void f(void)", file="a.c")], [function("void f(void)", file="b.c")])) == [
        ("F05", "auto", "f")
    ]


def test_a_function_that_moved_and_changed_counts_as_changed() -> None:
    old = [function("int clamp(int)", static=True, file="a.c")]
    new = [function("int clamp(int)", static=True, file="b.c", body="other")]
    assert summary(compare(old, new)) == [("F01", "auto", "b.c:clamp")]


def test_static_functions_of_one_name_are_told_apart_by_file() -> None:
    def side(first: str, second: str) -> list[Thing]:
        return [
            function("void init(void)", static=True, file="a.c", body=first),
            function("void init(void)", static=True, file="b.c", body=second),
        ]

    assert summary(compare(side("1", "2"), side("1", "3"))) == [("F01", "auto", "b.c:init")]


def test_a_renamed_function_asks_only_where_something_knows_the_old_one() -> None:
    old = [function("void set_key(void)", body="same", mentions=["x"])]
    new = [function("void store(void)", body="same", mentions=["x"])]
    assert the(compare(old, new), "set_key").verdict is Verdict.AUTO
    held: list[Thing] = [variable("int calls", function="set_key")]
    kept: list[Thing] = [variable("int calls", function="store")]
    change = the(compare([*old, *held], [*new, *kept]), "set_key")
    assert (change.rule, change.verdict, change.question) == (
        "PKT106",
        Verdict.CONFIRM,
        "Is store the function that set_key was?",
    )


def test_start_up_code_asks_only_where_what_it_registers_changed() -> None:
    old = function("void init_server(void)", mentions=["listen"])
    assert (
        the(compare([old], [function("void init_server(void)", body="other", mentions=["listen"])]), "init_server").kind
        == "F01"
    )
    new = function("void init_server(void)", body="other", mentions=["listen", "add_timer"])
    change = the(compare([old], [new]), "init_server")
    assert (change.kind, change.rule, change.verdict) == ("F08", "PKI501", Verdict.CONFIRM)
    assert change.evidence == ("it mentions add_timer in one version only",)


def test_what_runs_for_ever_keeps_its_old_body() -> None:
    comparison = compare([function("int main(void)")], [function("int main(void)", body="other")])
    change = the(comparison, "main")
    assert (change.kind, change.rule, change.verdict) == ("F06", "PKC401", Verdict.CONFIRM)
    assert any("never returns" in note for note in comparison.notes)


def test_a_root_of_threads_keeps_its_old_body() -> None:
    starter = function("void start(void)", mentions=["pthread_create"], writes=["work"])
    old, new = function("void *work(void *)"), function("void *work(void *)", body="other")
    assert the(compare([old, starter], [new, starter]), "work").kind == "F06"


def test_a_hash_that_containers_live_by_asks() -> None:
    table = variable("struct type type", init="{ hash_name }", refers=["hash_name"])
    old, new = function("unsigned hash_name(char *)"), function("unsigned hash_name(char *)", body="other")
    change = the(compare([old, table], [new, table]), "hash_name")
    assert (change.kind, change.rule, change.verdict) == ("S01", "PKT119", Verdict.CONFIRM)


def test_a_function_whose_entry_cannot_be_redirected_blocks() -> None:
    old = function("void f(void)", attributes=["naked"])
    new = function("void f(void)", attributes=["naked"], body="other")
    change = the(compare([old], [new]), "f")
    assert (change.rule, change.verdict) == ("PKF306", Verdict.BLOCKED)


def test_a_constructor_asks_and_other_attributes_do_not_matter() -> None:
    plain = function("void fill(void)", static=True)
    change = the(
        compare([plain], [function("void fill(void)", static=True, attributes=["constructor"])]), "server.c:fill"
    )
    assert (change.kind, change.verdict) == ("G11", Verdict.CONFIRM)
    assert compare([plain], [function("void fill(void)", static=True, attributes=["noinline"])]).changes == ()


def test_a_member_that_all_code_reads_otherwise_is_asked_about() -> None:
    lease: list[Thing] = [struct("lease", "int remaining"), variable("struct lease *leases")]
    old = [function(f"void {name}(void)", reaches=["remaining"]) for name in "ab"]
    new = [function(f"void {name}(void)", reaches=["remaining"], body="* 1000") for name in "ab"]
    comparison = compare([*lease, *old], [*lease, *new])
    change = the(comparison, "struct lease")
    assert (change.kind, change.rule, change.verdict) == ("V03", "PKT119", Verdict.CONFIRM)
    half = compare([*lease, *old], [*lease, new[0], old[1]])
    assert [change.kind for change in half.changes] == ["F01"]
