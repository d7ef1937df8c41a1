"""The bundle's file: a deterministic archive, its manifest and its signature. docs/protocol.md describes it."""

import gzip
import hashlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchkit.errors import InputError, PatchkitError, ToolError

MANIFEST, SIGNATURE, PAYLOAD = "manifest", "manifest.sig", "payload"
_FIRST = "patchkit-bundle 1"
_NAMESPACE = "patchkit"
_LARGEST = 1 << 30


class UntrustedError(PatchkitError):
    """A bundle is not what its manifest or signature says."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle is: build-ids in hexadecimal, `expires` in seconds since 1970 or None, `digests` by member."""

    program: str
    old: str
    new: str
    sequence: int
    expires: int | None
    reversible: bool
    functions: int
    irreversible: str = ""  # why it cannot be reverted
    digests: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """Return the lines of the manifest."""
        lines = [
            _FIRST,
            f"program {self.program}",
            f"from {self.old}",
            f"to {self.new}",
            f"sequence {self.sequence}",
            f"expires {'never' if self.expires is None else self.expires}",
            f"reversible {'yes' if self.reversible else 'no'}",
            *((f"irreversible {' '.join(self.irreversible.split())}",) if self.irreversible else ()),
            f"functions {self.functions}",
            *(f"sha256 {name} {digest}" for name, digest in self.digests),
        ]
        return "\n".join(lines) + "\n"


def parse_manifest(text: str, path: Path) -> Manifest:
    """Return the manifest in `text`. Raises InputError, which names the bundle at `path`."""
    lines = text.splitlines()
    if not lines or lines[0] != _FIRST:
        raise InputError(f"{path} is no bundle that this patchkit knows", hint="make it again: patchkit bundle")
    values: dict[str, str] = {}
    digests = []
    for line in lines[1:]:
        key, _, value = line.partition(" ")
        if key == "sha256":
            name, _, digest = value.partition(" ")
            digests.append((name, digest))
        else:
            values[key] = value
    try:
        expires = values["expires"]
        return Manifest(
            program=values["program"],
            old=values["from"],
            new=values["to"],
            sequence=int(values["sequence"]),
            expires=None if expires == "never" else int(expires),
            reversible=values["reversible"] == "yes",
            functions=int(values["functions"]),
            irreversible=values.get("irreversible", ""),
            digests=tuple(digests),
        )
    except (KeyError, ValueError) as problem:
        raise InputError(f"{path}: its manifest is damaged ({problem})", hint="make the bundle again") from problem


def compressed(data: bytes) -> bytes:
    """Return `data` in gzip's format, the same bytes at any time."""
    return gzip.compress(data, mtime=0)


def write_bundle(path: Path, manifest: Manifest, members: Mapping[str, bytes], key: Path | None) -> Manifest:
    """Write a bundle of `members`, in their order, signed with the private key at `key` if there is one."""
    digests = tuple((name, hashlib.sha256(data).hexdigest()) for name, data in members.items())
    complete = replace(manifest, digests=digests)
    text = complete.text().encode()
    contents = {MANIFEST: text}
    if key is not None:
        contents[SIGNATURE] = _sign(text, key)
    contents |= members
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in contents.items():
            row = tarfile.TarInfo(name)
            row.size, row.mode = len(data), 0o644
            archive.addfile(row, io.BytesIO(data))
    partial = path.with_name(f"{path.name}.part")
    try:
        partial.write_bytes(out.getvalue())
        partial.replace(path)
    except OSError as problem:
        raise InputError(f"{path} cannot be written: {problem.strerror}") from problem
    return complete


def read_bundle(path: Path) -> tuple[Manifest, dict[str, bytes]]:
    """Return the manifest and members of the bundle at `path`, digests checked. Raises InputError, UntrustedError."""
    members: dict[str, bytes] = {}
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is too large for a bundle")
        with tarfile.open(path, mode="r:") as archive:
            for row in archive:
                file = archive.extractfile(row) if row.isreg() else None
                if file is not None:
                    members[row.name] = file.read()
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror or problem}") from problem
    except tarfile.TarError as problem:
        raise InputError(f"{path} is no bundle: {problem}", hint="bundles are made by patchkit bundle") from problem
    if MANIFEST not in members or PAYLOAD not in members:
        raise InputError(f"{path} is no bundle: it lacks a manifest or payload", hint="make it again: patchkit bundle")
    manifest = parse_manifest(members[MANIFEST].decode("utf-8", "replace"), path)
    for name, digest in manifest.digests:
        if name not in members or hashlib.sha256(members[name]).hexdigest() != digest:
            raise UntrustedError(f"{path}: its {name} is not what its manifest says", hint="fetch or make it again")
    if PAYLOAD not in dict(manifest.digests):
        raise UntrustedError(f"{path}: its manifest does not name the payload", hint="make it again: patchkit bundle")
    return manifest, members


def check_signature(path: Path, members: Mapping[str, bytes], signers: Path) -> None:
    """Raise UntrustedError unless the bundle is signed by a key in `signers` (see ALLOWED SIGNERS in ssh-keygen(1))."""
    if SIGNATURE not in members:
        raise UntrustedError(f"{path} is not signed (PKB803)", hint="sign it: patchkit bundle --sign KEY")
    with tempfile.NamedTemporaryFile() as file:
        file.write(members[SIGNATURE])
        file.flush()
        options = ("verify", "-n", _NAMESPACE, "-I", _NAMESPACE, "-f", str(signers), "-s", file.name)
        done = _keygen(options, members[MANIFEST])
    if done.returncode != 0:
        raise UntrustedError(
            f"{path} is signed by none of the keys in {signers} (PKB803)",
            hint=f"each line there reads: {_NAMESPACE} ssh-ed25519 AAAA…",
        )


def _sign(text: bytes, key: Path) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / MANIFEST
        file.write_bytes(text)
        done = _keygen(("sign", "-n", _NAMESPACE, "-f", str(key), str(file)), b"")
        if done.returncode != 0:
            raise InputError(f"{key} does not sign: {done.stderr.decode(errors='replace').strip()}")
        return file.with_name(f"{MANIFEST}.sig").read_bytes()


def _keygen(options: Sequence[str], text: bytes) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["ssh-keygen", "-Y", *options], input=text, check=False, capture_output=True)
    except OSError as problem:
        raise ToolError(f"ssh-keygen cannot be run: {problem.strerror}", hint="install openssh-client") from problem
