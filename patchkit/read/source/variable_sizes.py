"""Constant expressions that take the size of a variable, as `sizeof(table) / sizeof(table[0])` does.

The compiler is asked about types alone, so it knows no variables; what is known of theirs after a first survey is put
into the expressions that it refused, and those are asked again.
"""

import re

from patchkit.read.source.entities import Builder
from patchkit.read.source.fragment import RawVariable
from patchkit.read.source.inventory import Inventory, Place
from patchkit.read.source.layout import Measures, Surveyor, add_measures

_SIZEOF = re.compile(r"sizeof \( (\* )?([A-Za-z_$][\w$]*)( \[ 0 \])? \)|sizeof ([A-Za-z_$][\w$]*)(?! \()")


def ask_again(inventory: Inventory, measures: Measures, jobs: int) -> None:
    """Ask again for constants that were refused, with the sizes of variables put in, while that yields anything."""
    while _ask_once(inventory, measures, jobs):
        continue


def _ask_once(inventory: Inventory, measures: Measures, jobs: int) -> bool:
    refused = [(tag[1], tag[2]) for tag in measures.refused if tag[0] == "constant"]
    if not refused:
        return False
    builder = Builder(inventory, measures)
    variables = {variable.name: (place, variable) for place, variable, function in inventory.variables if not function}
    homes = {place.number: place for place, _, _ in inventory.variables}
    homes.update({place.number: place for place in (*inventory.types.values(), *inventory.functions)})
    surveyor = Surveyor(inventory.frontend.fragments)
    asked: dict[str, str] = {}
    for number, expression in refused:
        if not (isinstance(number, int) and isinstance(expression, str) and number in homes):
            continue
        plain = _SIZEOF.sub(lambda match: _size(match, builder, variables), expression)
        if plain != expression:
            asked[plain] = expression
            surveyor.constant(inventory.home(homes[number]), number, plain)
    answers = surveyor.ask(jobs)
    answers.constants = {(number, asked[plain]): value for (number, plain), value in answers.constants.items()}
    add_measures(measures, answers)
    return bool(answers.constants)


def _size(match: re.Match[str], builder: Builder, variables: dict[str, tuple[Place, RawVariable]]) -> str:
    """Return the number that a `sizeof` of a variable stands for, or the text as it is."""
    star, name, index = match.group(1), match.group(2) or match.group(4), match.group(3)
    if name not in variables:
        return match.group()
    place, variable = variables[name]
    code = builder.bounded(place, variable)
    if star or index:
        if not (isinstance(code, list) and code[0] in ("[]", "*")):
            return match.group()
        code = code[1]
    size = builder.size(place, code)
    return f"{size}UL" if size else match.group()
