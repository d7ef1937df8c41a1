"""Every pair of `corpora/changes`: what is generated for it compiles without a warning, whatever is still open."""

from pathlib import Path

import pytest

from tests.support import needs
from tests.support.converting import convert, execute, write
from tests.support.pairs import NAMES, load
from tests.support.reading import read_files


@needs("gcc", "clang")
@pytest.mark.parametrize("name", NAMES)
def test_what_is_generated_for_a_pair_compiles(tmp_path: Path, name: str) -> None:
    pair = load(name)
    flags = ("-D_GNU_SOURCE", "-I.")
    old, new = (read_files(tmp_path / side, pair.texts(side), *flags, *pair.flags(side)) for side in ("old", "new"))
    converted = convert(old, new, {})
    for key in old.records:
        converted.conversions.old_header.add(key)
    for key in new.records:
        converted.conversions.new_header.add(key)
    write(tmp_path, converted, "")
    assert execute(tmp_path) == []
