"""generated/symbols.h: every variable and function of both versions under a name that transform.c can use.

`pk_old__server` and `pk_new__server` are the variables; what is static has its file, and its function, before its name.
Functions are those of the version that the update leads to; external ones keep their names, static ones are
`pk_new__file_c__name`.
"""

from collections.abc import Iterator

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import CType, Named, Primitive, Tag
from patchkit.model.program import Function, Linkage, Program, Variable
from patchkit.transform.headers import Header
from patchkit.transform.migration import Alias, Side
from patchkit.transform.roots import is_walked
from patchkit.transform.symbols import function_symbol, symbol

_GUARD = "PATCHKIT_SYMBOLS_H"


class Catalogue:
    """What of both versions the C of an update can name."""

    def __init__(self, pair: Pair, old: Header, new: Header) -> None:
        self.pair = pair
        self.aliases: dict[str, Alias] = {}
        self._lines: list[str] = []
        for program, header in ((pair.old, old), (pair.new, new)):
            header.add_all()
            self._lines += self._variables(header.side, program, header)
        self._lines += self._functions(pair.new, new)

    def text(self) -> str:
        """Return the header."""
        return "\n".join(
            [
                "/* Written by patchkit: variables and functions of both versions. Do not edit. */",
                f"#ifndef {_GUARD}",
                f"#define {_GUARD}",
                "",
                '#include "new.h"',
                '#include "old.h"',
                "",
                *self._lines,
                "#endif",
                "",
            ]
        )

    def _variables(self, side: Side, program: Program, header: Header) -> Iterator[str]:
        for key, variable in sorted(program.variables.items()):
            if not is_walked(variable):
                continue
            for unit in self._units(variable):
                name = symbol(side, variable, unit)
                self.aliases[name] = Alias(side, key, unit)
                yield f"extern {header.object(variable.type, name)}; /* {variable.coord} */"

    @staticmethod
    def _units(variable: Variable) -> tuple[str, ...]:
        return ("",) if variable.linkage is Linkage.EXTERNAL else variable.units

    def _functions(self, program: Program, header: Header) -> Iterator[str]:
        for key, function in sorted(program.functions.items()):
            if is_foreign(function.coord) or not function.type.prototyped or function.type.variadic:
                continue
            name = function.name
            if function.linkage is not Linkage.EXTERNAL:
                unit = function.units[0] if function.units else function.file
                name = function_symbol(header.side, unit, function.name)
                self.aliases[name] = Alias(header.side, key, unit, function=True)
            if name != "main":
                yield f"{self._prototype(function, header, name)}; /* {function.coord} */"

    def _prototype(self, function: Function, header: Header, name: str) -> str:
        parameters = [header.declare(self._decayed(each), "") for each in function.type.parameters]
        result, types = function.type.result, self.pair.new_types
        inside = f"{name}({', '.join(parameters) or 'void'})"
        return f"void {inside}" if types.bare(result) == Primitive("void") else header.declare(result, inside)

    def _decayed(self, ctype: CType) -> CType:
        bare = self.pair.new_types.bare(ctype)
        if isinstance(bare, Named) and bare.tag in (Tag.STRUCT, Tag.UNION):
            return bare
        return ctype
