"""The page: self-contained, searchable, drawn right, and safe whatever a program calls its things."""

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from patchkit.model.change import Subject
from patchkit.report import Format, Options, render
from tests.support import needs
from tests.support.comparisons import (
    HOSTILE,
    SAMPLES,
    blocked,
    client_only,
    hostile,
    minor_release,
    patch_release,
    unchanged,
)

VOID = {"meta", "input", "link", "br", "img", "hr"}


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text without style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.cells: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("style", "script"):
            return
        self.said.append(data)
        if any(tag in ("td", "th") for tag in self.open):
            self.cells[-1][-1] += data

    def named(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [a for name, a in self.elements if name == tag and all(a.get(k) == v for k, v in wanted.items())]

    @property
    def rows(self) -> list[list[str]]:
        return [[" ".join(cell.split()) for cell in row] for row in self.cells]


def page(name: str, **options: object) -> Page:
    return Page(render(SAMPLES[name](), Format.HTML, Options(**options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(SAMPLES))
def test_the_page_needs_nothing_but_itself(name: str) -> None:
    text = render(SAMPLES[name](), Format.HTML)
    found = Page(text)
    assert not [tag for tag, _ in found.elements if tag in ("link", "img", "iframe", "object", "embed", "base")]
    assert all(not {"src", "srcset", "action", "data"} & set(attributes) for _, attributes in found.elements)
    assert all(attributes["href"].startswith("#") for _, attributes in found.elements if "href" in attributes)
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#hatch"}


@pytest.mark.parametrize("name", list(SAMPLES))
def test_ids_are_unique_and_links_lead_to_them(name: str) -> None:
    found = page(name)
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {attributes["href"][1:] for attributes in found.named("a")} <= set(ids)


def test_headings_form_an_outline_and_questions_come_first() -> None:
    found = page("patch")
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    said = " ".join(found.said)
    assert said.index("4 questions for you") < said.index("waits for your answer")
    assert all(attributes.get("scope") == "col" for attributes in found.named("th"))


def test_the_layout_table_pairs_members_and_shows_holes() -> None:
    rows = page("client").rows
    assert ["12+0", "~ unsigned int flags_dirty : 2 2 bits", "12+0", "~ unsigned int flags_dirty : 3 3 bits"] in [
        row[:4] for row in rows
    ]
    assert ["16", "- char *peerid 8 bytes", "", "", "T02 field-removed"] in rows
    assert ["", "", "56", "+ double obuf_limit 8 bytes", "T01 field-added"] in rows
    assert ["12+7", "(25 bits unused)", "13", "(3 bytes unused)", ""] in rows
    assert ["", "", "32", "> long int sentlen 8 bytes moved from 48", "T03 field-moved"] in rows
    assert ["48", "> long int sentlen 8 bytes moved to 32", "", "", "T03 field-moved"] in rows


def test_the_bars_are_to_scale_and_connect_what_moved() -> None:
    found = page("client")
    bars = [a for tag, a in found.elements if tag == "rect" and a.get("height") == "24"]
    (removed,) = [a for a in bars if a["class"] == "removed"]
    assert float(removed["x"]) == pytest.approx(1000 * 16 / 96, abs=0.01)
    assert float(removed["width"]) == pytest.approx(1000 * 8 / 96, abs=0.01)
    (added,) = [a for a in bars if a["class"] == "added"]
    assert added["y"] == "54"
    assert float(added["x"]) == pytest.approx(1000 * 56 / 96, abs=0.01)
    (moved,) = found.named("polygon", **{"class": "moved"})
    assert moved["points"].split()[0].startswith(f"{1000 * 48 / 96:.2f}")
    assert moved["points"].split()[-1].startswith(f"{1000 * 32 / 96:.2f}")


def test_a_union_is_drawn_without_bars() -> None:
    found = page("blocked")
    assert not [a for tag, a in found.elements if tag == "polygon"]
    assert ["", "", "0", "+ struct wide wide 16 bytes", "T17 union-changed"] in found.rows


def test_names_cannot_become_elements() -> None:
    found = page("hostile")
    ordinary = {tag for name in ("patch", "blocked", "minor", "untyped") for tag, _ in page(name).elements}
    assert {tag for tag, _ in found.elements} <= ordinary
    assert found.named("script") == [{}]
    assert HOSTILE.split("|", maxsplit=1)[0] in "".join(found.said)


@pytest.mark.parametrize("sample", [hostile, patch_release, unchanged])
def test_the_policy_lets_only_the_page_s_own_script_run(sample: object) -> None:
    assert callable(sample)
    text = render(sample(), Format.HTML)
    (policy,) = [a["content"] for a in Page(text).named("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not [a for _, attributes in Page(text).elements for a in attributes if a.startswith("on")]


def test_without_a_script_everything_is_there_and_no_dead_control() -> None:
    found = page("patch")
    (form,) = found.named("form")
    assert "hidden" in form
    said = " ".join(found.said)
    assert [change.name for change in patch_release().changes if change.name not in said] == []
    assert len(found.named("article")) == 5


def test_sizes() -> None:
    assert len(render(patch_release(), Format.HTML).encode()) < 200_000
    assert len(render(minor_release(), Format.HTML).encode()) < 2_000_000


def test_options_reach_the_page() -> None:
    said = " ".join(page("patch", only=frozenset({Subject.TYPE})).said)
    assert "Only type changes are listed: 3 of 49." in said
    assert "… and 865 more" in " ".join(page("minor").said)
    full = " ".join(page("minor", full=True).said)
    assert [change.name for change in minor_release().changes if change.name not in full] == []


def test_gaps_and_blind_spots_are_told() -> None:
    said = " ".join(" ".join(page("blocked").said).split())
    assert "src/module.c:312 of redis-7.0.16: `__builtin_choose_expr` is not understood" in said
    assert "inline assembly in src/fast.c is not read" in said
    assert "BLOCKED by struct shm_header" in said
    assert render(blocked(), Format.HTML).count('class="badge blocked"') == 4


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.1)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast_on_everything_it_stands_on(scheme: int) -> None:
    style = render(unchanged(), Format.HTML).partition("<style>")[2].partition("</style>")[0]
    palette = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    colours = palette[scheme]
    grounds = ("page", "card", "added", "removed", "changed", "moved", "same", "shade")
    pairs = [(text, ground) for text in ("ink", "soft") for ground in grounds]
    pairs += [(verdict, "card") for verdict in ("blocked", "code", "confirm", "check", "auto", "none")]
    pairs += [(verdict, "page") for verdict in ("blocked", "confirm")]
    pairs += [("on", verdict) for verdict in ("blocked", "code", "confirm")] + [("edge-moved", "moved")]
    assert [(a, b) for a, b in pairs if contrast(colours[a], colours[b]) < 4.5] == []


@needs("chromium")
def test_a_browser_runs_the_filter_and_no_other_script(tmp_path: Path) -> None:
    shown = {}
    for name, sample in (("client", client_only), ("hostile", hostile)):
        path = tmp_path / f"{name}.html"
        path.write_text(render(sample(), Format.HTML), encoding="utf-8")
        shown[name] = dumped(path, tmp_path / "profile")
    assert ">1 of 1 shown</output>" in shown["client"]
    assert ">2 of 2 shown</output>" in shown["hostile"]
    assert shown["hostile"].count("<script") == 1
    assert 'id="filter" class="filter">' in shown["client"]


@needs("chromium")
def test_filters_leave_what_matches(tmp_path: Path) -> None:
    typed = """<script>
    const form = document.getElementById("filter");
    form.querySelector("[value=confirm]").checked = false;
    form.elements.text.value = " REPLICATION.C ";
    form.dispatchEvent(new Event("input"));
    </script></body>"""
    text = render(patch_release(), Format.HTML).replace("</body>", typed)
    path = tmp_path / "page.html"
    path.write_text(re.sub(r"<meta http-equiv[^>]*>", "", text), encoding="utf-8")
    found = dumped(path, tmp_path / "profile")
    assert ">6 of 49 shown</output>" in found
    items = re.findall(r'class="(item[^"]*)"', found)
    assert (len(items), sum("off" in item for item in items)) == (49, 43)
    assert re.search(r'<details class="heap" data-verdict="auto" data-subject="function" open="">', found)


def dumped(path: Path, profile: Path) -> str:
    """Return the document as it stands after the browser loaded it."""
    browser = shutil.which("chromium")
    assert browser
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
    done = subprocess.run([browser, *options, path.as_uri()], capture_output=True, timeout=120, check=False)
    return done.stdout.decode()
