"""Conversions that are wrong, each found on a sample object before it comes near a process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Outcome, needs, patchkit
from tests.support.small import record_program

pytestmark = needs("gcc", "make")

OLD = """
#include <stdlib.h>
struct item { struct item *next; int value; };
struct item *items;
void add(int n) { struct item *item = calloc(1, sizeof *item); item->next = items; item->value = n; items = item; }
int main(void) { add(1); return 0; }
"""
NEW = OLD.replace("int value; };", "long more[4]; char pad; int value; };")
HEAD = """\
#include <patchkit_migration.h>
#include <stdlib.h>
#include "symbols.h"
int pk_transform_item(struct pk_migration *migration, const struct old_item *old, struct new_item *new);
int pk_transform_item(struct pk_migration *migration, const struct old_item *old, struct new_item *new) {
    new->next = pk_forward(migration, old->next);
    for (int at = 0; at < 4; at++) new->more[at] = 0;
    new->pad = 0;
    new->value = old->value;
"""
LINE = HEAD.count("\n") + 1
WRONG = {
    "does not compile": ("this is no C;", 1, "PKX603", LINE, "unknown type name"),
    "crashes": ("*(volatile int *)16 = 1;", 4, "PKX611", LINE, "uses memory that nothing is in, at 0x10"),
    "divides by zero": ("new->value = 7 / (old->value - 1);", 4, "PKX611", LINE, "division by zero"),
    "loops": ("for (volatile int go = 1; go;) { }", 4, "PKX612", LINE, "does not end"),
    "writes behind": ("((int *)new)[12] = 1;", 4, "PKX611", LINE, "right behind the new struct item"),
    "writes before": ("((long *)new)[-1] = 1;", 4, "PKX611", LINE, "8 bytes before the new struct item"),
    "frees the old": ("free((void *)(uintptr_t)old);", 4, "PKX604", LINE, "frees the old struct item"),
    "frees a neighbour": ("free(old->next);", 4, "PKX604", LINE, "frees the old struct item"),
    "frees twice": ("char *p = malloc(8); free(p); free(p);", 4, "PKX604", LINE, "frees twice what it freed"),
    "writes the old": ("((struct old_item *)(uintptr_t)old)->value++;", 4, "PKX609", LINE, "writes to the old struct"),
    "gives up": ("if (old->value < 0) return 7;", 4, "PKX613", 5, "returns 7 and does not say why"),
    "keeps an old pointer": ("new->next = (void *)old->next;", 4, "PKX604", 5, "new->next leads to an old object"),
    "overflows": ("new->value = old->value + 1;", 4, "PKX611", LINE, "signed integer overflow"),
}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Both versions, recorded, and an update whose conversion is still to be written."""
    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        record_program(folder / "old", {"main.c": OLD})
        record_program(folder / "new", {"main.c": NEW})
        patchkit("new", "old", "new", "-o", "update", cwd=folder)
        for key, value in (
            ("allocator struct item", "malloc free malloc_usable_size"),
            ("code struct item", "transform.c"),
        ):
            done = patchkit("decide", key, value, "--reason", "test", "-u", "update", cwd=folder)
            assert done.code == 0, done.err
        yield folder


def validated(folder: Path, body: str, *options: str, head: str = HEAD) -> Outcome:
    """Validate the update with a conversion that also does `body`."""
    (folder / "update/transform.c").write_text(f"{head}    {body}\n    return 0;\n}}\n")
    return patchkit("validate", "update", *options, cwd=folder)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_conversion_is_found_with_line_object_and_remedy(versions: Path, name: str) -> None:
    body, level, rule, line, text = WRONG[name]
    done = validated(versions, body, "--level", str(level))
    assert done.code == 1, done.out + done.err
    found = done.out.splitlines()
    at = next(n for n, row in enumerate(found) if row.startswith(f"   {rule} update/transform.c:{line}: "))
    assert text in found[at]
    assert level == 1 or found[at + 1].startswith("     with a generated struct item")
    assert found[at + (1 if level == 1 else 2)].startswith("     ")


def test_a_member_that_is_forgotten_is_named(versions: Path) -> None:
    head = HEAD.replace("at < 4", "at < 3").replace("    new->pad = 0;\n", "")
    done = validated(versions, "", "--level", "3", head=head)
    assert done.code == 1
    assert "PKX603 update/transform.c:5: struct item.more[] is not written" in done.out
    assert "set new->more[3] in pk_transform_item" in done.out
    assert "PKX603 update/transform.c:5: struct item.pad is not written" in done.out


def test_padding_and_refusals_are_no_findings(versions: Path) -> None:
    done = validated(versions, 'if (old->value < 0) return pk_refuse(migration, "item.value", old->value);')
    assert done.code == 0, done.out
    assert "PKX607" in done.out


def test_a_sample_becomes_what_it_is_expected_to(versions: Path) -> None:
    objects = {
        "1": {"type": "struct item", "value": {"next": "&2", "value": 3}, "expect": {"next": "&2", "value": 3}},
        "2": {"type": "struct item", "value": {"value": 4}, "expect": {"next": None, "value": 5}},
    }
    path = versions / "given.json"
    path.write_text(json.dumps({"format": 1, "objects": objects}, indent=1))
    done = validated(versions, "", "--level", "5", "--samples", "given.json")
    assert done.code == 1
    line = path.read_text().splitlines().index('  "2": {') + 1
    assert f"PKX614 given.json:{line}: new value is 4, expected 5" in done.out
    assert "1 found" in done.out
    assert "PKX607" not in done.out


def test_a_sample_that_does_not_fit_its_type_is_refused(versions: Path) -> None:
    data = {"format": 1, "objects": {"1": {"type": "struct item", "value": {"valeu": 3}}}}
    (versions / "bad.json").write_text(json.dumps(data))
    done = validated(versions, "", "--level", "5", "--samples", "bad.json")
    assert done.code == 2
    assert "struct item has no member valeu, but next, value" in done.err
