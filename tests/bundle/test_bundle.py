"""`patchkit bundle`: what it makes, what it refuses, and that what it made can be trusted."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from patchkit.bundle.archive import read_bundle
from patchkit.bundle.payload import NONE, NOWHERE, Kind, Payload, read_payload
from tests.support import Outcome, patchkit, run
from tests.support.chains import CHAINS, recorded
from tests.support.small import bundle, record_program


def payload_of(old: Path, new: Path, output: Path) -> Payload:
    """Return the payload of the bundle that takes `old` to `new`."""
    done = bundle(old, new, output)
    assert done.code == 0, done.err
    _, members = read_bundle(output)
    return read_payload(members["payload"])


@pytest.mark.parametrize("program", CHAINS)
def test_every_step_of_a_chain_makes_a_bundle_of_the_same_bytes_twice(program: str, tmp_path: Path) -> None:
    for old, new in pairwise(CHAINS[program]):
        sides = recorded(program, old, tmp_path), recorded(program, new, tmp_path)
        first, again = tmp_path / f"{new}.pkb", tmp_path / f"{new}.again.pkb"
        assert bundle(*sides, first).code == 0
        assert bundle(*sides, again, "-j", "1").code == 0
        assert first.read_bytes() == again.read_bytes()


def test_changed_types_are_refused_by_their_rule(tmp_path: Path) -> None:
    done = bundle(recorded("kvd", "v1", tmp_path), recorded("kvd", "v2", tmp_path), tmp_path / "app.pkb")
    assert done.code == 1
    assert "PKX601" in done.err
    assert not (tmp_path / "app.pkb").exists()


def test_two_sources_of_one_name_keep_their_statics_apart(tmp_path: Path) -> None:
    part = "static int count = {start};\nint {name}_next(void) {{ return count += {step}; }}\n"
    main = "int a_next(void); int b_next(void);\nint main(void) { return a_next() + b_next() > 100; }\n"

    def version(folder: str, step: int) -> Path:
        files = {
            "a/part.c": part.format(start=1, name="a", step=step),
            "b/part.c": part.format(start=2, name="b", step=step),
            "main.c": main,
        }
        return record_program(tmp_path / folder, files)

    payload = payload_of(version("old", 1), version("new", 2), tmp_path / "app.pkb")
    names = {new.name: new for new in payload.news}
    assert names["a/part.c:count"].place == names["b/part.c:count"].place == NOWHERE
    olds = payload.olds[names["a/part.c:count"].old], payload.olds[names["b/part.c:count"].old]
    assert olds[0].place != olds[1].place


def test_static_locals_are_paired_by_function_though_their_symbols_differ(tmp_path: Path) -> None:
    function = "int {name}(void) {{ static int count = 5; return count++; }}\n"
    main = "int main(void) { return first() + second(); }\n"
    old = record_program(
        tmp_path / "old", {"main.c": function.format(name="first") + function.format(name="second") + main}
    )
    new = record_program(
        tmp_path / "new",
        {"main.c": "int added(void) { static int count = 7; return count += 3; }\n" + (old / "main.c").read_text()},
    )
    payload = payload_of(old, new, tmp_path / "app.pkb")
    names = {row.name: row for row in payload.news if row.kind is Kind.VARIABLE}
    assert names["main.c:first:count"].place == names["main.c:second:count"].place == NOWHERE
    assert names["main.c:added:count"].old == NONE


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("struct s { int a; } state;", "struct s { int a; int b; } state;", "PKX601"),
        ("int state;", "long state;", "PKX601"),
        ("_Thread_local int state;", "_Thread_local long state;", "PKD207"),
        ("int state;", "int state; _Thread_local int other; int use(void) { return other++; }", "PKD207"),
    ],
)
def test_what_would_need_a_conversion_is_refused(was: str, now: str, rule: str, tmp_path: Path) -> None:
    main = "\nint main(void) { return sizeof state > 100; }\n"
    old = record_program(tmp_path / "old", {"main.c": was + main})
    new = record_program(tmp_path / "new", {"main.c": now + main})
    done = bundle(old, new, tmp_path / "app.pkb")
    assert done.code == 1
    assert rule in done.err
    assert "Traceback" not in done.err


def test_other_flags_are_refused(tmp_path: Path) -> None:
    source = {"main.c": "int main(void) { return 0; }\n"}
    old = record_program(tmp_path / "old", source)
    new = record_program(tmp_path / "new", source, flags="-O1 -g -fpack-struct")
    done = bundle(old, new, tmp_path / "app.pkb")
    assert done.code == 1
    assert "PKB802" in done.err


def test_a_program_without_build_id_is_refused_with_what_to_do(tmp_path: Path) -> None:
    source = {"main.c": "int main(void) { return 0; }\n"}
    old, new = (record_program(tmp_path / name, source, link="-Wl,--build-id=none") for name in ("old", "new"))
    done = bundle(old, new, tmp_path / "app.pkb")
    assert done.code == 2
    assert "--build-id" in done.err


def test_a_version_survives_clean_and_strip(tmp_path: Path) -> None:
    old = record_program(tmp_path / "old", {"main.c": "int main(void) { return 0; }\n"})
    new = record_program(tmp_path / "new", {"main.c": "int main(void) { return 1; }\n"})
    assert run("strip", "server", cwd=old).code == 0
    for path in (*old.glob("*.o"), *new.glob("*.o"), new / "server"):
        path.unlink()
    assert bundle(old, new, tmp_path / "app.pkb").code == 0


def test_a_source_that_changed_since_it_was_recorded_is_named(tmp_path: Path) -> None:
    old = record_program(tmp_path / "old", {"main.c": "int main(void) { return 0; }\n"})
    new = record_program(tmp_path / "new", {"main.c": "int main(void) { return 1; }\n"})
    (new / "main.c").write_text("int main(void) { return 22; }\n", encoding="utf-8")
    done = bundle(old, new, tmp_path / "app.pkb")
    assert done.code == 2
    assert "main.c" in done.err
    assert "record" in done.err


def test_signed_bundles_are_verified_and_changed_ones_are_not(tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("needs ssh-keygen (Debian: openssh-client)")
    for name in ("ours", "theirs"):
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name, cwd=tmp_path).code == 0
    for name in ("ours", "theirs"):
        (tmp_path / f"{name}.signers").write_text(f"patchkit {(tmp_path / f'{name}.pub').read_text()}")
    old = record_program(tmp_path / "old", {"main.c": "int main(void) { return 0; }\n"})
    new = record_program(tmp_path / "new", {"main.c": "int main(void) { return 1; }\n"})
    path = tmp_path / "app.pkb"
    assert bundle(old, new, path, "--sign", str(tmp_path / "ours")).code == 0

    def verify(signers: str) -> Outcome:
        return patchkit("bundle", "verify", str(path), "--trusted-keys", str(tmp_path / signers), cwd=tmp_path)

    assert verify("ours.signers").code == 0
    refused = verify("theirs.signers")
    assert refused.code == 2
    assert "PKB803" in refused.err
    data = bytearray(path.read_bytes())
    data[-20000] ^= 1
    path.write_bytes(data)
    assert verify("ours.signers").code == 2


def test_inspect_shows_what_a_bundle_is_for(tmp_path: Path) -> None:
    old = record_program(tmp_path / "old", {"main.c": "int main(void) { return 0; }\n"})
    new = record_program(tmp_path / "new", {"main.c": "int main(void) { return 1; }\n"})
    assert bundle(old, new, tmp_path / "app.pkb", "--sequence", "7").code == 0
    done = patchkit("bundle", "inspect", "app.pkb", "--json", cwd=tmp_path)
    facts = json.loads(done.out)
    assert (facts["program"], facts["sequence"], facts["expires"]) == ("server", 7, None)
    notes = run("readelf", "-n", "old/server", cwd=tmp_path).out
    assert facts["from"] in notes


@pytest.mark.parametrize("content", [b"", b"not a bundle", b"\0" * 10240, b"manifest" + b"\0" * 2000])
def test_what_is_no_bundle_is_called_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.pkb").write_bytes(content)
    done = patchkit("bundle", "inspect", "bad.pkb", cwd=tmp_path)
    assert done.code == 2
    assert "bad.pkb" in done.err
    assert "Traceback" not in done.err


def test_what_is_hidden_is_kept_like_everything_external(tmp_path: Path) -> None:
    """A linker makes hidden symbols local, and they are none of the last unit's."""
    state = "int shared = 5; int table[4] = {1, 2, 3, 4}; int add(int n) { return shared += n + table[n & 3]; }\n"
    main = "extern int shared; int add(int); int main(void) { return add(1) + shared; }\n"
    sides = [
        record_program(tmp_path / name, {"state.c": state, "main.c": text}, flags="-O2 -g -fvisibility=hidden")
        for name, text in (("old", main), ("new", main.replace("add(1)", "add(2)")))
    ]
    payload = payload_of(sides[0], sides[1], tmp_path / "update.pkb")
    kept = {row.name: row for row in payload.news if row.place == NOWHERE}
    assert {"shared", "table"} <= kept.keys()
    assert {payload.olds[patch.old].name for patch in payload.patches} == {"add", "main"}


def test_a_part_of_a_function_has_the_key_of_the_function(tmp_path: Path) -> None:
    """So that it is found on a stack when the function changed."""
    text = """
        #include <stdio.h>
        #include <stdlib.h>
        __attribute__((cold, noinline)) void complain(int n) { printf("%d\\n", n); }
        __attribute__((noinline)) int serve(int n) {
            if (n > 7) { complain(n); complain(n + 1); abort(); }
            return n * 3;
        }
        int main(int count, char **words) { (void)words; return serve(count); }
    """
    old = record_program(tmp_path / "old", {"main.c": text})
    new = record_program(tmp_path / "new", {"main.c": text.replace("n * 3", "n * 4")})
    payload = payload_of(old, new, tmp_path / "update.pkb")
    (pinned,) = payload.pinned
    for rows in (payload.old_functions, payload.new_functions):
        assert {row.name for row in rows if row.key == pinned.key} == {"serve", "serve.cold"}
