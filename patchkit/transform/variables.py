"""C that converts variables which are no records: single values, enumerations, and tables matched row by row."""

from collections.abc import Iterator, Sequence

from patchkit.diff.pair import Pair
from patchkit.diff.types import Scalar, ScalarKind
from patchkit.model.program import Enum, Member, Record, Variable

_FLOATS = {4: "float", 8: "double", 16: "long double"}


def c_scalar(scalar: Scalar) -> str:
    """Return a C type with the size and sign of `scalar`."""
    match scalar.kind:
        case ScalarKind.FLOAT:
            return _FLOATS[scalar.size]
        case ScalarKind.BOOL:
            return "_Bool"
        case ScalarKind.POINTER:
            return "void *"
        case ScalarKind.INTEGER | ScalarKind.ENUM:
            return f"{'' if scalar.signed else 'u'}int{8 * scalar.size}_t"


def scalar_function(
    name: str, variable: Variable, before: Scalar, after: Scalar, counts: tuple[int, int], row: str = ""
) -> str:
    """Return a function that copies the values of a variable and refuses one that the new type cannot hold.

    `row` is a function that says which element of an array becomes which; without it they keep their order.
    """
    old, new = c_scalar(before), c_scalar(after)
    test = (
        f"        if (({old})new[number] != old[at] || (old[at] < ({old})1) != (new[number] < ({new})1))\n"
        f'            return pk_refuse(migration, "{variable.key} holds what {new} cannot", (int64_t)old[at]);\n'
    )
    return f"""\
/* {variable.key}: {old} becomes {new} */
static int {name}(struct pk_migration *migration, const void *from, void *to) {{
    const {old} *old = from;
    {new} *new = to;
    (void)migration;
    {_each(counts, row)} {{
        {_number(row, "&old[at]")}
        new[number] = ({new})old[at];
{test if old != new else ""}    }}
    return 0;
}}
"""


def element_function(name: str, variable: Variable, copy: str, sizes: tuple[int, int], count: int, row: str) -> str:
    """Return a function that gives each element of an array its place by `row`; `copy` is C from `old` to `new`."""
    return f"""\
/* {variable.key}: its elements keep their numbers in each dimension */
static int {name}(struct pk_migration *migration, const void *from, void *to) {{
    (void)migration;
    {_each((count, count), row)} {{
        const char *old = (const char *)from + (size_t)at * {sizes[0]};
        {_number(row, "old")}
        char *new = (char *)to + (size_t)number * {sizes[1]};
        {copy}
    }}
    return 0;
}}
"""


def dimension_function(name: str, place: str, size: int, old: Sequence[int], new: Sequence[int]) -> str:
    """Return a function that finds the number of an element in an array of other dimensions, -1 where it is gone."""
    lines = [
        "/* the number in each dimension is the same */",
        f"static int32_t {name}(const void *old) {{",
        f"    size_t at = (size_t)((const unsigned char *)old - {place}) / {size}, number = 0, index;",
    ]
    step = 1
    for before, after in zip(reversed(old), reversed(new), strict=True):
        lines += [
            f"    index = at % {before};",
            f"    at /= {before};",
            f"    if (index >= {after})",
            "        return -1;",
            f"    number += index * {step};",
        ]
        step *= after
    return "\n".join([*lines, "    return (int32_t)number;", "}", ""])


def _each(counts: tuple[int, int], row: str) -> str:
    return f"for (uint32_t at = 0; at < {counts[0] if row else min(counts)}; at++)"


def _number(row: str, element: str) -> str:
    if not row:
        return "uint32_t number = at;"
    return f"int32_t number = {row}({element});\n        if (number < 0)\n            continue;"


def enum_function(
    name: str,
    variable: Variable,
    enums: tuple[Enum, Enum],
    types: tuple[Scalar, Scalar],
    counts: tuple[int, int],
    row: str,
) -> str:
    """Return a function that gives the values of an enumeration their new numbers, by the names of the constants."""
    before, after = enums
    values = dict(after.constants)
    cases = dict[int, str]()
    for constant, value in before.constants:
        if constant in values:
            cases.setdefault(value, f"        case {value}: new[number] = {values[constant]}; break; /* {constant} */")
    return "\n".join(
        [
            f"/* {variable.key}: {before.key}, by the names of its constants */",
            f"static int {name}(struct pk_migration *migration, const void *from, void *to) {{",
            f"    const {c_scalar(types[0])} *old = from;",
            f"    {c_scalar(types[1])} *new = to;",
            f"    {_each(counts, row)} {{",
            f"        {_number(row, '&old[at]')}",
            "        switch (old[at]) {",
            *cases.values(),
            "        default:",
            f'            return pk_refuse(migration, "{variable.key}: no constant of {before.key} is", old[at]);',
            "        }",
            "    }",
            "    return 0;",
            "}",
            "",
        ]
    )


def row_function(
    name: str, table: str, sizes: tuple[int, int], count: int, keys: tuple[Member, Member], text: bool
) -> str:
    """Return a function that finds the new row of an old one by what both have in a member."""
    old, new = keys
    if text:
        compare = (
            "        const char *name, *other;\n"
            f"        memcpy(&name, (const char *)old + {old.offset // 8}, sizeof name);\n"
            f"        memcpy(&other, row + {new.offset // 8}, sizeof other);\n"
            "        if (pk_same_text(name, other))\n"
        )
    else:
        compare = (
            f"        if (!memcmp((const char *)old + {old.offset // 8}, row + {new.offset // 8}, {old.size // 8}))\n"
        )
    return (
        f"/* rows are the same where their `{old.name}` is */\n"
        f"static int32_t {name}(const void *old) {{\n"
        f"    for (int32_t at = 0; at < {count}; at++) {{\n"
        f"        const char *row = (const char *){table} + (size_t)at * {sizes[1]};\n"
        f"{compare}"
        "            return at;\n"
        "    }\n"
        "    return -1;\n"
        "}\n"
    )


def merge_function(name: str, row: str, initial: str, pair: Pair, records: tuple[Record, Record], count: int) -> str:
    """Return a function that takes into the new table what the program wrote into the old one since its start."""
    old, new = records
    lines = [
        "/* new rows from the new version; what the program wrote into the old ones since its start stays */",
        f"static int {name}(struct pk_migration *migration, const void *from, void *to) {{",
        "    (void)migration;",
        f"    for (uint32_t at = 0; at < {count}; at++) {{",
        f"        const char *old = (const char *)from + (size_t)at * {old.size};",
        f"        const char *start = (const char *){initial} + (size_t)at * {old.size};",
        f"        int32_t number = {row}(old);",
        f"        char *new = (char *)to + (size_t)(number < 0 ? 0 : number) * {new.size};",
        "        if (number < 0)",
        "            continue;",
    ]
    for one, other in _written(pair, old, new):
        at, size = one.offset // 8, one.size // 8
        lines.append(f"        if (memcmp(old + {at}, start + {at}, {size})) /* {one.name} */")
        lines.append(f"            memcpy(new + {other.offset // 8}, old + {at}, {size});")
    return "\n".join([*lines, "    }", "    return 0;", "}", ""])


def _written(pair: Pair, old: Record, new: Record) -> Iterator[tuple[Member, Member]]:
    """Members of a row that a program may write and that hold no address: those of equal types on both sides."""
    others = {member.name: member for member in new.members}
    for member in old.members:
        other = others.get(member.name)
        scalar = pair.old_types.scalar(pair.old_types.element(member.type))
        if other is None or member.width is not None or scalar is None or scalar.kind is ScalarKind.POINTER:
            continue
        if pair.same(member.type, other.type) and not pair.old_types.is_constant(member.type):
            yield member, other
