"""What the documents say can be typed, and what they point at is there."""

import re
from pathlib import Path

import pytest

from tests.support import ROOT, patchkit

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
MADE = {line.split(":")[0] for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if ":" in line}


def code(document: Path) -> list[str]:
    """Return what stands in backquotes or is indented, one line each."""
    text = document.read_text(encoding="utf-8")
    indented = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return [*re.findall(r"`([^`\n]+)`", text), *indented]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_make_targets_exist() -> None:
    named = {line.split()[1] for document in DOCUMENTS for line in code(document) if re.match(r"make [a-z]+$", line)}
    assert {"demo", "test", "lint"} <= named
    assert named <= MADE


def test_commands_and_options_exist(tmp_path: Path) -> None:
    lines = [line for document in DOCUMENTS for line in code(document) if line.startswith("patchkit ")]
    commands = {line.split()[1] for line in lines if re.fullmatch(r"[a-z]+", line.split()[1])}
    assert {"diff", "record", "read", "explain", "cc"} <= commands
    for command in commands - {"cc"}:
        helped = patchkit(command, "--help", cwd=tmp_path)
        assert helped.code == 0, helped.err
        own = [line.split(" -- ")[0] for line in lines if line.split()[1] == command]
        options = {option for line in own for option in re.findall(r"--[a-z-]+", line)}
        assert {option for option in options if option not in helped.out} == set()
