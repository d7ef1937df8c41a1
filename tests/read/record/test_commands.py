"""What is recorded of each way to compile and link."""

import os
import subprocess
from pathlib import Path

import pytest

from patchkit.errors import BuildError, InputError
from patchkit.read.record import load_recording
from tests.support import needs, write_tree
from tests.support.builds import SOURCES, linked, program, record, relative, shell, sources, text, unit


def test_make_with_separate_objects(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "Makefile": "prog: main.o helper.o\n\tcc -o $@ $^\n%.o: %.c\n\tcc -c -O2 $<\n"})
    recording = record(tmp_path, "make", "-j2")
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    helper = unit(recording, "helper.c")
    assert helper.command.arguments[0].endswith("/cc")
    assert helper.command.arguments[1:] == ("-c", "-O2", "helper.c")
    assert (helper.command.directory, helper.command.output) == (str(tmp_path), str(tmp_path / "helper.o"))
    assert "return 1" in text(recording, helper)
    assert "#define ANSWER 1" in text(recording, helper)
    assert recording.build == ("make", "-j2")
    assert recording == load_recording(tmp_path)


def test_the_build_id_is_the_linkers(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "cc -Wl,--build-id=0x0123abcd -o prog main.c helper.c; cc -Wl,--build-id=none -o q *.c")
    assert {os.path.basename(item.output): item.build_id for item in recording.programs} == {
        "prog": "0123abcd",
        "q": "",
    }


def test_compile_and_link_in_one_command(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "cc -g main.c helper.c")
    assert linked(recording) == {"a.out": ["main.c", "helper.c"]}
    assert {item.command.output for item in recording.units} == {""}
    assert "return ANSWER" not in text(recording, unit(recording, "helper.c"))
    assert "int main" not in text(recording, unit(recording, "helper.c"))


def test_several_sources_with_one_c(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "sub/more.c": "int more;\n"})
    recording = shell(tmp_path, "mkdir out; cd out; cc -c ../main.c ../helper.c ../sub/more.c; cc *.o -o ../prog")
    assert sorted(linked(recording)["prog"]) == ["helper.c", "main.c", "sub/more.c"]
    assert unit(recording, "sub/more.c").command.output == str(tmp_path / "out/more.o")


def test_one_source_twice_with_different_flags(tmp_path: Path) -> None:
    write_tree(tmp_path, {"both.c": "int is_debug = DEBUG;\nint main(void) { return 0; }\n"})
    script = (
        "cc -c -DDEBUG=0 both.c -o plain.o; cc -c -DDEBUG=1 both.c -o debug.o; cc plain.o -o plain; cc debug.o -o debug"
    )
    recording = shell(tmp_path, script)
    texts = {}
    for name in ("plain", "debug"):
        (number,) = program(recording, name).units
        texts[name] = text(recording, recording.units[number])
    assert "is_debug = 0" in texts["plain"]
    assert "is_debug = 1" in texts["debug"]


def test_an_object_that_is_compiled_again_after_it_was_linked_leaves_the_first_program_alone(tmp_path: Path) -> None:
    write_tree(tmp_path, {"both.c": "int is_debug = DEBUG;\nint main(void) { return 0; }\n"})
    recording = shell(tmp_path, "for n in 0 1; do cc -c -DDEBUG=$n both.c; cc both.o -o prog$n; done")
    for number in "01":
        (place,) = program(recording, f"prog{number}").units
        assert f"is_debug = {number}" in text(recording, recording.units[place])


def test_response_files_that_are_gone_when_the_build_ends(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "flags": '-O1 @inner "-DTEXT=\\"two words\\""', "inner": "-DINNER"})
    script = (
        "cc -c @flags main.c helper.c; printf 'main.o\\nhelper.o\\n' >objects; cc @objects -o prog; rm flags objects"
    )
    recording = shell(tmp_path, script)
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    arguments = unit(recording, "main.c").command.arguments
    assert arguments[1:] == ("-c", "-O1", "-DINNER", '-DTEXT="two words"', "main.c", "helper.c")


ARCHIVES = {
    "at once": "ar rcs lib.a helper.o extra.o",
    "with a dash and verbose": "ar -rcv lib.a extra.o helper.o",
    "later additions": "ar rc lib.a extra.o; ar r lib.a helper.o; ranlib lib.a",
    "quick": "ar cq lib.a extra.o; ar q lib.a helper.o; ar s lib.a",
    "thin": "ar rcsT lib.a helper.o extra.o",
    "by a script": "printf 'create lib.a\\naddmod helper.o\\naddmod extra.o\\nsave\\nend\\n' | ar -M",
    "extracted and put together again": "ar rcs a.a helper.o; ar rcs b.a extra.o; mkdir x; cd x; ar x ../a.a;"
    " ar x ../b.a; ar rcs ../lib.a helper.o extra.o; cd ..; rm -r x a.a b.a",
    "one inside the other": "ar rcsT inner.a helper.o extra.o; ar rcT lib.a inner.a",
    "partly linked": "ld -r -o both.o helper.o extra.o; ar rcs lib.a both.o; rm both.o",
    "partly linked by the compiler": "cc -r -nostdlib -o both.o helper.o extra.o; ar rcs lib.a both.o",
    "gcc's own": "gcc-ar rcs lib.a helper.o extra.o",
}


EXTRA = {
    "main.c": "int helper(void);\nextern int extra;\nint main(void) { return helper() - extra; }\n",
    "extra.c": "int extra = 1;\n",
}


@pytest.mark.parametrize("script", ARCHIVES.values(), ids=ARCHIVES)
def test_archives(tmp_path: Path, script: str) -> None:
    write_tree(tmp_path, {**SOURCES, **EXTRA, "unused.c": "int unused;\n"})
    recording = shell(
        tmp_path, f"cc -c main.c helper.c extra.c unused.c; {script}; cc main.o lib.a -o prog; rm -f helper.o"
    )
    assert sorted(linked(recording)["prog"]) == ["extra.c", "helper.c", "main.c"]
    assert sources(recording) == ["extra.c", "helper.c", "main.c"]


def test_a_member_that_the_linker_did_not_take_is_not_in_the_program(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "spare.c": "int spare;\n", "again.S": ".globl again\nagain: ret\n"})
    recording = shell(tmp_path, "cc -c *.c again.S; ar rcs lib.a helper.o spare.o again.o; cc main.o lib.a -o prog")
    assert linked(recording) == {"prog": ["main.c", "helper.c", "again.S"]}  # whether assembly was taken does not show
    assert sources(recording) == ["again.S", "helper.c", "main.c", "spare.c"]


@pytest.mark.parametrize("option", ["-s", "-flto", "-Wl,-x"])
def test_where_it_cannot_be_told_what_the_linker_took_all_members_count(tmp_path: Path, option: str) -> None:
    write_tree(tmp_path, {**SOURCES, "spare.c": "int spare;\n"})
    script = f"gcc {option} -c *.c; gcc-ar rcs lib.a helper.o spare.o; gcc {option} main.o lib.a -o prog"
    assert linked(shell(tmp_path, script)) == {"prog": ["main.c", "helper.c", "spare.c"]}


def test_a_member_that_was_deleted_does_not_count(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "extra.c": "int extra;\n"})
    recording = shell(tmp_path, "cc -c *.c; ar rcs lib.a helper.o extra.o; ar d lib.a extra.o; cc main.o lib.a -o prog")
    assert sources(recording) == ["helper.c", "main.c"]


LIBRARIES = {
    "-l": "-L. -lhelper",
    "-l with the whole name": "-L. -l:libhelper.a",
    "whole archive": "-Wl,--whole-archive,libhelper.a,--no-whole-archive",
    "static part": "-L. -Wl,-Bstatic -lhelper -Wl,-Bdynamic",
    "group": "-Wl,--start-group libhelper.a -Wl,--end-group",
}


@pytest.mark.parametrize("option", LIBRARIES.values(), ids=LIBRARIES)
def test_ways_to_name_a_library(tmp_path: Path, option: str) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, f"cc -c main.c helper.c; ar rcs libhelper.a helper.o; cc -o prog main.o {option}")
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}


def test_a_shared_library_is_a_program_of_its_own(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "cc -fPIC -shared -o libhelper.so helper.c; cc -o prog main.c -L. -lhelper")
    assert linked(recording) == {"libhelper.so": ["helper.c"], "prog": ["main.c"]}


def test_by_way_of_assembly_and_with_the_linker_called_directly(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    script = (
        "cc -S main.c helper.c; as main.s -o main.o; cc -c helper.s; rm *.s; ld -r main.o helper.o -o all.o; cc all.o"
    )
    assert linked(shell(tmp_path, script)) == {"a.out": ["main.c", "helper.c"]}


def test_objects_that_are_moved_copied_and_changed_on_their_way(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    script = (
        "mkdir obj; cc -c main.c -o main.tmp && mv main.tmp obj/main.o; cc -c helper.c -o h.o; cp h.o obj; cd obj;"
        "objcopy --redefine-sym nothing=something h.o k.o; strip -g -o l.o k.o; rm h.o k.o; cc main.o l.o -o prog.new;"
        "mv prog.new prog; install -m 755 prog ../installed; ln -s prog link"
    )
    assert linked(shell(tmp_path, script)) == {"obj/prog": ["main.c", "helper.c"]}


def test_what_only_preprocesses_or_lists_dependencies_is_no_unit(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    script = "cc -E main.c -o main.i; cc -M main.c; cc -fsyntax-only main.c; cc --version; cc -MD -MF m.d -c helper.c"
    recording = shell(tmp_path, script)
    assert sources(recording) == ["helper.c"]


def test_without_a_link_every_object_counts(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "cc -c main.c helper.c; cc -c main.c -o gone.o; rm gone.o")
    assert (sources(recording), recording.programs) == (["helper.c", "main.c"], ())


def test_failed_commands_do_not_count(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "broken.c": "int x = ;\n"})
    recording = shell(tmp_path, "cc -c broken.c -o helper.o || cc -c helper.c; cc -c main.c; cc *.o -o prog")
    assert linked(recording) == {"prog": ["helper.c", "main.c"]}


def test_sources_in_other_languages_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {**SOURCES, "start.S": ".globl start\nstart: ret\n", "plus.cc": "int plus;\n"})
    recording = shell(tmp_path, "cc -c main.c helper.c start.S; g++ -c plus.cc; g++ *.o -o prog")
    problems = {relative(recording, item.command.source): item.problem for item in recording.units}
    assert problems == {
        "helper.c": "",
        "main.c": "",
        "start.S": "assembly is not read",
        "plus.cc": "C++ is not read",
    }


def test_an_object_from_before_the_recording_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    subprocess.run(["cc", "-c", "helper.c"], cwd=tmp_path, check=True)
    recording = shell(tmp_path, "cc main.c helper.o -o prog")
    assert linked(recording) == {"prog": ["main.c", "helper.o"]}
    assert unit(recording, "helper.o").problem == "it was linked, but its compile was not recorded"


def test_an_include_path_from_the_environment_is_kept(tmp_path: Path) -> None:
    write_tree(tmp_path, {"main.c": '#include "one.h"\n#include "two.h"\nint main(void) { return one - two; }\n'})
    write_tree(tmp_path, {"a/one.h": "int one = 1;\n", "b/two.h": "int two = 1;\n"})
    recording = shell(tmp_path, "CPATH=a C_INCLUDE_PATH=b cc main.c -o prog")
    read = text(recording, unit(recording, "main.c"))
    assert "int one = 1" in read
    assert "int two = 1" in read


@needs("clang")
def test_clang(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "clang -c helper.c -o helper.o; clang main.c helper.o -o prog")
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    assert "return 1" in text(recording, unit(recording, "helper.c"))


@needs("ccache")
@pytest.mark.parametrize(
    "compiler", ["ccache cc", "PATH=/usr/lib/ccache:$PATH cc"], ids=["in front", "as the compiler"]
)
def test_a_compiler_cache(tmp_path: Path, compiler: str) -> None:
    write_tree(tmp_path, SOURCES)
    script = f"export CCACHE_DIR=$PWD/cache; for n in 1 2; do {compiler} -c main.c helper.c; cc -o prog *.o; done"
    script = script.replace("-c main.c helper.c", "-c main.c; " + compiler + " -c helper.c")
    for _ in range(2):  # filled by the first, used by the second
        recording = shell(tmp_path, script)
        assert linked(recording) == {"prog": ["helper.c", "main.c"]}
        assert not os.path.basename(recording.units[0].command.arguments[0]).startswith("ccache")
        assert "return 1" in text(recording, unit(recording, "helper.c"))


def test_a_failing_build_names_its_last_failing_command_and_keeps_the_old_recording(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    before = shell(tmp_path, "cc main.c helper.c -o prog")
    write_tree(tmp_path, {"main.c": "int main(void) { return }\n"})
    with pytest.raises(BuildError) as caught:
        record(tmp_path, "sh", "-c", "cc -c -O3 main.c; exit 7")
    assert "failed with exit code 7" in caught.value.message
    assert "-c -O3 main.c" in caught.value.hint
    assert str(tmp_path) in caught.value.hint
    assert load_recording(tmp_path) == before


def test_a_build_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was ended by signal 9"):
        record(tmp_path, "sh", "-c", "kill -9 $$")


def test_a_build_that_compiles_nothing(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="compiled nothing") as caught:
        record(tmp_path, "true")
    assert "clean" in caught.value.hint


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no-such-command was not found"):
        record(tmp_path, "no-such-command", "-j2")


def test_a_root_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a directory"):
        record(tmp_path / "nowhere", "make")


def test_a_source_that_is_gone_when_the_build_ends(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    recording = shell(tmp_path, "echo 'int made;' >made.c; cc -o prog main.c helper.c made.c; rm made.c")
    assert unit(recording, "made.c").problem == f"{tmp_path}/made.c no longer exists"
    assert unit(recording, "main.c").problem == ""


def test_a_recording_of_another_format_is_refused(tmp_path: Path) -> None:
    write_tree(tmp_path, SOURCES)
    shell(tmp_path, "cc main.c helper.c")
    (tmp_path / ".patchkit/recording.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="damaged or was written by another version"):
        load_recording(tmp_path)


def test_no_recording(tmp_path: Path) -> None:
    assert load_recording(tmp_path) is None
