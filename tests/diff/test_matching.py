"""What is taken for the same thing in both versions: by name first, by evidence only as a proposal."""

from patchkit.model.change import Grade, Verdict
from tests.support.diffs import compare, said, summary, the
from tests.support.programs import Thing, enum, struct, typedef, union, variable


def test_a_name_with_two_meanings_is_matched_by_its_file() -> None:
    """The more used one has the plain name, and which that is may change from version to version."""
    old = [struct("dict", "int a", file="dict.h"), struct("dict@ext.h", "long b", file="ext.h")]
    new = [struct("dict@dict.h", "int a", file="dict.h"), struct("dict", "long b", file="ext.h")]
    users: list[Thing] = [variable("struct dict *keys"), variable("struct dict@ext.h *words")]
    swapped: list[Thing] = [variable("struct dict@dict.h *keys"), variable("struct dict *words")]
    assert compare([*old, *users], [*new, *swapped]).changes == ()


def test_an_unchanged_spelling_that_means_another_type_is_found() -> None:
    old = [
        struct("dict", "int a", file="dict.h"),
        struct("dict@ext.h", "long b", file="ext.h"),
        variable("struct dict *d"),
    ]
    new = [
        struct("dict@dict.h", "int a", file="dict.h"),
        struct("dict", "long b", file="ext.h"),
        variable("struct dict *d"),
    ]
    assert said(the(compare(old, new), "d")) == ["T08 code"]


def test_a_second_meaning_of_a_name_is_an_added_type() -> None:
    old = [struct("dict", "int a", file="dict.h")]
    new = [struct("dict", "int a", file="dict.h"), struct("dict@ext.h", "long b", file="ext.h")]
    assert summary(compare(old, new)) == [("T30", "none", "struct dict@ext.h")]


def test_a_typedef_of_an_unnamed_struct_that_got_a_tag_is_no_change() -> None:
    old = [struct("robj", "int kind"), typedef("robj", "struct robj"), variable("robj *all")]
    new = [struct("redisObject", "int kind"), typedef("robj", "struct redisObject"), variable("robj *all")]
    assert compare(old, new).changes == ()


def test_a_struct_that_became_a_union_is_one_change_for_a_programmer() -> None:
    old = [struct("value", "int a", "float b"), variable("struct value *values")]
    new = [union("value", "int a", "float b"), variable("union value *values")]
    comparison = compare(old, new)
    change = the(comparison, "struct value")
    assert (change.new_key, change.verdict) == ("union value", Verdict.CODE)


def test_a_renamed_struct_is_proposed_by_shape_and_use() -> None:
    old = [struct("conn", "int fd", "char *peer"), variable("struct conn *conns")]
    new = [struct("link", "int fd", "char *peer"), variable("struct link *conns")]
    (change,) = compare(old, new).changes
    assert (change.kind, change.rule, change.verdict, change.grade) == ("T04", "PKT106", Verdict.CONFIRM, Grade.STRONG)
    assert (change.old_key, change.new_key) == ("struct conn", "struct link")
    assert change.question == "Is struct link what struct conn was, under a new name?"
    assert "variable conns was of struct conn and is of struct link" in change.evidence


def test_a_renamed_struct_that_changed_as_well_shows_both() -> None:
    old = [struct("conn", "int fd", "char *peer"), variable("struct conn *conns")]
    new = [struct("link", "int fd", "char *peer", "long seen"), variable("struct link *conns")]
    (change,) = compare(old, new).changes
    assert said(change) == ["T04 confirm", "T01 confirm seen"]


def test_a_rename_is_refused_where_two_structs_fit() -> None:
    old = [struct("conn", "int fd", "char *peer"), variable("struct conn *conns")]
    new = [
        struct("tcp", "int fd", "char *peer"),
        struct("tls", "int fd", "char *peer"),
        variable("struct tcp *a"),
        variable("struct tls *b"),
    ]
    comparison = compare(old, new)
    gone = the(comparison, "struct conn")
    assert (gone.kind, gone.verdict) == ("T28", Verdict.CODE)
    assert gone.evidence == ("struct tcp and struct tls may each be what became of it",)


def test_structs_that_share_a_member_name_are_not_one() -> None:
    old = [struct("list", "int size", "char *head", "char *tail"), variable("struct list *all")]
    new = [struct("dict", "int size", "char **table"), variable("struct dict *all")]
    comparison = compare(old, new)
    assert said(the(comparison, "all")) == ["T08 code"]
    assert the(comparison, "struct list").kind == "T28"


def test_a_typedef_that_is_renamed_added_or_dropped_is_no_change() -> None:
    live = variable("struct job *jobs")
    old = [typedef("u32", "unsigned"), struct("job", "u32 size"), live]
    assert compare(old, [typedef("uint", "unsigned"), struct("job", "uint size"), live]).changes == ()
    assert compare(old, [struct("job", "unsigned size"), live]).changes == ()


def test_a_typedef_of_another_type_is_told_where_it_is_used() -> None:
    def side(width: str) -> list[Thing]:
        return [typedef("word", width), typedef("size", "word"), struct("job", "size n"), variable("struct job *jobs")]

    assert summary(compare(side("int"), side("long"))) == [("T05", "auto", "struct job")]


def test_a_typedef_that_nothing_stored_uses_is_told_alone() -> None:
    (change,) = compare([typedef("word", "int")], [typedef("word", "long")]).changes
    assert (change.kind, change.verdict, change.title) == ("T05", Verdict.AUTO, "typedef word: int → long int")


def test_order_and_place_of_declarations_do_not_matter() -> None:
    one, other = struct("a", "int x"), struct("b", "int y")
    moved = struct("a", "int x", file="elsewhere.h")
    assert compare([one, other, enum("e", "A")], [enum("e", "A"), other, moved]).changes == ()


def test_a_removed_type_is_judged_by_where_it_lives() -> None:
    alarm = struct("alarm", "int at", "struct alarm *next")
    assert the(compare([alarm, variable("struct alarm *alarms")], []), "struct alarm").verdict is Verdict.CODE
    assert the(compare([alarm], []), "struct alarm").verdict is Verdict.AUTO
    inside = [struct("at", "int x"), struct("ship", "struct at at"), variable("struct ship ship")]
    gone = the(compare(inside, [struct("ship", "int x"), variable("struct ship ship")]), "struct at")
    assert gone.verdict is Verdict.AUTO


def test_a_named_struct_that_became_a_part_without_a_name_is_not_lost() -> None:
    old = [struct("at", "int x"), struct("ship", "struct at at"), variable("struct ship *ships")]
    part = struct("ship.at", "int x", parent="struct ship")
    new = [part, struct("ship", "struct ship.at at"), variable("struct ship *ships")]
    assert summary(compare(old, new)) == [("T28", "none", "struct at")]
