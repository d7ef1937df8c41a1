"""Where live instances are: the path is told, and a type that nothing typed leads to is doubted."""

from patchkit.model.change import Reach, Requires, Storage, Verdict
from tests.support.diffs import compare, said, the
from tests.support.programs import Thing, function, struct, union, variable

OLD, NEW = struct("tag", "int a"), struct("tag", "int a", "int b")


def reach(*around: Thing) -> tuple[Reach, ...]:
    """Return the reach of the changed `struct tag` in a program that also consists of `around`."""
    return the(compare([OLD, *around], [NEW, *around]), "struct tag").reach


def test_paths_go_over_members_pointers_and_arrays() -> None:
    around = [
        struct("node", "struct node *next", "struct tag **tags"),
        struct("list", "struct node *head[4]"),
        struct("server", "struct list *clients"),
        variable("struct server server"),
    ]
    assert reach(*around) == (Reach("server", "server.clients->head[]->tags[]", Storage.HEAP),)


def test_a_heap_list_is_reached_from_its_head() -> None:
    around = [struct("item", "struct item *next", "struct tag tag"), variable("struct item *items", static=True)]
    assert reach(*around) == (Reach("server.c:items", "items->tag", Storage.HEAP),)


def test_a_static_local_reaches_as_any_variable_does() -> None:
    (found,) = reach(variable("struct tag kept", function="once"))
    assert (found.variable, found.storage) == ("server.c:once:kept", Storage.STATIC)


def test_thread_local_storage_is_told_apart() -> None:
    assert reach(variable("struct tag mine", thread_local=True))[0].storage is Storage.THREAD
    assert reach(variable("struct tag *mine", thread_local=True))[0].storage is Storage.HEAP


def test_parts_without_a_name_do_not_show_in_the_path() -> None:
    inner = struct("box.#0", "struct tag *tag", parent="struct box")
    assert reach(inner, struct("box", "struct box.#0"), variable("struct box box"))[0].path == "box.tag"


def test_the_shortest_paths_are_shown_and_the_rest_is_counted() -> None:
    around: list[Thing] = [variable(f"struct tag *tag{number}") for number in range(8)]
    change = the(compare([OLD, *around], [NEW, *around]), "struct tag")
    assert [r.path for r in change.reach] == [f"tag{number}" for number in range(5)]
    assert change.evidence == ("3 more variables with a path to it",)


def test_a_type_behind_a_void_pointer_is_nowhere_reachable_by_types() -> None:
    around = [
        struct("node", "void *value"),
        variable("struct node *nodes"),
        function("void add(void)", mentions=["struct tag", "malloc"]),
    ]
    comparison = compare([OLD, *around], [NEW, *around])
    change = the(comparison, "struct tag")
    assert said(change) == ["T01 confirm b", "T24 confirm"]
    assert "nowhere reachable by types, yet add may allocate struct tag" in change.edits[1].text
    assert any("nowhere reachable by types" in note and "struct tag" in note for note in comparison.notes)
    assert any("void pointers" in note for note in comparison.notes)


def test_a_type_that_only_stacks_hold_converts_nothing() -> None:
    around = [function("void f(void)", mentions=["struct tag"])]
    change = the(compare([OLD, *around], [NEW, *around]), "struct tag")
    assert (change.verdict, change.question, change.requires) == (Verdict.AUTO, "", Requires.QUIESCE)
    assert change.text.startswith("nowhere reachable by types: no variable leads to a struct tag")


def test_a_type_that_is_returned_by_pointer_may_live() -> None:
    assert the(compare([OLD, function("struct tag *make(void)")], [NEW]), "struct tag").verdict is Verdict.CONFIRM


def test_constants_bring_their_own() -> None:
    table = variable("const struct tag tags[2]", init="{ 1 , 2 }")
    change = the(compare([OLD, table], [NEW, table]), "struct tag")
    assert (change.verdict, change.text) == (
        Verdict.AUTO,
        "only constants hold struct tag; the new version brings its own",
    )


def test_a_union_on_the_way_is_told() -> None:
    around = [
        union("value", "int n", "struct tag *tag"),
        struct("cell", "union value v"),
        variable("struct cell *cells"),
    ]
    change = the(compare([OLD, *around], [NEW, *around]), "struct tag")
    assert change.evidence == ("cells->v.tag goes through a union: which member is in use has to be known",)


def test_a_type_reached_only_through_a_member_that_goes_is_still_live() -> None:
    old = [OLD, struct("hub", "struct tag *first"), variable("struct hub hub")]
    new = [NEW, struct("hub", "struct tag *all[8]"), variable("struct hub hub")]
    comparison = compare(old, new)
    assert the(comparison, "struct tag").reach == (Reach("hub", "hub.first", Storage.HEAP),)
    assert the(comparison, "struct tag").verdict is Verdict.CONFIRM
