"""update.toml: what people write in it stays, and what is wrong in it is named by file, line and key."""

import pytest
from hypothesis import given, settings, strategies as st

from patchkit.errors import ConfigError
from patchkit.model.decision import Author, Decision, Decisions, Topic
from patchkit.transform.update import Update, Version, owned, parse_update, seal, write_update

PATH = "updates/1--2/update.toml"
HEAD = 'format = 1\n[old]\nversion = "v1"\n[new]\nversion = "v2"\n'
ROW = '[[decision]]\nabout = "initial struct client.requests"\nvalue = "0"\nreason = "counted from now on"\n'


def update_of(*decisions: Decision) -> Update:
    return Update(
        Version("v1", "aa"), Version("v2", "bb"), Decisions({(each.topic, each.subject): each for each in decisions})
    )


def decision(subject: str, value: str = "0") -> Decision:
    return Decision(Topic.INITIAL, subject, value, "why", Author.PERSON, "1234")


def test_what_is_written_is_read_again() -> None:
    update = update_of(decision("struct client.requests"), decision("server", '"a\\"b"'))
    assert parse_update(write_update("", PATH, update), PATH) == update


def test_writing_the_same_again_changes_nothing() -> None:
    text = write_update("", PATH, update_of(decision("a"), decision("b")))
    assert write_update(text, PATH, parse_update(text, PATH)) == text


def test_comments_and_order_stay_where_an_answer_changes() -> None:
    text = HEAD + "\n# asked Ann\n" + ROW + "\n# and this\n" + ROW.replace("client", "server")
    new = parse_update(text, PATH).decisions.with_those([decision("struct server.requests", "7")])
    written = write_update(text, PATH, Update(Version("v1"), Version("v2"), new))
    assert "# asked Ann\n" in written
    assert "# and this\n" in written
    assert written.index("struct client.requests") < written.index("struct server.requests")
    assert 'value = "7"' in written


def test_a_decision_is_not_taken_out_with_a_comment_beside_it() -> None:
    text = HEAD + ROW + "# the next one is for later\n" + ROW.replace("client", "server")
    assert "# the next one is for later" in write_update(text, PATH, update_of())


def test_a_decision_of_patchkits_that_was_edited_is_a_persons() -> None:
    own = seal(decision("struct client.requests"), "abc")
    text = write_update("", PATH, update_of(own))
    [read] = parse_update(text, PATH).decisions.answers.values()
    assert owned(read).author is Author.PATCHKIT
    [edited] = parse_update(text.replace('value = "0"', 'value = "1"'), PATH).decisions.answers.values()
    assert owned(edited).author is Author.PERSON
    assert owned(edited).basis == "abc"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + ROW + 'valeu = "1"\n', ":10: `decision.valeu` is not known"),
        (HEAD + ROW.replace('value = "0"\n', ""), ":6: `decision.value` is missing"),
        (HEAD + ROW + ROW, ":11: `decision.about` = `initial struct client.requests` was decided before"),
        (HEAD + ROW.replace("initial", "initail"), ":7: `decision.about` = `initail struct client.requests` is no"),
        (HEAD + ROW.replace('"0"', "0"), ":8: `decision.value` must be a text, not 0"),
        (HEAD + ROW + 'by = "ann"\n', ":10: `decision.by` cannot be `ann`"),
        ("engine = 'fast'\n" + HEAD, ":1: `engine` cannot be `fast`"),
        (HEAD.replace("format = 1", "format = 9"), ":1: `format` must be 1"),
        (HEAD + "[[decision]\n", ":6: not TOML"),
        (HEAD.replace("[new]\n", ""), "not TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_key(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_update(text, PATH)
    assert caught.value.message.startswith(PATH)
    assert says in caught.value.message
    assert caught.value.hint


COMMENTS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\n\r"), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(COMMENTS, min_size=1, max_size=4), st.lists(st.sampled_from("abcdef"), unique=True, max_size=4))
def test_comments_survive_whatever_is_decided(comments: list[str], subjects: list[str]) -> None:
    rows = [
        f"# {comment}\n" + ROW.replace("struct client.requests", f"struct s{n}.m") for n, comment in enumerate(comments)
    ]
    text = HEAD + "\n".join(rows)
    answers = parse_update(text, PATH).decisions.with_those(decision(subject) for subject in subjects)
    written = write_update(text, PATH, Update(Version("v1"), Version("v2"), answers))
    for comment in comments:
        assert f"# {comment}" in written
    assert parse_update(written, PATH).decisions == answers or all(
        key in parse_update(written, PATH).decisions.answers for key in answers.answers
    )
