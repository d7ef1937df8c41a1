"""What a campaign works with, made when asked for: recorded programs, signed bundles, keys, both runtimes."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from patchkit.bundle.archive import MANIFEST, PAYLOAD, SIGNATURE, Manifest, read_bundle, write_bundle
from patchkit.runtime import HERE, LIBRARY, library
from patchkit.runtime.building import build_runtime
from tests.support import ROOT, patchkit, run
from tests.support.chains import copy_source, recorded
from tests.support.hazards import source_of
from tests.support.small import record_program

HOSTILE = Path(__file__).with_name("hostile.c")
UPDATE = ROOT / "corpora/programs/kvd/updates/v1--v2"
CONSTRUCTOR = "\n__attribute__((constructor)) static void crash_at_the_start(void) { *(volatile int *)8 = 1; }\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A signed bundle; `old` and `new` are build-ids, `told` is what the program calls itself afterwards."""

    path: Path
    old: str
    new: str
    told: str


class Stock:
    """Everything lies below `folder`; both builds of the runtime are kept in `cache`."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.cache = cache
        self._bundles: dict[str, Bundle] = {}

    def binary(self, program: str) -> Path:
        """Return the executable of a program's first version."""
        if program in ("threads", "busy"):
            return self._threads("v1") / "server"
        return recorded(program, "v1", self._home(program)) / program

    def runtime(self, *, faulty: bool) -> Path:
        """Return the runtime to preload; the faulty one is built with PK_FAULTS, so that its allocations can fail."""
        if not faulty:
            return library(self.cache)
        home = self.folder / "runtime"
        if not home.exists():
            shutil.copytree(HERE, home, ignore=shutil.ignore_patterns("__pycache__"))
            with (home / "flags").open("a") as flags:
                flags.write("-DPK_FAULTS\n")
        return build_runtime(home, self.cache, None) / LIBRARY

    def key(self, name: str) -> Path:
        """Return a private key."""
        path = self.folder / f"{name}.key"
        if not path.exists():
            done = run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), cwd=self.folder)
            assert done.code == 0, done.err
        return path

    @cached_property
    def signers(self) -> Path:
        """The file with the one key whose bundles all processes take."""
        path = self.folder / "signers"
        path.write_text(f"patchkit {self.key('ours').with_suffix('.key.pub').read_text()}")
        return path

    def step(self, program: str, old: str, new: str, told: str) -> Bundle:
        """Return the bundle from one version to a later one that differs in code alone."""

        def make() -> tuple[str, ...]:
            if program == "threads":
                return str(self._threads(old)), str(self._threads(new))
            home = self._home(program)
            return str(recorded(program, old, home)), str(recorded(program, new, home))

        return self._bundle(f"{program}-{old}-{new}", told, make)

    @property
    def kvd(self) -> Bundle:
        """Code changes, from v1."""
        return self.step("kvd", "v1", "v1.1", "1.0.1")

    @property
    def cached(self) -> Bundle:
        """Code changes, from v1."""
        return self.step("cached", "v1", "v2", "1.1")

    @property
    def threads(self) -> Bundle:
        """Code changes, in a program with threads that come and go."""
        return self.step("threads", "v1", "v2", "v2")

    @property
    def state(self) -> Bundle:
        """The types of kvd's live state change; there is no way back."""
        return self._authored("state", None)

    @property
    def hostile(self) -> Bundle:
        """The same, with conversions that go wrong where the server's option `maxclients` says so."""
        return self._authored("hostile", HOSTILE)

    @property
    def constructor(self) -> Bundle:
        """The code of kvd changes, and the new version has a constructor that crashes."""

        def make() -> tuple[str, ...]:
            home = self._home("constructor")
            if not (home / "v1.1").exists():
                source = copy_source("kvd", "v1.1", home)
                with (source / "version.c").open("a") as file:
                    file.write(CONSTRUCTOR)
                _succeed("record", "--", "make", cwd=source)
            return str(recorded("kvd", "v1", self._home("kvd"))), str(home / "v1.1")

        return self._bundle("constructor", "1.0.1", make)

    def changed(self, bundle: Bundle, key: str | None = "ours", **fields: object) -> Bundle:
        """Return a bundle whose manifest differs in `fields`, signed by another key or (None) by none."""
        return self.rewritten(bundle, key, lambda manifest, members: replace(manifest, **fields))  # type: ignore[arg-type]

    def rewritten(
        self, bundle: Bundle, key: str | None, change: Callable[[Manifest, dict[str, bytes]], Manifest]
    ) -> Bundle:
        """Return a bundle whose manifest is what `change` makes of it; that may also change the members in place."""
        manifest, members = read_bundle(bundle.path)
        for name in (MANIFEST, SIGNATURE):
            members.pop(name, None)
        written = change(manifest, members)
        path = self.scratch("changed.pkb")
        write_bundle(path, written, members, self.key(key) if key else None)
        return replace(bundle, path=path)

    def scratch(self, name: str) -> Path:
        """Return a path for a file that the next run may overwrite."""
        return self.folder / name

    def _home(self, program: str) -> Path:
        path = self.folder / program
        path.mkdir(exist_ok=True)
        return path

    def _threads(self, version: str) -> Path:
        place = self._home("threads") / version
        if not place.exists():
            record_program(place, {"server.c": source_of("threads.c").replace("VERSION", version)})
        return place

    def _authored(self, name: str, transform: Path | None) -> Bundle:
        def make() -> tuple[str, ...]:
            home = self._home("kvd")
            sides = tuple(str(recorded("kvd", version, home)) for version in ("v1", "v2"))
            update = home / "updates" / name
            if not update.exists():
                shutil.copytree(UPDATE, update)
                if transform is not None:
                    for subject in ("code before", "code struct client"):
                        _succeed("decide", subject, "transform.c", "--reason", "it fails", "-u", str(update), cwd=home)
                    shutil.copy(transform, update / "transform.c")
                _succeed("plan", str(update), cwd=home)
            return (*sides, "--update", str(update))

        return self._bundle(name, "1.1", make)

    def _bundle(self, name: str, told: str, make: Callable[[], tuple[str, ...]]) -> Bundle:
        if name not in self._bundles:
            path = self.folder / f"{name}.pkb"
            if not path.exists():
                _succeed("bundle", *make(), "-o", str(path), "--sign", str(self.key("ours")), cwd=self.folder)
            manifest, _ = read_bundle(path)
            self._bundles[name] = Bundle(path, manifest.old, manifest.new, told)
        return self._bundles[name]


def with_other_origin(manifest: Manifest, members: dict[str, bytes], build: bytes) -> Manifest:
    """Let a bundle be for the build-id `build`; for `Stock.rewritten`."""
    members[PAYLOAD] = members[PAYLOAD].replace(bytes.fromhex(manifest.old), build, 1)
    return replace(manifest, old=build.hex())


def environment(stock: Stock, *, faulty: bool) -> Mapping[str, str]:
    """Return what a program needs in its environment to hold the runtime and to take our bundles only."""
    return {"LD_PRELOAD": str(stock.runtime(faulty=faulty)), "PATCHKIT_TRUSTED_KEYS": str(stock.signers)}


def _succeed(*words: str, cwd: Path) -> None:
    done = patchkit(*words, cwd=cwd, environ={"MAKEFLAGS": ""})
    assert done.code == 0, done.out + done.err
