"""The DWARF numbers that this package uses, taken from pyelftools' tables. Source: DWARF 5, section 7."""

from elftools.dwarf.enums import ENUM_DW_AT, ENUM_DW_FORM, ENUM_DW_TAG


def _attribute(name: str) -> int:
    return int(ENUM_DW_AT[f"DW_AT_{name}"])


def _form(name: str) -> int:
    return int(ENUM_DW_FORM[f"DW_FORM_{name}"])


def _tag(name: str) -> int:
    return int(ENUM_DW_TAG[f"DW_TAG_{name}"])


TAG_ARRAY = _tag("array_type")
TAG_ATOMIC = _tag("atomic_type")
TAG_BASE = _tag("base_type")
TAG_COMPILE_UNIT = _tag("compile_unit")
TAG_CONST = _tag("const_type")
TAG_ENUM = _tag("enumeration_type")
TAG_ENUMERATOR = _tag("enumerator")
TAG_IMPORTED_UNIT = _tag("imported_unit")
TAG_LEXICAL_BLOCK = _tag("lexical_block")
TAG_MEMBER = _tag("member")
TAG_PARAMETER = _tag("formal_parameter")
TAG_PARTIAL_UNIT = _tag("partial_unit")
TAG_POINTER = _tag("pointer_type")
TAG_RESTRICT = _tag("restrict_type")
TAG_SKELETON_UNIT = _tag("skeleton_unit")
TAG_STRUCT = _tag("structure_type")
TAG_SUBPROGRAM = _tag("subprogram")
TAG_SUBRANGE = _tag("subrange_type")
TAG_SUBROUTINE = _tag("subroutine_type")
TAG_TYPEDEF = _tag("typedef")
TAG_TYPE_UNIT = _tag("type_unit")
TAG_UNION = _tag("union_type")
TAG_UNSPECIFIED_PARAMETERS = _tag("unspecified_parameters")
TAG_UNSPECIFIED_TYPE = _tag("unspecified_type")
TAG_VARIABLE = _tag("variable")
TAG_VOLATILE = _tag("volatile_type")

RECORD_TAGS = frozenset({TAG_STRUCT, TAG_UNION})
DEFINITION_TAGS = frozenset({TAG_STRUCT, TAG_UNION, TAG_ENUM, TAG_TYPEDEF})
QUALIFIER_TAGS = {TAG_CONST: "const", TAG_VOLATILE: "volatile", TAG_RESTRICT: "restrict", TAG_ATOMIC: "_Atomic"}
# What a unit holds that says something about types or storage; every other entry is stepped over.
WANTED_TAGS = frozenset(
    {
        TAG_ARRAY,
        TAG_BASE,
        TAG_COMPILE_UNIT,
        TAG_ENUM,
        TAG_ENUMERATOR,
        TAG_IMPORTED_UNIT,
        TAG_LEXICAL_BLOCK,
        TAG_MEMBER,
        TAG_PARAMETER,
        TAG_PARTIAL_UNIT,
        TAG_POINTER,
        TAG_SKELETON_UNIT,
        TAG_STRUCT,
        TAG_SUBPROGRAM,
        TAG_SUBRANGE,
        TAG_SUBROUTINE,
        TAG_TYPEDEF,
        TAG_TYPE_UNIT,
        TAG_UNION,
        TAG_UNSPECIFIED_PARAMETERS,
        TAG_UNSPECIFIED_TYPE,
        TAG_VARIABLE,
        *QUALIFIER_TAGS,
    }
)

AT_ABSTRACT_ORIGIN = _attribute("abstract_origin")
AT_ALIGNMENT = _attribute("alignment")
AT_BIT_OFFSET = _attribute("bit_offset")
AT_BIT_SIZE = _attribute("bit_size")
AT_BYTE_SIZE = _attribute("byte_size")
AT_COMP_DIR = _attribute("comp_dir")
AT_CONST_VALUE = _attribute("const_value")
AT_COUNT = _attribute("count")
AT_DATA_BIT_OFFSET = _attribute("data_bit_offset")
AT_DATA_MEMBER_LOCATION = _attribute("data_member_location")
AT_DECLARATION = _attribute("declaration")
AT_DECL_COLUMN = _attribute("decl_column")
AT_DECL_FILE = _attribute("decl_file")
AT_DECL_LINE = _attribute("decl_line")
AT_DWO_NAME = _attribute("dwo_name")
AT_ENCODING = _attribute("encoding")
AT_EXTERNAL = _attribute("external")
AT_GNU_DWO_NAME = _attribute("GNU_dwo_name")
AT_GNU_VECTOR = _attribute("GNU_vector")
AT_IMPORT = _attribute("import")
AT_INLINE = _attribute("inline")
AT_LANGUAGE = _attribute("language")
AT_LOCATION = _attribute("location")
AT_LOW_PC = _attribute("low_pc")
AT_NAME = _attribute("name")
AT_PRODUCER = _attribute("producer")
AT_PROTOTYPED = _attribute("prototyped")
AT_SIBLING = _attribute("sibling")
AT_SIGNATURE = _attribute("signature")
AT_SPECIFICATION = _attribute("specification")
AT_STMT_LIST = _attribute("stmt_list")
AT_STR_OFFSETS_BASE = _attribute("str_offsets_base")
AT_TYPE = _attribute("type")
AT_UPPER_BOUND = _attribute("upper_bound")

WANTED_ATTRIBUTES = frozenset(value for name, value in list(globals().items()) if name.startswith("AT_"))

FORM_BLOCK = _form("block")
FORM_BLOCK1 = _form("block1")
FORM_BLOCK2 = _form("block2")
FORM_BLOCK4 = _form("block4")
FORM_DATA1 = _form("data1")
FORM_DATA16 = _form("data16")
FORM_EXPRLOC = _form("exprloc")
FORM_FLAG_PRESENT = _form("flag_present")
FORM_GNU_REF_ALT = _form("GNU_ref_alt")
FORM_GNU_STRP_ALT = _form("GNU_strp_alt")
FORM_GNU_STR_INDEX = _form("GNU_str_index")
FORM_IMPLICIT_CONST = _form("implicit_const")
FORM_INDIRECT = _form("indirect")
FORM_LINE_STRP = _form("line_strp")
FORM_REF_ADDR = _form("ref_addr")
FORM_REF_SIG8 = _form("ref_sig8")
FORM_SDATA = _form("sdata")
FORM_STRING = _form("string")
FORM_STRP = _form("strp")
FORM_STRX = _form("strx")
FORM_STRX1 = _form("strx1")
FORM_STRX2 = _form("strx2")
FORM_STRX3 = _form("strx3")
FORM_STRX4 = _form("strx4")
FORM_STRP_SUP = _form("strp_sup")
FORM_REF_SUP4 = _form("ref_sup4")
FORM_REF_SUP8 = _form("ref_sup8")
FORM_UDATA = _form("udata")

BLOCK_FORMS = frozenset({FORM_BLOCK, FORM_BLOCK1, FORM_BLOCK2, FORM_BLOCK4, FORM_EXPRLOC})
INDEXED_STRING_FORMS = frozenset({FORM_STRX, FORM_STRX1, FORM_STRX2, FORM_STRX3, FORM_STRX4, FORM_GNU_STR_INDEX})
RELATIVE_FORMS = frozenset(_form(name) for name in ("ref", "ref1", "ref2", "ref4", "ref8", "ref_udata"))
ALTERNATE_FORMS = frozenset({FORM_GNU_REF_ALT, FORM_REF_SUP4, FORM_REF_SUP8})
# Forms of a number of fixed size, by their size in bytes.
FIXED_FORMS = {
    **{_form(name): 1 for name in ("data1", "flag", "ref1", "strx1", "addrx1")},
    **{_form(name): 2 for name in ("data2", "ref2", "strx2", "addrx2")},
    **{_form(name): 4 for name in ("data4", "ref", "ref4", "strx4", "addrx4", "ref_sup4")},
    **{_form(name): 8 for name in ("data8", "ref8", "ref_sig8", "ref_sup8")},
}
# Forms whose size is that of an offset: 4 bytes, or 8 in the 64-bit format of DWARF.
OFFSET_FORMS = frozenset(
    _form(name) for name in ("strp", "line_strp", "sec_offset", "strp_sup", "GNU_ref_alt", "GNU_strp_alt")
)
FORM_ADDR = _form("addr")
ULEB_FORMS = frozenset(
    _form(name)
    for name in (
        "udata",
        "ref_udata",
        "strx",
        "addrx",
        "loclistx",
        "rnglistx",
        "GNU_addr_index",
        "GNU_str_index",
    )
)
THREE_BYTE_FORMS = frozenset({FORM_STRX3, _form("addrx3")})

OP_ADDR = 0x03
OP_PLUS_UCONST = 0x23
OP_CONSTU = 0x10
OP_PIECE = 0x93
OP_ADDRX = 0xA1
OP_GNU_ADDR_INDEX = 0xFB
TLS_OPERATORS = frozenset({0x9B, 0xE0})  # DW_OP_form_tls_address, DW_OP_GNU_push_tls_address
# Operators that push a number from a table, and those that push one that follows, by its size in bytes.
ADDRESS_OPERATORS = frozenset({OP_ADDR, OP_ADDRX, OP_GNU_ADDR_INDEX})
INDEXED_OPERATORS = frozenset({OP_ADDRX, OP_GNU_ADDR_INDEX, 0xA2, 0xFC})
CONSTANT_OPERATORS = {0x08: 1, 0x0A: 2, 0x0C: 4, 0x0E: 8}

ENCODING_COMPLEX = 0x03
ENCODING_USER = 0x80  # what gcc and clang give `_Complex int`
ENCODINGS_SIGNED = frozenset({0x05, 0x06, 0x0D})  # signed, signed char, signed fixed
