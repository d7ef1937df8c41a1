"""Questions that the compiler refused because they mention variables, as `sizeof(table) / sizeof(table[0])` does.

The compiler is first asked about types alone. What it refused is asked again after declarations of the program's
variables, whose own bounds may have to be asked first.
"""

from collections.abc import Sequence

from patchkit.model.typecode import UNPROTOTYPED, VARIADIC, TypeCode
from patchkit.read.source.entities import Builder
from patchkit.read.source.fragment import RawVariable
from patchkit.read.source.inventory import Inventory, Place, survey
from patchkit.read.source.layout import Measures, add_measures


def ask_again(inventory: Inventory, wanted: Sequence[str], measures: Measures, jobs: int) -> None:
    """Ask again for what was refused, with the variables declared, while that yields anything."""
    while refused := {tag for tag in measures.refused if tag[0] != "primitive"}:
        declared = _declarations(inventory, Builder(inventory, measures))
        add_measures(measures, survey(inventory, wanted, only=refused, variables=declared).ask(jobs))
        if refused <= measures.refused.keys():
            break


def _declarations(inventory: Inventory, builder: Builder) -> dict[int, dict[str, str]]:
    """Return C that declares the variables, by the number of the declaration where each stands, and its name."""
    defined = {
        v.name: (place, v) for place, v, function in inventory.variables if v.storage != "static" and not function
    }
    here = {(place.number, v.name): (place, v) for place, v, function in inventory.variables if not function}
    found: dict[int, dict[str, str]] = {}
    for number, fragment in inventory.frontend.fragments.items():
        for variable in fragment.variables:
            definition = here.get((number, variable.name)) or defined.get(variable.name)
            text = spell_code(_bounded(builder, variable, definition), variable.name)
            if "<" not in text:  # else its type has no name to be called by
                found.setdefault(number, {})[variable.name] = f"extern {text};"
    return found


def _bounded(builder: Builder, variable: RawVariable, definition: tuple[Place, RawVariable] | None) -> TypeCode:
    """Return the type of a variable, with the bound of its definition where the declaration leaves it open."""
    code = variable.type
    if definition is None or not (isinstance(code, list) and code[0] == "[]" and code[2] is None):
        return code
    full = builder.bounded(*definition)
    return ["[]", code[1], full[2]] if isinstance(full, list) and full[0] == "[]" else code


def spell_code(code: TypeCode, name: str) -> str:
    """Return the C declaration of `name` with a type whose bounds may be expressions."""
    if isinstance(code, str):
        return f"{code.replace('complex ', '_Complex ')} {name}"
    match code:
        case ["*", target]:
            return spell_code(target, f"(*{name})" if target[0] in ("[]", "()") else f"*{name}")
        case ["q", words, ["*", target]]:
            return spell_code(target, f"(*{words} {name})" if target[0] in ("[]", "()") else f"*{words} {name}")
        case ["q", words, inner]:
            return f"{words} {spell_code(inner, name)}"
        case ["[]", element, length]:
            return spell_code(element, f"{name}[{'' if length is None else length}]")
        case ["v", element, size]:
            return f"{spell_code(element, name)} __attribute__((vector_size({size})))"
        case ["()", result, parameters, flags]:
            listed = [spell_code(parameter, "") for parameter in parameters] + ["..."] * bool(flags & VARIADIC)
            empty = "" if flags & UNPROTOTYPED else "void"
            return spell_code(result, f"{name}({', '.join(listed) or empty})")
        case [_, str(text)]:
            return f"{text} {name}"
    return f"<{code[0]}> {name}"
