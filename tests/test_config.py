"""`patchkit.toml` and the cache directory."""

from pathlib import Path

import pytest

from patchkit.config import Config, cache_directory, load_config
from patchkit.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "patchkit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, '[project]\nprograms = ["server", "client"]\nbuild = "make -j2"\n')
    assert load_config(tmp_path) == Config(path, ("server", "client"), "make -j2")


def test_no_file_and_an_empty_file_set_nothing(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()
    assert load_config(tmp_path / "absent") == Config()
    assert load_config(tmp_path) == Config(None, (), None)
    assert load_config(write(tmp_path, "").parent) == Config(tmp_path / "patchkit.toml")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[project]\nbulid = "make"\n', "unknown key `project.bulid`", "did you mean `project.build`?"),
        ("[projcet]\n", "unknown key `projcet`", "did you mean `project`?"),
        ("[diff]\nignore = []\n", "unknown key `diff`", "known here: project, update"),
        ("project = 1\n", "`project` must be a table", "write its keys below a line `[project]`"),
        ('[project]\nprograms = "server"\n', "`project.programs` must be a list of names, not 'server'", ""),
        ("[project]\nprograms = [1]\n", "`project.programs` must be a list of names, not [1]", ""),
        ('[project]\nbuild = " "\n', "`project.build` must be a command in one string, not ' '", ""),
        ("[project\n", "(at line 1, column 9)", "the file is read as TOML, see https://toml.io"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(text: str, message: str, hint: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert caught.value.message.startswith(f"{path}: ")
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "patchkit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"PATCHKIT_CACHE": "/own", "XDG_CACHE_HOME": "/shared", "HOME": "/home/me"}, "/own"),
        ({"XDG_CACHE_HOME": "/shared", "HOME": "/home/me"}, "/shared/patchkit"),
        ({"PATCHKIT_CACHE": "", "HOME": "/home/me"}, "/home/me/.cache/patchkit"),
    ],
)
def test_the_cache_is_where_the_environment_says(environ: dict[str, str], expected: str) -> None:
    assert cache_directory(environ) == Path(expected)


def test_no_place_for_the_cache_is_an_error_that_says_what_to_set() -> None:
    with pytest.raises(ConfigError) as caught:
        cache_directory({})
    assert "PATCHKIT_CACHE" in caught.value.hint
