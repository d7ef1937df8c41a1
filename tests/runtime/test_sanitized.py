"""The runtime under sanitizers: what others wrote is read within its bounds, and threads stand still in order."""

import shutil
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ROOT, run
from tests.support.hazards import make_versions, shared_cache

RUNTIME = ROOT / "patchkit/runtime"
PARTS = ("payload", "bundle", "sha256", "unwind", "ring", "sys")
SANITIZERS = ("address,undefined", "thread")
FLAGS = ("-std=gnu11", "-O1", "-g", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-w")
SOURCE = "int limit = 3;\n__attribute__((noinline)) int f(int x) { return x > limit ? x : 7; }\n"
MAIN = '#include <stdio.h>\nint main(void) { return printf("%s %d\\n", "VERSION", f(getchar())); }\n'


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle, its payload, unwind information of an executable, and a ring."""
    folder = tmp_path_factory.mktemp("inputs")
    with shared_cache(tmp_path_factory):
        versions = make_versions(folder, SOURCE + MAIN)
    shutil.copy(versions.bundles[0], folder / "bundle")
    with tarfile.open(versions.bundles[0]) as archive:
        member = archive.extractfile("payload")
        assert member is not None
        (folder / "payload").write_bytes(member.read())
    (folder / "frames").write_bytes(unwind_information(folder / "v1/server"))
    lines = b"".join(b"%d switched after %d us\n" % (number, number) for number in range(3000))[-65520:]
    (folder / "ring").write_bytes(b"PKRING1\n" + struct.pack("<Q", 70000) + lines)
    return folder


def unwind_information(executable: Path) -> bytes:
    """Return .eh_frame_hdr and what follows up to the end of .eh_frame, as both lie in memory."""
    from elftools.elf.elffile import ELFFile

    with executable.open("rb") as file:
        elf = ELFFile(file)
        first, last = elf.get_section_by_name(".eh_frame_hdr"), elf.get_section_by_name(".eh_frame")
        assert first is not None
        assert last is not None
        file.seek(first["sh_offset"])
        return file.read(last["sh_offset"] + last["sh_size"] - first["sh_offset"])


@pytest.fixture(scope="module", params=[(c, s) for c in ("gcc", "clang") for s in SANITIZERS], ids="-".join)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """What builds a program of this folder with parts of the runtime, by one compiler with one sanitizer."""
    compiler, sanitizer = request.param
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler} (Debian: {compiler})")
    folder = tmp_path_factory.mktemp(f"{compiler}-{sanitizer}")

    def built(name: str, parts: tuple[str, ...], *flags: str) -> Path:
        sources = [str(RUNTIME / f"src/{part}.c") for part in parts]
        sources += [str(RUNTIME / "arch/x86_64.c"), str(ROOT / f"tests/runtime/{name}.c")]
        command = [compiler, *FLAGS, f"-fsanitize={sanitizer}", *flags, "-o", str(folder / name), *sources, "-lpthread"]
        done = run(*command, cwd=ROOT)
        if "libclang_rt" in done.err:
            pytest.skip("needs the sanitizers of clang (Debian: libclang-rt-14-dev)")
        assert done.code == 0, done.err
        return folder / name

    return built


@pytest.fixture(scope="module")
def harness(build: Callable[..., Path]) -> Path:
    """What reads inputs."""
    return build("harness", PARTS)


# How often each is cut and changed.
@pytest.mark.parametrize(("part", "times"), [("payload", 3000), ("bundle", 200), ("frames", 300), ("ring", 60)])
def test_whatever_an_input_holds_it_is_read_within_its_bounds(
    part: str, times: int, harness: Path, inputs: Path, tmp_path: Path
) -> None:
    done = run(str(harness), part, str(inputs / part), str(times), str(tmp_path), cwd=tmp_path)
    assert done.code == 0, done.err[-3000:]
    words = dict(zip(*[iter(done.out.split())] * 2, strict=True))
    assert words["whole"] == "1", done.out
    if part == "payload":
        assert words["cut"] == "0", done.out


def test_threads_that_come_and_go_and_end_after_they_were_let_go_are_gathered_in_order(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    """One that ended after it was found in no good place was once waited for until the time was over."""
    program = build("gathering", ("threads", "sys"), "-Wl,--wrap=pk__close,--wrap=pk__thread_total")
    done = run(str(program), "200", cwd=tmp_path)
    assert done.code == 0, done.err[-3000:]
    assert done.out.startswith("gathered 200 most ")
    assert int(done.out.split()[-1]) >= 5


def test_objects_packed_at_random_are_found_and_passed_over_in_order(
    build: Callable[..., Path], tmp_path: Path
) -> None:
    program = build("objects", ("objects", "places", "order", "sys"))
    done = run(str(program), "1", "60", cwd=tmp_path)
    assert done.code == 0, done.err[-3000:]
    assert int(done.out) > 60_000
