"""Random pairs of records: what the generated C makes of values is what a model of the promise says.

Many pairs share a source, so that few compilers run. Each conversion writes over two fill patterns, so that a byte of a
member which is not written shows.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support import needs
from tests.support.converting import convert, execute, write
from tests.support.evolution import (
    Array,
    Evolution,
    Generator,
    Record,
    Refusal,
    Scalar,
    Type,
    Value,
    body,
    keyword,
    pick,
)
from tests.support.reading import read_c

pytestmark = needs("gcc", "clang")

PAIRS = 64  # of one batch
VALUES = 3  # of each pair
_CHECKS = """\
static void compare(const char *path, const void *one, const void *other, size_t size) {
    if (memcmp(one, other, size)) {
        printf("%s differs\\n", path);
        failures++;
    }
}
static void differs(const char *path, int differ) {
    if (differ) {
        printf("%s differs\\n", path);
        failures++;
    }
}
static void *fill(void *place, int byte, size_t size) { return memset(place, byte, size); }
"""


def source(pairs: list[Evolution], new: int) -> str:
    """Return the text of one version."""
    parts = ["struct far { int x; };"]
    for each in pairs:
        for tag, *constants in each.enums:
            parts.append(f"enum {tag} {{ {', '.join(f'{n} = {v}' for n, v in constants[new])} }};")
        for record in (*each.named, (each.old, each.new)):
            parts.append(f"{keyword(record[new])} {body(record[new])};")
        parts.append(f"{keyword(each.old)} v_{each.old.tag};")
    return "\n".join([*parts, "int main(void) { return 0; }"])


def leaves(ctype: Type, path: str, value: Value) -> Iterator[tuple[str, Scalar, Value]]:
    """Yield every single value that an object holds, with the C for where it is."""
    match ctype:
        case Scalar():
            yield path, ctype, value
        case Array(element, length):
            for number in range(length):
                yield from leaves(element, f"{path}[{number}]", value[number])
        case Record(members=members):
            for place, (name, each) in enumerate(members):
                if place in value:
                    yield from leaves(each, f"{path}.{name}" if name else path, value[place])


def unions(ctype: Type, path: str) -> Iterator[str]:
    """Yield where the unions of an object are: of these all bytes count."""
    match ctype:
        case Array(element, length):
            for number in range(length):
                yield from unions(element, f"{path}[{number}]")
        case Record(union=True):
            yield path
        case Record(members=members):
            for name, each in members:
                yield from unions(each, f"{path}.{name}" if name else path)


def literal(scalar: Scalar, value: Value) -> str:
    """Return the C for a value."""
    match scalar.kind:
        case "float":
            return f"{float(value).hex()}{'f' if scalar.bits == 32 else ''}"
        case "pointer" | "function":
            return f"PLACE({value}ul)"
        case _ if value == -(1 << 63):
            return "-9223372036854775807 - 1"
        case _:
            return f"{value}u" if value > (1 << 31) - 1 else str(value)


def assigned(ctype: Type, name: str, value: Value) -> Iterator[str]:
    for path, scalar, held in leaves(ctype, name, value):
        cast = "(void *)" if scalar.kind == "function" else ""
        if scalar.kind == "enum":
            yield f"{path} = (__typeof__({path})){held};"
        else:
            yield f"{path} = {cast}{literal(scalar, held)};"


def trial(pair: Evolution, value: Value, number: int) -> str:
    """Return a C function that converts one value and compares."""
    tag = pair.old.tag
    lines = [
        f"static void trial_{tag}_{number}(void) {{",
        f"static struct old_{tag} from; static struct new_{tag} one, two, want;",
        "fill(&from, 0, sizeof from); fill(&one, 0, sizeof one); fill(&two, 0xff, sizeof two);",
        *assigned(pair.old, "from", value),
        f"int ended = pk_convert_{tag}(&migration, &from, &one);",
        f"ended += pk_convert_{tag}(&migration, &from, &two);",
    ]
    try:
        wanted = pair.convert(value)
    except Refusal:
        return "\n".join([*lines, f'differs("{tag}: what should be refused", ended != 2);', "(void)want;", "}"])
    lines += [f'differs("{tag}: what was refused", ended != 0);', "if (ended) return;", "fill(&want, 0, sizeof want);"]
    lines += assigned(pair.new, "want", wanted)
    for path, scalar, _ in leaves(pair.new, "", wanted):
        for made in ("one", "two"):
            if scalar.width:
                lines.append(f'differs("{made} {tag}{path}", {made}{path} != want{path});')
            else:
                lines.append(f'compare("{made} {tag}{path}", &{made}{path}, &want{path}, sizeof want{path});')
    for path in unions(pair.new, ""):
        lines.append(f'compare("all of {tag}{path}", &one{path}, &two{path}, sizeof one{path});')
    return "\n".join([*lines, "}"])


def run_batch(folder: Path, seed: int) -> int:
    """Convert values of random pairs and return how many pairs there were; fails where anything differs."""
    random = Random(seed)
    pairs = [Generator(random, number).pair() for number in range(PAIRS)]
    answers = {key: value for pair in pairs for key, value in pair.answers.items()}
    programs = [read_c(folder / str(side), source(pairs, side)) for side in (0, 1)]
    assert not programs[0].gaps
    assert not programs[1].gaps
    keys = [f"struct {pair.old.tag}" for pair in pairs]
    converted = convert(programs[0], programs[1], answers, keys)
    assert converted.asked == {}
    trials = [trial(pair, pick(random, pair.old), number) for pair in pairs for number in range(VALUES)]
    calls = [f"trial_{pair.old.tag}_{number}();" for pair in pairs for number in range(VALUES)]
    write(folder, converted, "\n".join(calls), _CHECKS + "\n".join(trials))
    assert execute(folder) == [], f"seed {seed}"
    return len(pairs)


@pytest.mark.parametrize("seed", range(8))
def test_random_pairs_become_what_the_model_says(tmp_path: Path, seed: int) -> None:
    assert run_batch(tmp_path, seed) == PAIRS


@pytest.mark.campaign
def test_many_more_random_pairs(tmp_path: Path) -> None:
    """12,800 pairs, from the seed that RANDOM_PAIRS_SEED says."""
    first = int(os.environ.get("RANDOM_PAIRS_SEED", "1000"))
    for seed in range(first, first + 200):
        run_batch(tmp_path / str(seed), seed)
