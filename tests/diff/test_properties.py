"""Whatever the program: no change without a difference, and one difference is that change and no other."""

from collections.abc import Sequence

from hypothesis import given, strategies as st

from patchkit.diff import diff_programs
from tests.support.diffs import compare, summary
from tests.support.programs import Thing, enum, function, macro, program, struct, typedef, variable

SCALARS = ("char", "short", "int", "unsigned", "long", "unsigned long", "float", "double", "bool")
SHAPES = ("{} m{}", "{} *m{}", "{} m{}[4]", "const {} *m{}")


@st.composite
def members(draw: st.DrawFn, records: Sequence[str] = ()) -> tuple[str, ...]:
    """Draw the members of a struct; those of a struct type come from `records`."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        base = draw(st.sampled_from([*SCALARS, *(f"struct {name}" for name in records)]))
        found.append(draw(st.sampled_from(SHAPES)).format(base, number))
    return tuple(found)


@st.composite
def programs(draw: st.DrawFn) -> list[Thing]:
    """Draw a program of structs that refer to earlier ones, variables, functions, enumerations and macros."""
    things: list[Thing] = [typedef("word", draw(st.sampled_from(SCALARS)))]
    names: list[str] = []
    for number in range(draw(st.integers(1, 5))):
        things.append(struct(f"s{number}", *draw(members(names)), file=draw(st.sampled_from(("a.h", "b.h")))))
        names.append(f"s{number}")
    for number, name in enumerate(draw(st.lists(st.sampled_from(names), max_size=4))):
        static = draw(st.booleans())
        things.append(variable(f"struct {name} *v{number}", static=static, file=draw(st.sampled_from(("a.c", "b.c")))))
    for number in range(draw(st.integers(0, 4))):
        things.append(
            function(f"int f{number}(struct {draw(st.sampled_from(names))} *, word)", body=draw(st.text(max_size=3)))
        )
    things += [enum(f"e{number}", f"A{number}", f"B{number} = 7") for number in range(draw(st.integers(0, 2)))]
    things += [macro(f"M{number}", draw(st.integers(0, 99))) for number in range(draw(st.integers(0, 3)))]
    return things


ADDED = st.sampled_from(
    [
        struct("fresh", "int only_here"),
        enum("fresh", "ONLY_HERE"),
        variable("double only_here", file="fresh.c"),
        variable("double only_here", file="a.c", static=True),
        function("double only_here(double)", body="of its own"),
        macro("ONLY_HERE", 12345),
    ]
)


@given(programs())
def test_a_program_does_not_differ_from_itself(things: list[Thing]) -> None:
    comparison = compare(things, things)
    assert (comparison.changes, comparison.layouts) == ((), {})
    assert diff_programs(program(*things, fingerprints=False), program(*things)).changes == ()


@given(programs(), ADDED)
def test_one_thing_more_or_less_is_that_change_alone(things: list[Thing], fresh: Thing) -> None:
    assert [key for _, _, key in summary(compare(things, [*things, fresh]))] == [fresh.key]
    assert [key for _, _, key in summary(compare([*things, fresh], things))] == [fresh.key]


@given(programs(), st.data())
def test_a_member_more_is_told_of_its_struct_and_of_those_that_embed_it(
    things: list[Thing], data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(things) - 1))
    target = things[number]
    if not target.key.startswith("struct "):
        return
    written = getattr(target, "members", ())
    longer = struct(target.key.removeprefix("struct "), *written, "long only_here", file="a.h")
    comparison = compare(things, [*things[:number], longer, *things[number + 1 :]])
    told = {change.name: change for change in comparison.changes}
    assert [edit.name for edit in told[target.key].edits if edit.kind == "T01"] == ["only_here"]
    assert {change.kind for name, change in told.items() if name != target.key} <= {"embeds"}


@given(programs(), programs())
def test_comparing_is_deterministic_and_ids_are_unique(old: list[Thing], new: list[Thing]) -> None:
    first = compare(old, new)
    assert first == compare(old, new)
    ids = [change.id for change in first.changes]
    assert len(ids) == len(set(ids))


@given(programs(), programs())
def test_what_differs_one_way_differs_the_other_way(old: list[Thing], new: list[Thing]) -> None:
    assert bool(compare(old, new).changes) is bool(compare(new, old).changes)
