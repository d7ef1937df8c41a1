"""transform.c: stubs come and go as they are needed, and no line that was written is ever lost."""

from collections import Counter

from hypothesis import given, settings, strategies as st

from patchkit.transform.stubs import begun, find_function, hand_written, is_written, regenerate

NAMES = {f"struct {name}": f"pk_transform_{name}" for name in ("list", "client", "server")}


def stub(subject: str) -> str:
    name = NAMES[subject]
    return (
        f"/* {subject}: what becomes of it? */\n"
        f"int {name}(struct pk_migration *migration, const void *old, void *new);\n"
        f"int {name}(struct pk_migration *migration, const void *old, void *new) {{\n"
        '    PK_TODO("what becomes of it?");\n'
        "    return 0;\n"
        "}\n"
    )


def made(text: str, *wanted: str) -> str:
    gone = {key: (name, "no longer converted by hand") for key, name in NAMES.items() if key not in wanted}
    return regenerate(text, {key: NAMES[key] for key in wanted}, gone, stub)


def lines(text: str) -> Counter[str]:
    return Counter(line for line in text.splitlines() if line.strip())


def test_a_stub_is_there_once_and_open_until_its_question_is_gone() -> None:
    text = made("", "struct list")
    assert begun(text) == ("pk_transform_list",)
    assert not is_written(text, "pk_transform_list")
    assert made(text, "struct list") == text
    assert is_written(text.replace('    PK_TODO("what becomes of it?");\n', ""), "pk_transform_list")


def test_a_question_in_a_comment_is_none() -> None:
    text = made("", "struct list").replace("PK_TODO", "/* PK_TODO(was here) */ (void)")
    assert is_written(text, "pk_transform_list")


def test_what_is_no_longer_needed_is_put_aside_and_comes_back_as_it_was() -> None:
    text = made("", "struct list", "struct client").replace("return 0;", "return 7; /* } */", 1)
    aside = made(text, "struct client")
    assert begun(aside) == ("pk_transform_client",)
    assert "/* patchkit: struct list: no longer converted by hand */" in aside
    assert not lines(text) - lines(aside)
    back = made(aside, "struct list", "struct client")
    assert set(begun(back)) == {"pk_transform_list", "pk_transform_client"}
    assert lines(back) == lines(text)


def test_lines_by_hand_are_counted_without_what_every_stub_has() -> None:
    text = made("", "struct list")
    assert hand_written(text) == 0
    written = text.replace('    PK_TODO("what becomes of it?");\n', "    new->head = 0; /* why */\n    // note\n")
    assert hand_written(written) == 1


WORDS = st.sampled_from(
    ["static int helper;", "/* a note */", "// note", "", 'char *s = "}{";', "#define X {", "int f(void) { return 1; }"]
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_line_is_ever_lost(data: st.DataObject) -> None:
    """Lines are put in anywhere, and types need a programmer, need none, and need one again."""
    text = made("", *data.draw(st.lists(st.sampled_from(sorted(NAMES)), unique=True)))
    for _ in range(data.draw(st.integers(1, 4))):
        every = text.split("\n")
        for _ in range(data.draw(st.integers(0, 3))):
            every.insert(data.draw(st.integers(0, len(every))), data.draw(WORDS))
        text = "\n".join(every)
        after = made(text, *data.draw(st.lists(st.sampled_from(sorted(NAMES)), unique=True)))
        lost = {line for line in lines(text) - lines(after) if "patchkit" not in line}
        assert not lost
        text = after


def test_a_function_is_found_with_its_comment_and_prototype() -> None:
    text = "int before;\n\n" + stub("struct list") + "\nint behind;\n"
    found = find_function(text, "pk_transform_list")
    assert found is not None
    assert text[found.start : found.end] == stub("struct list")
    assert text.split("\n")[found.line - 1].endswith("{")
