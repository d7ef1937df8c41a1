"""The man pages: one for each command, with every option that its help has, and as `man` wants them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patchkit.cli.root import SUMMARIES
from tests.support import ROOT, patchkit

pytestmark = pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, written as `make man` does."""
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, "-m", "patchkit.cli.manual", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize("name", ["", *SUMMARIES])
def test_each_command_has_a_page_with_all_of_its_options(pages: Path, name: str) -> None:
    page = pages / ("-".join(filter(None, ("patchkit", name))) + ".1")
    command = ["man", "--warnings", "--encoding=utf-8", "--local-file", str(page)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "MANWIDTH": "200"})
    assert not shown.stderr
    if name:
        assert SUMMARIES[name] in shown.stdout
    if name != "cc":  # which passes every option on
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", patchkit(*filter(None, [name, "--help"]), cwd=ROOT).out))
        assert {each for each in options - {"--help"} if each not in shown.stdout} == set()
