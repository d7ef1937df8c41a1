"""From the text of one declaration to a `Fragment`, by pycparser over our token stream."""

import re
from collections.abc import Container
from typing import cast

from pycparser import c_ast
from pycparser.c_parser import CParser, ParseError

from patchkit.model.typecode import UNPROTOTYPED, VARIADIC, TypeCode
from patchkit.read.source.fragment import PACK_PREFIX, Fragment, RawEnum, RawFunction, RawMember, RawRecord, RawVariable
from patchkit.read.source.lexer import TYPEOF_PREFIX, DeclarationLexer
from patchkit.read.source.primitives import BUILTIN_TYPES, MODES, primitive_name

_CALLED = re.compile(r"([A-Za-z_$][\w$]*)\s*[(\[=;]")
_LAYOUT_ATTRIBUTES = frozenset(
    {"packed", "aligned", "transparent_union", "ms_struct", "gcc_struct", "scalar_storage_order", "mode", "vector_size"}
)


class _Parser(CParser):  # type: ignore[misc]  # pycparser does not say that it has types
    """pycparser's parser, told from outside which names are types (pinned release: this is its internal seam)."""

    def __init__(self, typedefs: Container[str]) -> None:
        super().__init__(lexer=DeclarationLexer)
        self._typedefs = typedefs
        self.shadowed = ""

    def _is_type_in_scope(self, name: str) -> bool:
        for scope in reversed(self._scope_stack):
            if name in scope:
                return bool(scope[name])
        if name == self.shadowed:
            return False
        return name in self._typedefs or name.startswith(TYPEOF_PREFIX) or name in BUILTIN_TYPES


class DeclarationParser:
    """Parses declarations given the names that are typedefs somewhere in the program."""

    def __init__(self, typedefs: Container[str]) -> None:
        self._parser = _Parser(typedefs)

    def parse(self, head: str, *, function: bool) -> Fragment:
        """Return what `head` declares; `function` where a body follows it. A failure is noted in the fragment's
        `problem`.
        """
        pack = ""
        if head.startswith(PACK_PREFIX):
            pack, head = head.split("\n", 1)
        text = head + " {}" if function else head
        fragment = self._try(text, head, pack)
        if fragment.problem and (name := _CALLED.search(head)):
            # The name that is declared may be a type elsewhere in the program.
            self._parser.shadowed = name.group(1)
            fragment = self._try(text, head, pack)
            self._parser.shadowed = ""
        return fragment

    def _try(self, text: str, head: str, pack: str) -> Fragment:
        try:
            tree = self._parser.parse(text)
            return _Lowering(cast(DeclarationLexer, self._parser.clex), pack).lower(tree, head)
        except ParseError as error:
            return Fragment(problem=str(error).rsplit(": ", 1)[-1])
        except (AttributeError, AssertionError, KeyError, IndexError, ValueError, TypeError, RecursionError) as error:
            # pycparser trips over some invalid input in ways other than ParseError.
            return Fragment(problem=f"cannot be parsed ({type(error).__name__})")


class _Lowering:
    """One parsed declaration on its way to a fragment."""

    def __init__(self, lexer: DeclarationLexer, pack: str) -> None:
        self._lexer = lexer
        self._fragment = Fragment()
        self._seen: dict[int, TypeCode] = {}
        self._owner = ""  # key of the record whose members are being read
        self._pack = pack
        self._attributes = [name for _, text in lexer.attributes for name in attribute_names(text)]

    def lower(self, tree: c_ast.FileAST, head: str) -> Fragment:
        fragment = self._fragment
        for node in tree.ext:
            match node:
                case c_ast.Typedef():
                    fragment.typedefs.append((node.name, self._declared(node.type, node.name)))
                case c_ast.FuncDef():
                    self._function(node.decl, node.param_decls)
                case c_ast.Decl(name=None):
                    self._specifier(node.type, "")
                case c_ast.Decl(type=c_ast.FuncDecl()):
                    self._function(node, None)
                case c_ast.Decl():
                    self._variable(node)
                case _:
                    continue
        if fragment.typedefs:
            fragment.emit = head if head.endswith(";") else head + ";"
        else:
            tagged = [r.text for r in fragment.records if not r.inner and r.spelling]
            tagged += [e.text for e in fragment.enums if not e.inner]
            fragment.emit = " ".join(f"{text} ;" for text in tagged)
        if self._pack and fragment.emit:
            fragment.emit = f"{self._pack.replace('(', '(push, ', 1)}\n{fragment.emit}\n{PACK_PREFIX}(pop)"
            for record in fragment.records:
                record.attributes = sorted({*record.attributes, self._pack.removeprefix("#pragma ")})
        return fragment

    def _folded(self, node: c_ast.Node | None) -> str | None:
        if node is None:
            return None
        return self._lexer.folded[int(node.value)] if isinstance(node, c_ast.Constant) else "?"

    def _function(self, decl: c_ast.Decl, old_style: list[c_ast.Node] | None) -> None:
        node = decl.type
        code = self._type(node, decl.name)
        names: list[str] = []
        if isinstance(node, c_ast.FuncDecl) and node.args is not None:
            names = [getattr(p, "name", None) or "" for p in node.args.params if not isinstance(p, c_ast.EllipsisParam)]
            if names == [""]:
                names = []
            if any(isinstance(p, c_ast.ID) for p in node.args.params):
                code = self._old_style(code, names, old_style or [])
        storage = "static" if "static" in decl.storage else "extern" if "extern" in decl.storage else ""
        self._fragment.functions.append(
            RawFunction(decl.name, code, names, storage, "inline" in decl.funcspec, sorted(set(self._attributes)))
        )

    def _old_style(self, code: TypeCode, names: list[str], declared: list[c_ast.Node]) -> TypeCode:
        types = {d.name: _parameter(self._type(d.type, d.name)) for d in declared if isinstance(d, c_ast.Decl)}
        return ["()", code[1], [types.get(name, "int") for name in names], UNPROTOTYPED]

    def _variable(self, decl: c_ast.Decl) -> None:
        code = self._declared(decl.type, decl.name)
        storage = next((word for word in ("extern", "static") if word in decl.storage), "")
        self._fragment.variables.append(
            RawVariable(
                decl.name,
                code,
                storage,
                "_Thread_local" in decl.storage,
                self._folded(decl.init),
                sorted(set(self._attributes)),
            )
        )

    def _declared(self, node: c_ast.Node, name: str) -> TypeCode:
        """The type of a declared name, with the attributes that change types."""
        code = self._type(node, name)
        for _, text in self._lexer.attributes:
            words = text.split()
            for index, word in enumerate(words):
                plain = word.strip("_")
                if plain == "vector_size" and words[index + 1 : index + 2] == ["("]:
                    code = ["v", code, " ".join(words[index + 2 : _closing(words, index + 1)])]
                elif plain == "mode" and words[index + 1 : index + 2] == ["("] and isinstance(code, str):
                    code = MODES.get((words[index + 2].strip("_"), "unsigned" in code), code)
        return code

    def _type(self, node: c_ast.Node, hint: str, direct: bool = True) -> TypeCode:
        match node:
            case c_ast.TypeDecl():
                return qualified_code(self._specifier(node.type, hint, direct), node.quals or [])
            case c_ast.PtrDecl():
                return qualified_code(["*", self._type(node.type, hint, False)], node.quals or [])
            case c_ast.ArrayDecl():
                length = self._folded(node.dim)
                element = self._type(node.type, hint, False)
                return [
                    "[]",
                    element,
                    int(length)
                    if length is not None and length.isdecimal() and (length == "0" or length[0] != "0")
                    else length,
                ]
            case c_ast.FuncDecl():
                return self._signature(node, hint)
            case c_ast.Typename():
                return qualified_code(self._type(node.type, hint, direct), node.quals or [])
            case _:
                return self._specifier(node, hint, direct)

    def _signature(self, node: c_ast.FuncDecl, hint: str) -> TypeCode:
        result = self._type(node.type, hint, False)
        if node.args is None:
            return ["()", result, [], UNPROTOTYPED]
        parameters: list[TypeCode] = []
        flags = 0
        for parameter in node.args.params:
            match parameter:
                case c_ast.EllipsisParam():
                    flags |= VARIADIC
                case c_ast.ID():
                    flags |= UNPROTOTYPED
                    parameters.append("int")
                case _:
                    parameters.append(_parameter(self._type(parameter.type, f"{hint}.{parameter.name or ''}", False)))
        if parameters == ["void"]:
            parameters = []
        return ["()", result, parameters, flags]

    def _specifier(self, node: c_ast.Node, hint: str, direct: bool = True) -> TypeCode:
        match node:
            case c_ast.IdentifierType():
                return _identifier(node.names)
            case c_ast.Struct() | c_ast.Union():
                return self._aggregate(node, hint, direct)
            case c_ast.Enum():
                return self._enumeration(node, hint, direct)
            case c_ast.TypeDecl() | c_ast.PtrDecl() | c_ast.ArrayDecl() | c_ast.FuncDecl() | c_ast.Typename():
                return self._type(node, hint, direct)
            case _:
                return ["?", type(node).__name__]

    def _aggregate(self, node: c_ast.Struct | c_ast.Union, hint: str, direct: bool) -> TypeCode:
        if id(node) in self._seen:
            return self._seen[id(node)]
        tag = "struct" if isinstance(node, c_ast.Struct) else "union"
        place = self._place(node)
        text = self._lexer.aggregates.get(place, "")
        nested = hint.startswith("\0")
        if node.name is not None:
            key, spelling, parent = f"{tag} {node.name}", f"{tag} {node.name}", ""
        elif nested:
            key, spelling, parent = f"{tag} {hint[1:]}", "", self._owner
        else:
            named = direct and self._lexer.is_typedef
            key, spelling, parent = (f"{tag} {hint}", hint, "") if named else (f"{tag} <{hint}>", "", "")
        code: TypeCode = ["s" if tag == "struct" else "u", key]
        self._seen[id(node)] = code
        if node.decls is not None:
            attributes = [
                name
                for at, words in self._lexer.attributes
                if at in (place, place + 1)
                for name in attribute_names(words)
                if name in _LAYOUT_ATTRIBUTES
            ]
            record = RawRecord(key, tag, [], sorted(set(attributes)), parent, spelling, text, bool(self._owner))
            self._fragment.records.append(record)
            self._members(record, node.decls)
        return code

    def _place(self, node: c_ast.Node) -> int:
        """The place of the keyword of an aggregate, whose node stands at its name or brace."""
        place = int(node.coord.line)
        while place not in self._lexer.aggregates and place > int(node.coord.line) - 3:
            place -= 1
        return place if place in self._lexer.aggregates else int(node.coord.line)

    def _members(self, record: RawRecord, decls: list[c_ast.Node]) -> None:
        outer = record.key.split(" ", 1)[1]
        unnamed = 0
        for decl in decls:
            if not isinstance(decl, c_ast.Decl):
                continue
            name = decl.name or ""
            width = self._folded(decl.bitsize)
            if not name and width is not None:
                continue  # padding bit-fields have no member in DWARF either
            owner, self._owner = self._owner, record.key
            if name:
                code = self._type(decl.type, f"\0{outer}.{name}")
            else:
                aggregate = decl.type
                if not isinstance(aggregate, c_ast.Struct | c_ast.Union):
                    self._owner = owner
                    if isinstance(aggregate, c_ast.Enum):
                        self._enumeration(aggregate, "", True)
                    continue
                code = self._specifier(aggregate, f"\0{outer}.#{unnamed}")
                if aggregate.name is not None:
                    # `struct tag {…};` inside a struct declares a tag and no member (unless -fms-extensions).
                    self._owner = owner
                    continue
                unnamed += 1
            self._owner = owner
            record.members.append(RawMember(name, code, width))

    def _enumeration(self, node: c_ast.Enum, hint: str, direct: bool) -> TypeCode:
        if id(node) in self._seen:
            return self._seen[id(node)]
        constants = [e.name for e in node.values.enumerators] if node.values is not None else []
        if node.name is not None:
            key = spelling = f"enum {node.name}"
        elif hint and not hint.startswith("\0") and direct and self._lexer.is_typedef:
            key, spelling = f"enum {hint}", hint
        else:
            key, spelling = f"enum {{{constants[0] if constants else ''}}}", ""
        code: TypeCode = ["e", key]
        self._seen[id(node)] = code
        if node.values is not None:
            place = self._place(node)
            text = self._lexer.aggregates.get(place, "")
            self._fragment.enums.append(RawEnum(key, constants, spelling, text, bool(self._owner)))
        return code


def attribute_names(text: str) -> list[str]:
    """Return the names of the attributes in the inside of `__attribute__((…))`, without underscores around them."""
    names, depth = [], 0
    expected = True
    for word in text.split():
        if word in ("(", "["):
            depth += 1
        elif word in (")", "]"):
            depth -= 1
        elif word == "," and depth <= 1:
            expected = True
        elif expected and depth <= 1:
            names.append(word.strip("_"))
            expected = False
    return names


def _closing(words: list[str], opening: int) -> int:
    depth = 0
    for position in range(opening, len(words)):
        depth += (words[position] == "(") - (words[position] == ")")
        if depth == 0:
            return position
    return len(words)


def _identifier(names: list[str]) -> TypeCode:
    if len(names) == 1:
        name = names[0]
        if name.startswith(TYPEOF_PREFIX):
            return ["?", name]
        if (code := BUILTIN_TYPES.get(name)) is not None:
            return code
    primitive = primitive_name(names)
    return primitive if primitive is not None else ["t", names[-1]]


def qualified_code(code: TypeCode, qualifiers: list[str]) -> TypeCode:
    """Return a type with qualifiers added; those of an array go to its element (C11 6.7.3p9)."""
    if not qualifiers:
        return code
    if isinstance(code, list):
        if code[0] == "[]":
            return ["[]", qualified_code(code[1], qualifiers), code[2]]
        if code[0] == "q":
            return ["q", " ".join(sorted({*code[1].split(), *qualifiers})), code[2]]
    return ["q", " ".join(sorted(set(qualifiers))), code]


def _parameter(code: TypeCode) -> TypeCode:
    """Adjust a parameter's type as C11 6.7.6.3p7,8,15 do: arrays and functions to pointers, no outer qualifier."""
    if isinstance(code, list):
        if code[0] == "q":
            return code if code[2][0] == "t" else _parameter(code[2])  # the typedef may be one of an array
        if code[0] == "[]":
            return ["*", code[1]]
        if code[0] == "()":
            return ["*", code]
    return code
