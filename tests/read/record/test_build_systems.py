"""Programs built by the usual build systems, as their users build them."""

from pathlib import Path

import pytest

from tests.support import needs, write_tree
from tests.support.builds import SOURCES, linked, record, shell, unit

CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(example C)
include(CheckFunctionExists)
include(CheckCSourceCompiles)
check_function_exists(strdup HAVE_STRDUP)
check_c_source_compiles("int main(void) { return not_there; }" HAVE_NOTHING)
add_library(helper STATIC helper.c)
add_library(plugin SHARED plugin.c)
add_executable(prog main.c)
target_link_libraries(prog helper)
"""


@needs("cmake")
@pytest.mark.parametrize("generator", ["Unix Makefiles", pytest.param("Ninja", marks=needs("ninja"))])
def test_cmake(tmp_path: Path, generator: str) -> None:
    write_tree(tmp_path, {**SOURCES, "plugin.c": "int plugin;\n", "CMakeLists.txt": CMAKE})
    recording = shell(tmp_path, f'cmake -G "{generator}" -S . -B build; cmake --build build -j2')
    assert linked(recording) == {"build/libplugin.so": ["plugin.c"], "build/prog": ["main.c", "helper.c"]}
    assert len(recording.units) == 3


@needs("meson", "ninja")
def test_meson(tmp_path: Path) -> None:
    build = (
        "project('example', 'c')\ncc = meson.get_compiler('c')\ncc.has_function('strdup')\n"
        "helper = static_library('helper', 'helper.c')\nexecutable('prog', 'main.c', link_with: helper)\n"
    )
    write_tree(tmp_path, {**SOURCES, "meson.build": build})
    recording = shell(tmp_path, "meson setup build; ninja -C build")
    assert linked(recording) == {"build/prog": ["main.c", "helper.c"]}
    assert len(recording.units) == 2


CONFIGURE = """#!/bin/sh
echo 'int main(void) { return 0; }' >conftest.c
${CC-cc} -o conftest conftest.c && ./conftest && echo '#define ANSWER 1' >config.h
echo 'int main(void) { return missing(); }' >conftest.c
${CC-cc} -o conftest conftest.c 2>/dev/null || echo '#define NO_MISSING' >>config.h
rm -f conftest*
sed "s/@CC@/${CC-cc}/" Makefile.in >Makefile
"""


def test_a_configure_script_with_a_generated_header(tmp_path: Path) -> None:
    files = {
        "configure": CONFIGURE,
        "Makefile.in": "prog: main.o helper.o\n\t@CC@ -o $@ main.o helper.o\n",
        "main.c": SOURCES["main.c"],
        "helper.c": '#include "config.h"\n#ifdef NO_MISSING\nint helper(void) { return ANSWER; }\n#endif\n',
    }
    write_tree(tmp_path, files)
    recording = shell(tmp_path, "sh configure; make")
    assert linked(recording) == {"prog": ["main.c", "helper.c"]}
    assert str(tmp_path / "config.h") in (recording.digests or {})


@needs("autoreconf", "automake")
@pytest.mark.parametrize("libtool", [False, pytest.param(True, marks=needs("libtoolize"))])
def test_autotools(tmp_path: Path, libtool: bool) -> None:
    files = {
        **SOURCES,
        "configure.ac": "AC_INIT([example], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\n"
        + ("AM_PROG_AR\nLT_INIT\n" if libtool else "AC_PROG_RANLIB\n")
        + "AC_CONFIG_HEADERS([config.h])\nAC_CHECK_FUNCS([strdup missing])\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n",
        "Makefile.am": "bin_PROGRAMS = prog\nprog_SOURCES = main.c\n"
        + (
            "lib_LTLIBRARIES = libhelper.la\nlibhelper_la_SOURCES = helper.c helper.h\nprog_LDADD = libhelper.la\n"
            if libtool
            else "noinst_LIBRARIES = libhelper.a\nlibhelper_a_SOURCES = helper.c helper.h\nprog_LDADD = libhelper.a\n"
        ),
    }
    write_tree(tmp_path, files)
    recording = shell(tmp_path, "autoreconf -i; ./configure; make -j2; make install DESTDIR=$PWD/installed")
    programs = linked(recording)
    if libtool:
        assert programs == {".libs/libhelper.so.0.0.0": ["helper.c"], ".libs/prog": ["main.c"]}
    else:
        assert programs == {"prog": ["main.c", "helper.c"]}
        assert unit(recording, "helper.c").problem == ""


def test_make_that_descends_into_directories(tmp_path: Path) -> None:
    files = {
        "Makefile": "all:\n\t$(MAKE) -C lib\n\t$(MAKE) -C app\n",
        "lib/Makefile": "lib.a: helper.o\n\t$(AR) $(ARFLAGS) $@ $?\n",
        "lib/helper.c": SOURCES["helper.c"],
        "lib/helper.h": SOURCES["helper.h"],
        "app/Makefile": "prog: main.o ../lib/lib.a\n\t$(CC) -o $@ $^\n",
        "app/main.c": SOURCES["main.c"],
    }
    write_tree(tmp_path, files)
    assert linked(record(tmp_path, "make", "-j2")) == {"app/prog": ["app/main.c", "lib/helper.c"]}
