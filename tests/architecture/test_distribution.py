"""What is built for users holds everything that the package needs, as real files."""

import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT, run

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".fetched", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both kinds from a copy of the tree, the wheel from the unpacked source distribution as installers do."""
    folder = tmp_path_factory.mktemp("distribution")
    shutil.copytree(ROOT, folder / "tree", symlinks=True, ignore=LEFT_OUT)
    _build("sdist", folder / "tree", folder)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as unpacked:
        unpacked.extractall(folder / "unpacked", filter="tar")
    _build("wheel", folder / "unpacked" / archive.name.removesuffix(".tar.gz"), folder)
    return folder


def _build(kind: str, tree: Path, target: Path) -> None:
    program = f"from setuptools import build_meta; build_meta.build_{kind}({str(target)!r})"
    done = run(sys.executable, "-c", program, cwd=tree)
    assert done.code == 0, done.err


def package_files() -> set[str]:
    """Return the files of the package as they stand in the tree, links followed."""
    unwanted = ("__pycache__",)
    pending, found = [ROOT / "patchkit"], set()
    while pending:
        for path in pending.pop().iterdir():
            if path.is_dir() and path.name not in unwanted:
                pending.append(path)
            elif path.is_file():
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_wheel_holds_every_file_of_the_package(distributions: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        assert {name for name in wheel.namelist() if name.startswith("patchkit/")} == package_files()


def test_linked_folders_are_real_files(distributions: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        assert wheel.read("patchkit/tui/__init__.py") == (ROOT / "tui/__init__.py").read_bytes()
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as source:
        member = next(item for item in source.getmembers() if item.name.endswith("/patchkit/tui/__init__.py"))
        assert member.isfile()
        assert not [item.name for item in source.getmembers() if item.issym() or item.islnk()]


def test_wheel_runs_without_the_source_tree(distributions: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(distributions.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)
    program = "import patchkit.cli.main as main; print(main.__file__); main.run(['--help'])"
    done = run(sys.executable, "-P", "-c", program, cwd=tmp_path, environ={"PYTHONPATH": str(tmp_path)})
    assert done.code == 0, done.err
    assert str(tmp_path) in done.out
    assert "compare" in done.out.lower()
