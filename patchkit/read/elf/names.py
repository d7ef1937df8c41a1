"""Names of basic types as gcc spells them, whichever compiler wrote the debug information; names of languages."""

from elftools.dwarf.enums import ENUM_DW_LANG

_INTEGER_WORDS = frozenset({"signed", "unsigned", "short", "long", "int", "char", "__int128"})
# What C as clang writes it is called, where gcc calls it otherwise.
_SYNONYMS = {
    "__float128": "_Float128",
    "bool": "_Bool",
    "__fp16": "_Float16",
    "half": "_Float16",
}
_COMPLEX_INTEGERS = {2: "complex char", 4: "complex short int", 8: "complex int", 16: "complex long int"}
_COMPLEX = {4: "complex _Float16", 8: "complex float", 16: "complex double", 32: "complex long double"}
# C in its editions, and the numbers that DWARF 6 drafts give C17 and C23.
_C_LANGUAGES = frozenset({0x01, 0x02, 0x0C, 0x1D, 0x2C, 0x3E})
_LANGUAGES = {0x8001: "assembly", 0x2B: "C++20", 0x2A: "C++17", 0x3A: "C++23"}


def basic_name(name: str, size: int, integral: bool) -> str:
    """Return gcc's name of the basic type that is called `name` in debug information; `size` in bytes.

    `integral` says of a complex type whether its parts are integers.
    """
    name = _SYNONYMS.get(name, name)
    if name == "complex":
        return _COMPLEX_INTEGERS.get(size, "complex int") if integral else _COMPLEX.get(size, name)
    words = name.split()
    if not words or not _INTEGER_WORDS.issuperset(words):
        return name
    unsigned = " unsigned" if "unsigned" in words else ""
    if "__int128" in words:
        return f"__int128{unsigned}"
    if "char" in words:
        return " ".join(word for word in ("signed", "unsigned", "char") if word in words)
    size_words = "short" if "short" in words else " ".join(["long"] * words.count("long"))
    return f"{size_words}{unsigned} int".strip()


def is_c(language: int) -> bool:
    """Whether a unit's language is C. A unit that does not say counts as C."""
    return language == 0 or language in _C_LANGUAGES


def language_name(language: int) -> str:
    """Return what a language is called: `C++14`, `Rust`."""
    if language in _LANGUAGES:
        return _LANGUAGES[language]
    for name, code in ENUM_DW_LANG.items():
        if code == language and isinstance(code, int):
            return str(name).removeprefix("DW_LANG_").replace("C_plus_plus_", "C++").replace("C_plus_plus", "C++")
    return f"language {language:#x}"
