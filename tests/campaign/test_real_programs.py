"""Real programs from the distribution's source packages: built with their own build systems, every source must read.

What is read is compared with the debug information and the symbol table of the executable that the same build linked.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpora.archive import SourcePackage, Unavailable, fetch, unpack_upstream
from patchkit.model.codec import load_program
from patchkit.read.record import load_recording
from tests.support import ROOT, needs, patchkit
from tests.support.agreement import agreed

pytestmark = [pytest.mark.campaign, needs("readelf")]

_NGINX = (
    "--with-http_ssl_module --with-http_v2_module --with-stream --with-stream_ssl_module --with-mail --with-threads"
)


@dataclass(frozen=True, slots=True)
class Real:
    """A source package, the shell command that builds it, the program to look at, and the headers that it needs."""

    package: str
    build: str
    program: str
    headers: tuple[str, ...] = ()


PROGRAMS = (
    Real("dnsmasq", "make -j2 CFLAGS='-O2 -g'", "dnsmasq"),
    Real("icecast2", "./configure && make -j2", "icecast", ("libxslt/xslt.h", "vorbis/codec.h")),
    Real("memcached", "./configure --enable-proxy && make -C vendor && make -j2 memcached", "memcached", ("event.h",)),
    Real("mosquitto", "make -j2 -C src WITH_CJSON=no", "mosquitto", ("openssl/ssl.h",)),
    Real("nginx", f"./configure --with-debug --with-cc-opt='-O2 -g' {_NGINX} && make -j2", "nginx", ("openssl/ssl.h",)),
    Real("redis", "make -j2 MALLOC=libc CFLAGS=-g", "redis-server"),
    Real(
        "tor", "./configure --disable-asciidoc && make -j2 src/app/tor", "tor", ("event.h", "openssl/ssl.h", "zlib.h")
    ),
    Real("vsftpd", "make CFLAGS='-O2 -g -idirafter dummyinc'", "vsftpd"),
)


@pytest.mark.parametrize("real", PROGRAMS, ids=lambda real: real.package)
def test_every_source_of_the_program_reads_as_it_was_compiled(real: Real, tmp_path: Path) -> None:
    tree = unpacked(real, tmp_path / "tree")
    recorded = patchkit("record", "--", "sh", "-ec", real.build, cwd=tree)
    assert recorded.code == 0, recorded.err[-2000:]
    done = patchkit("read", ".", "--program", real.program, "-o", "model.json", cwd=tree)
    assert done.code == 0, done.err
    program = load_program(tree / "model.json", label=real.package)
    assert program.units
    assert program.gaps == ()
    recording = load_recording(tree, environ=os.environ)
    assert recording is not None
    assert agreed(recording, real.program).functions == program.functions
    itself = patchkit("diff", ".", "model.json", "--program", real.program, cwd=tree)
    assert itself.out.startswith("NO CHANGE"), itself.out


def unpacked(real: Real, target: Path) -> Path:
    """Fetch and unpack what upstream wrote; skip where that, or a header, is not to be had."""
    missing = [header for header in real.headers if not Path("/usr/include", header).exists()]
    if missing:
        pytest.skip(f"needs the headers {', '.join(missing)}")
    package = fetched(real.package)
    shutil.rmtree(target, ignore_errors=True)
    unpack_upstream(package, target)
    return target


def fetched(name: str) -> SourcePackage:
    """Fetch a source package into the folder that is kept, or skip."""
    try:
        return fetch(name, ROOT / "corpora/.fetched" / name)
    except Unavailable as problem:
        pytest.skip(f"{name} is not to be had: {problem}")
