"""Basic types: every spelling that C and GNU C allow, under the one name that compilers write into DWARF."""

from patchkit.model.typecode import TypeCode

_WORDS = frozenset(
    {"void", "char", "short", "int", "long", "signed", "unsigned", "float", "double", "_Bool", "_Complex", "__int128"}
)

VA_LIST = "struct __va_list_tag"  # no source declares it: System V ABI, AMD64, 3.5.7

# Type names that the compiler knows without any declaration.
BUILTIN_TYPES: dict[str, TypeCode] = {
    "_Float16": "_Float16",
    "_Float32": "_Float32",
    "_Float64": "_Float64",
    "_Float128": "_Float128",
    "_Float32x": "_Float32x",
    "_Float64x": "_Float64x",
    "__float128": "_Float128",
    "__float80": "long double",
    "__bf16": "__bf16",
    "_Decimal32": "_Decimal32",
    "_Decimal64": "_Decimal64",
    "_Decimal128": "_Decimal128",
    "__int128_t": "__int128",
    "__uint128_t": "__int128 unsigned",
    "__builtin_va_list": ["[]", ["s", VA_LIST], 1],
    "__auto_type": ["?", "__auto_type"],
    "nullptr_t": ["*", "void"],
}

# `__attribute__((mode(M)))` with (mode, unsigned).
MODES: dict[tuple[str, bool], str] = {
    ("QI", False): "signed char",
    ("QI", True): "unsigned char",
    ("byte", False): "signed char",
    ("byte", True): "unsigned char",
    ("HI", False): "short int",
    ("HI", True): "short unsigned int",
    ("SI", False): "int",
    ("SI", True): "unsigned int",
    ("DI", False): "long int",
    ("DI", True): "long unsigned int",
    ("word", False): "long int",
    ("word", True): "long unsigned int",
    ("pointer", False): "long int",
    ("pointer", True): "long unsigned int",
    ("TI", False): "__int128",
    ("TI", True): "__int128 unsigned",
    ("SF", False): "float",
    ("DF", False): "double",
    ("XF", False): "long double",
    ("TF", False): "_Float128",
}


def primitive_name(words: list[str]) -> str | None:
    """Return the DWARF name of the basic type that `words` spell, None where they do not."""
    if not _WORDS.issuperset(words):
        return "_Bool" if words == ["bool"] else None
    unsigned, signed = "unsigned" in words, "signed" in words
    longs = words.count("long")
    if "_Complex" in words:
        real = primitive_name([word for word in words if word != "_Complex"] or ["double"])
        return f"complex {real}"
    for plain in ("void", "_Bool", "float"):
        if plain in words:
            return plain
    if "double" in words:
        return "long double" if longs else "double"
    if "char" in words:
        return "unsigned char" if unsigned else "signed char" if signed else "char"
    if "__int128" in words:
        return "__int128 unsigned" if unsigned else "__int128"
    if "short" in words:
        return "short unsigned int" if unsigned else "short int"
    if longs:
        return f"{'long ' * longs}{'unsigned ' if unsigned else ''}int"
    return "unsigned int" if unsigned else "int"
