"""Enumerations whose constants got other values: stored numbers are translated by the names of the constants."""

from patchkit.model.change import Grade
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Enum
from patchkit.transform.names import Names
from patchkit.transform.shapes import Open

_FLAGS = 3  # powers of two that make an enumeration one of flags: 1 and 2 alone may as well be counted


def names_flags(enum: Enum) -> bool:
    """Whether the constants are bits that are combined: distinct powers of two, and perhaps combinations of them."""
    values = {value for _, value in enum.constants if value}
    bits = {value for value in values if value > 0 and not value & (value - 1)}
    every = sum(bits)
    return len(bits) >= _FLAGS and max(bits) > _FLAGS and all(value > 0 and not value & ~every for value in values)


def constants_test(enum: Enum, value: str, within: tuple[int, int]) -> str:
    """Return a C condition that holds where `value`, which lies `within` a range, is no constant of `enum`.

    A combination of flags is one. The condition is empty where nothing has to be tested.
    """
    least, greatest = within
    if names_flags(enum):
        every = sum({each for _, each in enum.constants if each and not each & (each - 1)})
        return f"(uint64_t){value} & ~(uint64_t){hex(every)}"
    values = sorted({each for _, each in enum.constants if least <= each <= greatest})
    if not values:
        return "1"
    if values == list(range(values[0], values[-1] + 1)):
        tests = [f"(int64_t){value} < {values[0]}"] if values[0] > least else []
        tests += [f"(int64_t){value} > {values[-1]}"] if values[-1] < greatest else []
        return " || ".join(tests)
    return " && ".join(f"(int64_t){value} != {each}" for each in values)


class Renumbering:
    """The functions that renumber enumerations, one for each, and what they leave open."""

    def __init__(self, decisions: Decisions, old: Names, new: Names) -> None:
        self.decisions = decisions
        self.names = (old, new)
        self.functions: dict[tuple[str, str], str] = {}
        self.open: list[Open] = []

    def name(self, old: Enum, new: Enum) -> str:
        """Return the name of the function for two enumerations, which is written the first time."""
        name = f"pk_enum_{self.names[0].stem(old.key)}"
        if (old.key, new.key) not in self.functions:
            flags = names_flags(old) and names_flags(new)
            body = self._by_bit(old, new) if flags else self._by_value(old, new)
            parameters = "struct pk_migration *migration, const char *what, int64_t value, int64_t *ret"
            self.functions[old.key, new.key] = "\n".join(
                [
                    f"/* {old.key}: a stored number becomes that of the constant of the same name */",
                    f"static int {name}({parameters}) {{",
                    *body,
                    "}",
                    "",
                ]
            )
        return name

    def _targets(self, old: Enum, new: Enum) -> list[tuple[str, int, str]]:
        """Name and value of each old constant, the first of equal ones, and C for the new value; empty where none."""
        found, seen = [], set[int]()
        known = dict(new.constants)
        for name, value in old.constants:
            target = self._target(old, new, name, value, known)
            if value not in seen and target is not None:
                seen.add(value)
                found.append((name, value, target))
        return found

    def _target(self, old: Enum, new: Enum, name: str, value: int, known: dict[str, int]) -> str | None:
        said = self.decisions.value(Topic.CONSTANT, f"{old.key}.{name}")
        if said is not None:
            if said == "-":
                return ""
            return self.names[1].constant(new, said) if said in known else said
        if name in known:
            return self.names[1].constant(new, name)
        if any(each == value and other in known for other, each in old.constants):
            return None  # another constant of the same value goes on
        before = {other for other, _ in old.constants}
        heirs = tuple(other for other, number in new.constants if number == value and other not in before)
        if len(heirs) == 1:
            text = f"{name} is gone from {old.key}, and {heirs[0]} has its value: is it the same under a new name?"
            evidence = (f"both are {value}",)
            subject = f"{old.key}.{name}"
            self.open.append(Open(Topic.CONSTANT, subject, text, (*heirs, "-"), heirs[0], Grade.STRONG, evidence))
        return ""

    def _by_value(self, old: Enum, new: Enum) -> list[str]:
        lines = ["    switch (value) {"]
        for name, value, target in self._targets(old, new):
            case = f"    case {self.names[0].constant(old, name)}:"
            if target:
                lines.append(f"{case} *ret = {target}; return 0; /* {value} */")
            else:
                lines.append(f"    /* {name} ({value}) has no successor */")
        return [*lines, "    default: return pk_refuse(migration, what, value);", "    }"]

    def _by_bit(self, old: Enum, new: Enum) -> list[str]:
        lines = ["    int64_t rest = value, found = 0;"]
        for name, value, target in self._targets(old, new):
            if value & (value - 1) or not value:
                continue  # made of the others
            constant = self.names[0].constant(old, name)
            if target:
                lines.append(f"    if (rest & {constant})")
                lines.append(f"        found |= {target};")
                lines.append(f"    rest &= ~(int64_t){constant};")
            else:
                lines.append(f"    /* {name} ({value}) has no successor */")
        return [
            *lines,
            "    if (rest)",
            "        return pk_refuse(migration, what, value);",
            "    *ret = found;",
            "    return 0;",
        ]
