"""Fetches a source package of the distribution and unpacks it, as upstream wrote it or with the packagers' patches.

The system's own apt configuration is read and never written: where it names no source packages, a private one does,
with its lists beside what is fetched. Nothing here needs root.
"""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

APT_TIMEOUT = 300  # seconds
SYSTEM_SOURCES = Path("/etc/apt")


class Unavailable(Exception):
    """The archive cannot be reached or has no such package; the message says why."""


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """The files of a source package; `version` is the packagers', `packaging` None in formats before `3.0 (quilt)`."""

    name: str
    version: str
    upstream: Path
    packaging: Path | None

    @property
    def upstream_version(self) -> str:
        """The version without epoch and packagers' revision."""
        return self.version.split(":")[-1].rsplit("-", 1)[0]


def fetch(name: str, folder: Path) -> SourcePackage:
    """Return source package `name`, downloaded into `folder` where it is not there yet. Raises Unavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("*.dsc")) or not list(folder.glob("*.orig.tar.*")):
        try:
            _download(name, folder)
        except FileNotFoundError as problem:
            raise Unavailable("this is not a Debian system: there is no apt-get") from problem
        except subprocess.TimeoutExpired as problem:
            raise Unavailable(f"the archive did not answer within {APT_TIMEOUT} seconds") from problem
    return _described(name, folder)


def unpack_upstream(package: SourcePackage, target: Path) -> None:
    """Unpack what upstream wrote into the new directory `target`."""
    target.mkdir(parents=True)
    _run(["tar", "-xf", str(package.upstream), "--strip-components=1", "-C", str(target)])


def unpack_patched(package: SourcePackage, target: Path) -> int:
    """Unpack into the new directory `target`, apply the packagers' patches and return how many those are."""
    unpack_upstream(package, target)
    names = read_series(package)
    apply_patches(package, target, names)
    return len(names)


def read_series(package: SourcePackage) -> tuple[str, ...]:
    """Return the names of the packagers' patches, in the order in which they are applied."""
    if package.packaging is None:
        raise Unavailable(f"source package {package.name} keeps no separate patches")
    text = _run(["tar", "-xOf", str(package.packaging), "debian/patches/series"])
    return tuple(line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#"))


def apply_patches(package: SourcePackage, target: Path, names: Iterable[str]) -> None:
    """Unpack the packaging into the tree `target` of upstream's sources, and apply these of its patches."""
    if package.packaging is None:
        raise Unavailable(f"source package {package.name} keeps no separate patches")
    _run(["tar", "-xf", str(package.packaging), "-C", str(target)])
    for name in names:
        _run(["patch", "-s", "-p1", "-d", str(target), "-i", str((target / "debian/patches" / name).resolve())])


def _download(name: str, folder: Path) -> None:
    command = ["apt-get", "-qq", "--download-only", "source", name]
    if _apt(command, folder).returncode == 0:
        return
    private = _private_options(folder / "apt")
    _apt(["apt-get", "-qq", *private, "update"], folder)
    done = _apt(["apt-get", "-qq", *private, *command[2:]], folder)
    for older in _versions(name, private, folder) if done.returncode != 0 else ():
        # The lists may name a version that the archive has not yet, or no longer.
        done = _apt(["apt-get", "-qq", *private, *command[2:-1], f"{name}={older}"], folder)
        if done.returncode == 0:
            break
    if done.returncode != 0 or not list(folder.glob("*.dsc")):
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise Unavailable(said[0].removeprefix("E:").strip() if said else f"apt-get ended with {done.returncode}")


def _versions(name: str, private: list[str], folder: Path) -> list[str]:
    """Return the versions that the archive lists, the newest first."""
    shown = _apt(["apt-cache", *private, "showsrc", name], folder).stdout
    found = {line.split()[1] for line in shown.splitlines() if line.startswith("Version: ")}
    ordered = subprocess.run(["sort", "-Vr"], input="\n".join(found), capture_output=True, text=True, check=False)
    return ordered.stdout.split()


def _private_options(folder: Path) -> list[str]:
    """Make an apt configuration whose entries are the machine's own, asking for source packages; return its options."""
    for part in ("lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    one_line = [SYSTEM_SOURCES / "sources.list", *sorted(SYSTEM_SOURCES.glob("sources.list.d/*.list"))]
    (folder / "parts").mkdir(exist_ok=True)
    (folder / "parts/source.list").write_text("".join(_source_lines(one_line)), encoding="utf-8")
    stanzas = "\n".join(_source_stanzas(sorted(SYSTEM_SOURCES.glob("sources.list.d/*.sources"))))
    (folder / "parts/source.sources").write_text(stanzas, encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "parts",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _source_lines(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        for line in _text(path).splitlines():
            if line.startswith("deb "):
                yield f"deb-src {line.removeprefix('deb ')}\n"


def _source_stanzas(paths: Iterable[Path]) -> Iterable[str]:
    for path in paths:
        for stanza in _text(path).split("\n\n"):
            lines = [line for line in stanza.splitlines() if not line.startswith("#")]
            types = [line for line in lines if line.startswith("Types:")]
            if types and "deb" in types[0].split():
                yield "\n".join("Types: deb-src" if line in types else line for line in lines) + "\n"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _described(name: str, folder: Path) -> SourcePackage:
    description = next(folder.glob("*.dsc")).read_text(encoding="utf-8")
    version = next((line.split()[1] for line in description.splitlines() if line.startswith("Version: ")), "")
    upstream = [path for path in folder.glob("*.orig.tar.*") if path.suffix != ".asc"]
    if not version or not upstream:
        raise Unavailable(f"{folder} holds no complete source package; remove it to fetch again")
    return SourcePackage(name, version, upstream[0], next(folder.glob("*.debian.tar.*"), None))


def _apt(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=APT_TIMEOUT, check=False
    )


def _run(command: list[str]) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout
