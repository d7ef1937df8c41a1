"""The two ways of filling in templates: C keeps its braces, HTML escapes, and nothing undefined passes."""

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from patchkit.templates import c_environment, html_environment, load


def test_the_braces_of_c_are_left_alone() -> None:
    template = (
        "static const struct point zero[] = {{0, 1}, {2, 3}};  /* {% as is %} {# too #} */\n"
        "//% for name in names\n"
        "    @# not in the output #@\n"
        "    int @{ name }@;\n"
        "//% endfor\n"
    )
    text = c_environment().from_string(template).render(names=["a", "b"])
    assert text == (
        "static const struct point zero[] = {{0, 1}, {2, 3}};  /* {% as is %} {# too #} */\n    int a;\n    int b;\n"
    )


def test_c_is_not_escaped_and_html_is() -> None:
    assert c_environment().from_string("if (a @{ op }@ b)").render(op="<") == "if (a < b)"
    assert html_environment().from_string("{{ op }}").render(op="<") == "&lt;"


@pytest.mark.parametrize("text", ["@{ missing }@", "@{ thing.missing }@", "@% if missing %@@% endif %@"])
def test_a_value_that_is_not_there_is_an_error(text: str) -> None:
    with pytest.raises(UndefinedError):
        c_environment().from_string(text).render(thing=object())


def test_templates_are_found_by_name() -> None:
    assert load("report/comparison.html.j2").startswith("<!DOCTYPE html>")
    assert html_environment().get_template("report/comparison.html.j2").name == "report/comparison.html.j2"
    with pytest.raises(TemplateNotFound):
        html_environment().get_template("report/missing.j2")
