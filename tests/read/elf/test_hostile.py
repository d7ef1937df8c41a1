"""Files that are made to break a reader end in an error or a gap that names them, soon and in little memory."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from patchkit.errors import InputError
from patchkit.model.ctype import spell
from patchkit.model.program import Program
from patchkit.read.elf import read_elf
from tests.support.dwarf import INT, Die, Header, chain, compile_unit, die, elf, sections, uleb

ADDRESS = ("exprloc", b"\x09\x03" + bytes(8))


def _variable(type_label: str) -> Die:
    return die("variable", name="x", type=type_label, location=ADDRESS, external=("flag_present", b""))


def _read(folder: Path, content: Mapping[str, bytes], headers: Mapping[str, Header] | None = None) -> Program:
    path = folder / "made"
    path.write_bytes(elf(content, headers))
    return read_elf(path, label="made")


def _refused(folder: Path, content: Mapping[str, bytes], headers: Mapping[str, Header] | None = None) -> str:
    """Return what the error or the only gap says; it must name the file or the unit."""
    try:
        program = _read(folder, content, headers)
    except InputError as error:
        return error.message if str(folder / "made") in error.message else "an error that does not name the file"
    assert program.gaps
    assert all(gap.coord.file in ("a.c", str(folder / "made")) for gap in program.gaps)
    return program.gaps[0].reason


def test_what_is_made_by_hand_is_read_where_it_is_sound(tmp_path: Path) -> None:
    program = _read(tmp_path, sections(compile_unit(INT, die("pointer_type", type="int", label="p"), _variable("p"))))
    assert spell(program.variables["x"].type, "x") == "int *x"
    assert program.gaps == ()


CYCLES: dict[str, tuple[Die, ...]] = {
    "pointer to itself": (die("pointer_type", type="x", label="x"),),
    "qualifier of itself": (die("const_type", type="x", label="x"),),
    "array of itself": (die("array_type", die("subrange_type", count=2), type="x", label="x"),),
    "two pointers": (die("pointer_type", type="y", label="x"), die("pointer_type", type="x", label="y")),
    "function that takes itself": (die("subroutine_type", die("formal_parameter", type="x"), label="x"),),
    "typedef of itself, by size": (
        die("typedef", name="t", type="x", label="x"),
        die("structure_type", die("member", name="m", type="x"), name="s", byte_size=4),
    ),
    "typedefs of each other, by size": (
        die("typedef", name="t", type="y", label="x"),
        die("typedef", name="u", type="x", label="y"),
        die("array_type", die("subrange_type", count=2), type="y", label="z"),
        die("structure_type", die("member", name="m", type="z"), name="s", byte_size=4),
    ),
}


@pytest.mark.parametrize("what", CYCLES)
def test_types_that_are_part_of_themselves_are_a_gap(tmp_path: Path, what: str) -> None:
    unit = compile_unit(*CYCLES[what], _variable("x"))
    assert "part of itself" in _refused(tmp_path, sections(unit, compile_unit(INT, _variable("int"))))


def test_one_bad_unit_leaves_the_others(tmp_path: Path) -> None:
    bad = compile_unit(die("pointer_type", type="x", label="x"), _variable("x"))
    program = _read(tmp_path, sections(bad, compile_unit(INT, _variable("int"))))
    assert [gap.coord.file for gap in program.gaps] == ["a.c"]
    assert spell(program.variables["x"].type) == "int"


def test_a_record_that_holds_itself_has_the_size_it_says(tmp_path: Path) -> None:
    record = die("structure_type", die("member", name="m", type="s"), name="s", byte_size=4, label="s")
    program = _read(tmp_path, sections(compile_unit(record, _variable("s"))))
    assert program.records["struct s"].members[0].size == 32


@pytest.mark.parametrize("attribute", ["abstract_origin", "specification"])
def test_copies_of_copies_without_end_are_a_gap(tmp_path: Path, attribute: str) -> None:
    one = die("variable", label="one", **{attribute: "two"})
    two = die("variable", label="two", **{attribute: "one"})
    assert "copy of itself" in _refused(tmp_path, sections(compile_unit(one, two)))


def test_types_that_are_huge_when_written_out_are_a_gap(tmp_path: Path) -> None:
    double = [
        die("subroutine_type", *(die("formal_parameter", type=f"f{number + 1}") for _ in range(2)), label=f"f{number}")
        for number in range(64)
    ]
    unit = compile_unit(INT, *double, die("pointer_type", type="int", label="f64"), _variable("f0"))
    assert "more parts" in _refused(tmp_path, sections(unit))


@pytest.mark.parametrize("tag", ["pointer_type", "const_type", "typedef"])
def test_long_chains_end(tmp_path: Path, tag: str) -> None:
    unit = compile_unit(INT, *chain(tag, 20_000), _variable(f"{tag}0"))
    assert "nested" in _refused(tmp_path, sections(unit))


def test_deep_nesting_of_entries_needs_no_stack(tmp_path: Path) -> None:
    block = die("variable", name="deep", type="int", location=ADDRESS)
    for _ in range(50_000):
        block = Die("lexical_block", {}, (block,))
    program = _read(tmp_path, sections(compile_unit(INT, die("subprogram", block, name="f"))))
    assert [variable.name for variable in program.variables.values()] == ["deep"]


def test_sizes_beyond_memory_are_only_numbers(tmp_path: Path) -> None:
    huge = (1 << 64) - 1
    array = die("array_type", die("subrange_type", count=huge >> 1), type="int", label="a")
    member = die("member", name="m", type="a", data_member_location=huge)
    record = die("structure_type", member, name="s", byte_size=huge, label="s")
    program = _read(tmp_path, sections(compile_unit(INT, array, record, _variable("s"))))
    assert program.variables["x"].size == program.records["struct s"].size == huge
    assert program.records["struct s"].members[0].size == 32 * (huge >> 1)


def test_arrays_larger_than_any_memory_are_a_gap(tmp_path: Path) -> None:
    ranges = [die("subrange_type", count=1 << 60) for _ in range(60)]
    array = die("array_type", *ranges, type="int", label="a")
    assert "larger than memory" in _refused(tmp_path, sections(compile_unit(INT, array, _variable("a"))))


Change = Callable[[dict[str, bytes]], object]


def _patched(section: str, place: int, pattern: str, value: int) -> Change:
    def change(content: dict[str, bytes]) -> None:
        data = bytearray(content[section])
        struct.pack_into(pattern, data, place, value)
        content[section] = bytes(data)

    return change


DAMAGE: dict[str, tuple[Change, str]] = {
    "unit longer than its section": (_patched(".debug_info", 0, "<I", 0x7FFFFFFF), "beyond its section"),
    "reserved length": (_patched(".debug_info", 0, "<I", 0xFFFFFFF5), "reserved"),
    "64-bit length": (_patched(".debug_info", 0, "<I", 0xFFFFFFFF), "beyond its section"),
    "version of the future": (_patched(".debug_info", 4, "<H", 9), "version 9"),
    "abbreviations elsewhere": (_patched(".debug_info", 6, "<I", 0x00FFFFFF), "outside its section"),
    "odd addresses": (_patched(".debug_info", 10, "<B", 3), "3 bytes"),
    "no such abbreviation": (_patched(".debug_info", 11, "<B", 0x7E), "entry of its own"),
    "no abbreviations": (lambda content: content.pop(".debug_abbrev"), "outside its section"),
    "cut abbreviations": (lambda content: content.update({".debug_abbrev": content[".debug_abbrev"][:5]}), "damaged"),
    "endless number": (lambda content: content.update({".debug_abbrev": b"\x80" * 4000 + b"\1"}), "64 bits"),
    "cut unit": (lambda content: content.update({".debug_info": content[".debug_info"][:-3]}), "beyond its section"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named(tmp_path: Path, what: str) -> None:
    change, words = DAMAGE[what]
    content = sections(compile_unit(INT, _variable("int")))
    change(content)
    assert words in _refused(tmp_path, content)


def test_entries_that_end_nowhere_are_a_gap(tmp_path: Path) -> None:
    content = sections(compile_unit(INT, _variable("int")))
    info = bytearray(content[".debug_info"][:-1])
    struct.pack_into("<I", info, 0, len(info) - 4)
    content[".debug_info"] = bytes(info)
    assert "damaged" in _refused(tmp_path, content)


def test_siblings_that_lead_back_are_a_gap(tmp_path: Path) -> None:
    looping = die("call_site", die("call_site_parameter"), sibling="int")
    unit = compile_unit(INT, die("subprogram", looping, name="f"))
    assert "does not follow" in _refused(tmp_path, sections(unit))


def test_names_outside_their_section_are_a_gap(tmp_path: Path) -> None:
    named = die("variable", name=("strp", 0x1000), type="int", location=ADDRESS)
    assert "outside its section" in _refused(tmp_path, sections(compile_unit(INT, named)))
    endless = sections(compile_unit(INT, die("variable", name=("strp", 0), type="int", location=ADDRESS)))
    assert "has no end" in _refused(tmp_path, {**endless, ".debug_str": b"a" * 100_000})


def test_names_that_overlap_without_end_are_not_kept(tmp_path: Path) -> None:
    many = [die("variable", name=("strp", place), type="int", location=ADDRESS) for place in range(3000)]
    content = {**sections(compile_unit(INT, *many)), ".debug_str": b"a" * 3000 + b"\0"}
    assert "names overlap" in _refused(tmp_path, content)


def test_enumerations_wider_than_numbers_are_a_gap(tmp_path: Path) -> None:
    constant = die("enumerator", name="A", const_value=1)
    wide = die("enumeration_type", constant, name="e", byte_size=1 << 40, encoding=5, label="e")
    assert "wider than any number" in _refused(tmp_path, sections(compile_unit(INT, wide, _variable("e"))))


def test_units_that_refer_to_a_broken_unit_are_gaps_too(tmp_path: Path) -> None:
    good = compile_unit(INT, die("variable", name="x", type=("ref_addr", 0x100), location=ADDRESS))
    content = sections(good, compile_unit(INT, *chain("pointer_type", 100)))
    info = bytearray(content[".debug_info"])
    info[-6] = 0x7E
    content[".debug_info"] = bytes(info)
    program = _read(tmp_path, content)
    assert len(program.gaps) == 2
    assert program.variables == {}


def test_line_tables_that_claim_many_files_are_a_gap(tmp_path: Path) -> None:
    top = compile_unit(INT, die("variable", name="x", type="int", decl_file=1, location=ADDRESS))
    top.attributes["stmt_list"] = ("sec_offset", 0)
    header = b"\x05\0\x08\0" + struct.pack("<I", 0) + b"\1\1\1\0\1\1" + b"\0" + uleb(1 << 60)
    line = struct.pack("<I", len(header)) + header
    assert "more files than it has room for" in _refused(tmp_path, {**sections(top), ".debug_line": line})


SHF_COMPRESSED = 0x800
HEADERS: dict[str, tuple[Header, str]] = {
    "beyond the file": (Header(offset=1 << 40), "truncated"),
    "larger than the file": (Header(size=1 << 50), "truncated"),
    "compressed, huge": (Header(flags=SHF_COMPRESSED), "claims to unpack"),
    "without content": (Header(type=8, size=1 << 60), "no debug information|stripped"),
}


@pytest.mark.parametrize("what", HEADERS)
def test_section_headers_are_not_believed(tmp_path: Path, what: str) -> None:
    header, words = HEADERS[what]
    content = sections(compile_unit(INT, _variable("int")))
    if header.flags:
        content[".debug_info"] = struct.pack("<IIQQ", 1, 0, 1 << 45, 1) + b"x" * 50
    with pytest.raises(InputError, match=words):
        _read(tmp_path, content, {".debug_info": header})


def test_sections_that_overlap_are_not_read_again_and_again(tmp_path: Path) -> None:
    content = {**sections(compile_unit(INT, _variable("int"))), ".debug_str": b"x" * 5000}
    path = tmp_path / "made"
    path.write_bytes(_with_copies(elf(content), 60))
    with pytest.raises(InputError, match="overlap"):
        read_elf(path, label="made")


def _with_copies(file: bytes, copies: int) -> bytes:
    """Return an ELF file in which the last debug section has many headers."""
    start, count = struct.unpack_from("<Q", file, 40)[0], struct.unpack_from("<H", file, 60)[0]
    table = file[start:]
    copied = bytearray(file[:start] + table + table[(count - 2) * 64 : (count - 1) * 64] * copies)
    struct.pack_into("<H", copied, 60, count + copies)
    return bytes(copied)


def test_compression_that_python_cannot_undo_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = sections(compile_unit(INT, _variable("int")))
    content[".debug_info"] = struct.pack("<IIQQ", 2, 0, 500, 1) + b"x" * 50
    with pytest.raises(InputError, match="compressed") as error:
        _read(tmp_path, content, {".debug_info": Header(flags=SHF_COMPRESSED)})
    assert "objcopy --decompress-debug-sections" in error.value.hint


def test_tables_that_overlap_without_end_are_not_read_again_and_again(tmp_path: Path) -> None:
    entry = uleb(1) + uleb(0x11) + b"\0" + b"\0\0"
    abbrevs = entry * 20_000 + b"\0"
    units = b"".join(struct.pack("<IHIB", 8, 4, number * len(entry), 8) + b"\1" for number in range(20_000))
    assert "overlap" in _refused(tmp_path, {".debug_info": units, ".debug_abbrev": abbrevs})


def test_a_truncated_file_is_refused_at_every_length(tmp_path: Path) -> None:
    whole = elf(sections(compile_unit(INT, _variable("int"))))
    path = tmp_path / "made"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="made"):
            read_elf(path, label="made")


def test_other_machines_are_read_or_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_bytes(elf(sections(compile_unit(INT, _variable("int"))), machine=183))
    assert read_elf(path, label="made").machine == "aarch64"
