"""How the arguments of compilers, linkers and archivers are understood."""

import pytest

from patchkit.read.record.archive import ArchiveAction, understand_archiver
from patchkit.read.record.copying import understand_copy
from patchkit.read.record.driver import (
    Input,
    Language,
    Mode,
    Source,
    preprocessing_arguments,
    understand_compiler,
    understand_linker,
)
from patchkit.read.record.events import Tool

# Options whose value is a word of its own that looks like a source: it must not be taken for one.
WITH_VALUES = (
    "-o -I -D -U -L -T -u -e -z -B -MF -MT -MQ -include -imacros -include-pch -iquote -isystem -idirafter"
    " -isysroot --sysroot -Xlinker -Xassembler"
    " -Xpreprocessor -Xclang -mllvm -target -aux-info --param -dumpbase -dumpdir -wrapper"
)


@pytest.mark.parametrize("option", WITH_VALUES.split())
def test_the_value_of_an_option_is_no_source(option: str) -> None:
    action = understand_compiler(["cc", option, "value.c", "-c", "main.c"])
    assert action.sources == (Source("main.c", Language.C),)


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        ("main.c", Mode.LINK),
        ("-c main.c", Mode.OBJECT),
        ("-S main.c", Mode.ASSEMBLY),
        ("-c -S main.c", Mode.ASSEMBLY),
        ("-c -E main.c", Mode.NOTHING),
        ("-MM main.c", Mode.NOTHING),
        ("-MM -MF x.d -c main.c", Mode.NOTHING),
        ("-MD -c main.c", Mode.OBJECT),
        ("-c config.h", Mode.NOTHING),
        ("-### main.c", Mode.NOTHING),
        ("-v", Mode.NOTHING),
        ("-print-file-name=crt1.o", Mode.NOTHING),
        ("-x c -", Mode.NOTHING),
        ("main.o -lm", Mode.LINK),
    ],
)
def test_modes(arguments: str, mode: Mode) -> None:
    assert understand_compiler(["cc", *arguments.split()]).mode is mode


@pytest.mark.parametrize(
    ("compiler", "arguments", "language"),
    [
        ("cc", "a.c", Language.C),
        ("/usr/bin/g++-12", "a.c", Language.CXX),
        ("clang++", "-x c a.cc", Language.CXX),
        ("gcc", "-x c a.cc", Language.C),
        ("gcc", "-xc a.cc", Language.C),
        ("gcc", "-x c++ a.c", Language.CXX),
        ("gcc", "-x c++ -x none a.c", Language.C),
        ("gcc", "a.C", Language.CXX),
        ("gcc", "a.S", Language.ASSEMBLER),
        ("gcc", "-x assembler-with-cpp a.c", Language.ASSEMBLER),
        ("gcc", "a.f90", Language.OTHER),
        ("gcc", "-x d a.c", Language.OTHER),
    ],
)
def test_languages(compiler: str, arguments: str, language: Language) -> None:
    assert [source.language for source in understand_compiler([compiler, *arguments.split()]).sources] == [language]


def test_what_a_compiler_links() -> None:
    words = (
        "-o prog a.o -L lib -Lmore -lone -Wl,-Bstatic -ltwo -Wl,-Bdynamic -l three -Wl,--start-group,x.a,--end-group"
    )
    action = understand_compiler(["cc", *words.split()])
    assert (action.output, action.search) == ("prog", ("lib", "more"))
    assert action.inputs == (
        Input("a.o"),
        Input("one", library=True),
        Input("two", library=True, static=True),
        Input("three", library=True),
        Input("x.a"),
    )


def test_what_a_linker_links() -> None:
    words = (
        "ld -m elf_x86_64 -dynamic-linker /lib/ld.so -z relro -soname lib.so.1 -rpath-link /x --rpath-link /y"
        " -r -o all.o --hash-style gnu --build-id a.o b.a -lc -T script.ld -Map map.o"
    )
    action = understand_linker(words.split())
    assert (action.output, action.relocatable) == ("all.o", True)
    assert action.inputs == (Input("a.o"), Input("b.a"), Input("c", library=True))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ar rcs lib.a a.o b.o", ArchiveAction("r", "lib.a", ("a.o", "b.o"))),
        ("ar -rv lib.a a.o", ArchiveAction("r", "lib.a", ("a.o",))),
        ("ar rb first.o lib.a a.o", ArchiveAction("r", "lib.a", ("a.o",))),
        ("ar rcP lib.a d/a.o", ArchiveAction("r", "lib.a", ("d/a.o",), full_names=True)),
        ("ar --plugin p.so rc lib.a a.o", ArchiveAction("r", "lib.a", ("a.o",))),
        ("ar xN 2 lib.a a.o", ArchiveAction("x", "lib.a", ("a.o",))),
        ("ar -M", None),
        ("ar --version", None),
    ],
)
def test_what_an_archiver_does(words: str, expected: ArchiveAction | None) -> None:
    assert understand_archiver(words.split()) == expected


@pytest.mark.parametrize(
    ("tool", "words", "expected"),
    [
        (Tool.COPY, "cp -p a.o b.o", [("/d/a.o", "/d/b.o")]),
        (Tool.COPY, "cp -t / a.o b.o", [("/d/a.o", "/a.o"), ("/d/b.o", "/b.o")]),
        (Tool.COPY, "cp --target-directory=/ a.o", [("/d/a.o", "/a.o")]),
        (Tool.COPY, "install -m 755 -o root prog /x/prog", [("/d/prog", "/x/prog")]),
        (Tool.COPY, "ln -sf ../e/a.o sub/b.o", [("/d/e/a.o", "/d/sub/b.o")]),
        (Tool.OBJCOPY, "objcopy -R .comment --redefine-sym a=b a.o b.o", [("/d/a.o", "/d/b.o")]),
        (Tool.OBJCOPY, "objcopy a.o", []),
        (Tool.STRIP, "strip -g a.o b.o", []),
        (Tool.STRIP, "strip -o b.o a.o", [("/d/a.o", "/d/b.o")]),
    ],
)
def test_what_is_copied(tool: Tool, words: str, expected: list[tuple[str, str]]) -> None:
    assert understand_copy(tool, words.split(), "/d") == expected


def test_the_command_that_reads_a_source_again() -> None:
    words = (
        "gcc -O2 -std=c99 -DX=1 -Iinc -Wp,-MMD,own.d,-DY -MMD -MFown.d -MT x -aux-info p.txt -save-temps=obj -Werror"
        " -c one.c two.c -o out.o -Llib -lm -Wl,-s object.o"
    )
    arguments = preprocessing_arguments(words.split(), "/d", "/d/two.c", "/d")
    own = arguments[: arguments.index("-E")]
    assert own == ["gcc", "-O2", "-std=c99", "-DX=1", "-Iinc", "-Wp,-DY"]
    assert arguments[-1] == "two.c"
