"""Frozen headers, `old.h` and `new.h`: the types of one version under names that stand beside the other's.

Every layout is the one that the compiler gave the program, and an assertion behind each type proves it.
"""

from collections.abc import Iterator

from patchkit.diff.types import Types, is_foreign, named_types
from patchkit.model.ctype import CType, Named, Tag, spell
from patchkit.model.program import Enum, Record
from patchkit.transform.layouts import assignable, declare_record, measure
from patchkit.transform.migration import Side
from patchkit.transform.names import STANDARD, Names

_MODES = {1: "QI", 2: "HI", 4: "SI", 8: "DI"}
_HEAD = """\
/* Written by patchkit: types of the {side} version, laid out as its compiler laid them out. Do not edit. */
#ifndef PATCHKIT_{guard}_H
#define PATCHKIT_{guard}_H

#include <stddef.h>
#include <stdint.h>

#ifndef PK_SIZE
/* What the compiler says of a type must be what was recorded. */
#define PK_SIZE(type, size, align) \\
    _Static_assert(sizeof(type) == (size) && _Alignof(type) == (align), #type " is laid out otherwise")
#define PK_START(type, member, offset) \\
    _Static_assert(__builtin_offsetof(type, member) == (offset), #type "." #member " is elsewhere")
#define PK_PLACE(type, member, offset, size) \\
    _Static_assert(__builtin_offsetof(type, member) == (offset) && sizeof(((type *)0)->member) == (size), \\
                   #type "." #member " is elsewhere")
#endif

/* The program has these; the assertions say whether they are where they belong. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wgnu-variable-sized-type-not-at-end"
#else
#pragma GCC diagnostic ignored "-Wpacked-not-aligned"
#pragma GCC diagnostic ignored "-Wpacked-bitfield-compat"
#endif
"""
_TAIL = """\

#pragma GCC diagnostic pop

#endif
"""


class Header:
    """The header of one side, which takes in what is asked of it and all that this needs.

    What a pointer leads to is taken in as well, so that an expression can follow it; what only parameters of function
    pointers name is declared and not defined.
    """

    def __init__(self, side: Side, types: Types) -> None:
        self.side = side
        self.types = types
        self.program = types.program
        self.names = Names(types, side)
        self._declared: set[str] = set()  # what is spelled `struct x;`
        self._enums: dict[str, Enum] = {}
        self._done: set[str] = set()
        self._definitions: list[str] = []
        self._waiting: list[str] = []

    def add(self, key: str) -> None:
        """Take in the record `key`, after all that it holds by value."""
        if self._is_own(key):
            self._waiting.append(key)
            self._settle()

    def add_enum(self, key: str) -> None:
        """Take in the enumeration `key`."""
        enum = self.program.enums.get(key)
        if enum is not None and not is_foreign(enum.coord):
            self._enums[key] = enum

    def add_all(self) -> None:
        """Take in all that is the program's own and has a name."""
        for key, record in self.program.records.items():
            if not record.parent and "(" not in key and "<" not in key:
                self.add(key)
        self._enums.update((key, enum) for key, enum in self.program.enums.items() if not is_foreign(enum.coord))

    def text(self) -> str:
        """Return the header."""
        parts = [_HEAD.format(side=self.side, guard=self.side.upper())]
        parts += [f"{name};\n" for name in sorted(self._declared)]
        parts += [text for key in sorted(self._enums) for text in self._enum_text(self._enums[key])]
        parts += self._definitions
        return "".join([*parts, _TAIL])

    # -- declarations of other things

    def object(self, ctype: CType, name: str) -> str:
        """Return a declaration of a variable, whose type is taken in."""
        self._need(ctype)
        self._settle()
        bare = self.types.bare(ctype)
        size, align = measure(self.types, bare)
        open_ended = isinstance(self.types.element(bare), Named)  # a record that nothing defines
        return self.names.spell(ctype, name) if align or open_ended else f"unsigned char {name}[{size or ''}]"

    def declare(self, ctype: CType, name: str) -> str:
        """Return a declaration of a parameter or of a function with its result, the types of which are declared."""
        self._mention(ctype)
        return spell(self.names.rename(ctype, by_value=False), name)

    def member(self, ctype: CType, name: str = "") -> str:
        """Return the declaration of a member, or the spelling of its type, as it stands in the header."""
        return self.names.spell(assignable(self.names, ctype), name)

    def _settle(self) -> None:
        while self._waiting:
            self._record(self._waiting.pop())

    # -- what is needed before what

    def _record(self, key: str) -> None:
        """Define a record, after all that it holds by value."""
        record = self.program.records.get(key)
        if record is None or key in self._done:
            return
        self._done.add(key)
        if not is_foreign(record.coord):
            for member in record.members:
                self._need(member.type)
        if self._is_unnamed_member(record):
            return  # it is defined where it stands
        self._declared.add(self.names.record(key))
        self._definitions.append("\n" + "\n".join(declare_record(self.names, record)) + "\n")

    def _is_own(self, key: str) -> bool:
        record = self.program.records.get(key)
        return record is not None and not is_foreign(record.coord)

    def _is_unnamed_member(self, record: Record) -> bool:
        return bool(record.parent) and record.key.partition("@")[0].rpartition(".")[2].startswith("#")

    def _need(self, ctype: CType) -> None:
        """Have everything defined that an object of `ctype` needs, and what it leads to declared."""
        types = self.types
        held = types.record(ctype)
        if held is not None:
            self._record(held.key)
        core = types.core(ctype)
        if isinstance(core, Named) and core.tag in (Tag.STRUCT, Tag.UNION):
            if self._is_own(core.key):
                self._waiting.append(core.key)
        self._mention(ctype)

    def _mention(self, ctype: CType) -> None:
        """Have every name declared that the spelling of `ctype` contains."""
        for named in named_types(ctype):
            match named.tag:
                case Tag.TYPEDEF:
                    self._typedef(named.key)
                case Tag.ENUM:
                    self.add_enum(named.key)
                case _:
                    self._declare(named)

    def _declare(self, named: Named) -> None:
        record = self.program.records.get(named.key)
        if record is not None and self._is_unnamed_member(record):
            return
        renamed = self.names.rename(named, by_value=False)
        if isinstance(renamed, Named):
            self._declared.add(renamed.key)

    def _typedef(self, key: str) -> None:
        typedef = self.program.typedefs.get(key)
        if typedef is None or key in self._done:
            return
        self._done.add(key)
        self._mention(typedef.type)
        if key in STANDARD or not self.names.keeps(key):
            return
        held = self.types.record(typedef.type)
        if held is not None and self.types.bare(typedef.type) != Named(held.tag, held.key):
            self._record(held.key)  # an array needs its elements
        self._definitions.append(f"\ntypedef {self.names.spell(typedef.type, self.names.typedef(key))};\n")

    # -- enumerations

    def _enum_text(self, enum: Enum) -> Iterator[str]:
        head = self.names.enum(enum.key)
        yield f"\nenum __attribute__((mode({_MODES[enum.size]}))) {head.removeprefix('enum ')} {{\n"
        for name, value in enum.constants:
            yield f"    {self.names.constant(enum, name)} = {_number(value)},\n"
        yield f"}};\nPK_SIZE({head}, {enum.size}, _Alignof({head}));\n"


def _number(value: int) -> str:
    if value == -(1 << 63):
        return "-9223372036854775807 - 1"
    return f"{value}u" if value > (1 << 63) - 1 else str(value)
