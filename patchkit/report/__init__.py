"""Render a comparison for people and for machines; each format is imported only when it is asked for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from patchkit.model.change import Comparison, Subject


class Format(StrEnum):
    """What a comparison can be rendered as."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    GITHUB = "github"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Options:
    """What to show.

    `stat` counts instead of listing, `only` keeps these subjects (empty: all), `full` leaves no change out. `width` is
    in columns; `side_by_side` draws old and new layouts next to each other, None: where the width allows it. Text
    obeys all, other formats `only` and, where they fold, `full`.
    """

    stat: bool = False
    only: frozenset[Subject] = frozenset()
    full: bool = False
    width: int = 100
    side_by_side: bool | None = None


def render(comparison: Comparison, format: Format, options: Options = Options()) -> str:
    """Return `comparison` in `format`, ending in a line feed unless it is empty."""
    match format:
        case Format.TEXT:
            from patchkit.report.text import render_text

            return render_text(comparison, options)
        case Format.JSON:
            from patchkit.report.json import render_json

            return render_json(comparison, options)
        case Format.SARIF:
            from patchkit.report.sarif import render_sarif

            return render_sarif(comparison, options)
        case Format.MARKDOWN:
            from patchkit.report.markdown import render_markdown

            return render_markdown(comparison, options)
        case Format.GITHUB:
            from patchkit.report.github import render_github

            return render_github(comparison, options)
        case Format.HTML:
            from patchkit.report.html import render_html

            return render_html(comparison, options)
        case _:
            assert_never(format)
