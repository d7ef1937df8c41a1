"""Single values that go from one arithmetic type to another: kept, widened, or tested on the live value."""

from patchkit.diff.types import Scalar, ScalarKind, Types
from patchkit.model.ctype import CType, Primitive, spell
from patchkit.model.program import Enum
from patchkit.transform.enumerations import constants_test, names_flags
from patchkit.transform.layouts import assignable
from patchkit.transform.places import Place
from patchkit.transform.statements import Context, quoted

# Bits of the significand, by canonical name of the type: IEEE 754, and x87 for long double.
_SIGNIFICAND = {"float": 24, "double": 53, "long double": 64, "_Float128": 113, "__float128": 113}
_EQUAL = {"_Float32": "float", "_Float64": "double", "_Float32x": "double", "_Float64x": "long double"}
_INT64 = 1 << 63
_WHOLE = (ScalarKind.INTEGER, ScalarKind.BOOL, ScalarKind.ENUM)


def convert_scalar(at: Context, old: Place, new: Place, reason: str) -> None:
    """Write what becomes of a value that is neither a pointer nor made of parts."""
    before, after = at.old_types.scalar(old.type), at.new_types.scalar(new.type)
    assert before is not None
    assert after is not None
    at.run(old, new)
    enums = at.old_types.enum(old.type), at.new_types.enum(new.type)
    if enums[0] is not None and enums[1] is not None and at.pair.enums.forward.get(enums[0].key) == enums[1].key:
        if enums[0].key in at.changed.enums and _is_renumbered(enums[0], enums[1]):
            _renumber(at, old, new, (enums[0], enums[1]), reason)
            return
    elif after.kind is ScalarKind.ENUM and enums[1] is not None:
        _must_be_a_constant(at, old, new, enums[1])
        return
    if ScalarKind.FLOAT in (before.kind, after.kind):
        _convert_float(at, old, new, before, after, reason)
        return
    carried = _carried(at, old)
    if carried is not None:
        _renumber(at, old, new, carried, reason)
        return
    _convert_whole(at, old, new, before, after, reason)


def _carried(at: Context, old: Place) -> tuple[Enum, Enum] | None:
    """The enumeration whose constants a number is said to be, where these have other values now."""
    enums = at.changed.carried(old.subject)
    if enums is None:
        return None
    at.old_header.add_enum(enums[0].key)
    at.new_header.add_enum(enums[1].key)
    return enums if _is_renumbered(*enums) else None


def _is_renumbered(old: Enum, new: Enum) -> bool:
    """Whether the values mean something else now; one more constant, or another width, is not that."""
    values = dict(new.constants)
    return any(values.get(name) != value for name, value in old.constants)


def _renumber(at: Context, old: Place, new: Place, enums: tuple[Enum, Enum], reason: str) -> None:
    function = at.remap(*enums)
    what = quoted(f"{old.subject}: the version to come has no constant of {enums[1].key} for the value")
    with at.made.block("", f"{reason}; {enums[0].key} by the names of its constants"):
        at.made.line("int64_t value;")
        at.made.line(f'if ({function}(migration, "{what}", (int64_t){old.text}, &value))')
        at.made.line("    return 1;")
        lowest, highest = value_range(at.new_types, new)
        if any(not lowest <= value <= highest for _, value in enums[1].constants):
            _test_range(at, "value", (-_INT64, _INT64 - 1), (lowest, highest), old, new)
        assign(at, new, "value", "")


def _must_be_a_constant(at: Context, old: Place, new: Place, enum: Enum) -> None:
    """A number becomes an enumeration: it has to be one of its constants, or made of them where they are flags."""
    value = f"(int64_t){old.text}"
    what = f"{old.subject}: {enum.key} has no constant with the value"
    scalar = at.old_types.scalar(old.type)
    if scalar is not None and scalar.kind is ScalarKind.FLOAT:
        at.ask_for_code(f"{old.subject} was {spell(old.type)} and is {enum.key} now")
        return
    test = constants_test(enum, old.text, value_range(at.old_types, old))
    is_flags = " or flags" if names_flags(enum) else ""
    if test:
        at.made.refuse_if(test, what, value, f"a number becomes {enum.key}: only its constants{is_flags} may be live")
    assign(at, new, old.text, "")


# -- whole numbers


def value_range(types: Types, place: Place) -> tuple[int, int]:
    """Return the least and the greatest value that a member of a whole type can hold."""
    scalar = types.scalar(place.type)
    assert scalar is not None
    if scalar.kind is ScalarKind.BOOL:
        return 0, 1
    bits = place.width if place.width is not None else 8 * (scalar.size or place.size)
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if scalar.signed else (0, (1 << bits) - 1)


def _convert_whole(at: Context, old: Place, new: Place, before: Scalar, after: Scalar, reason: str) -> None:
    was, fits = value_range(at.old_types, old), value_range(at.new_types, new)
    if was == fits and at.pair.same(old.type, new.type) and new.width is None and before.kind is not ScalarKind.ENUM:
        at.made.line(f"{new.text} = {old.text};", f"{reason} and type")
        return
    if was == fits:
        assign(at, new, old.text, reason)
        return
    if fits[0] <= was[0] and was[1] <= fits[1]:
        assign(at, new, old.text, f"{reason}; every {_spelled(old)} fits {_spelled(new)}")
        return
    _test_range(at, old.text, was, fits, old, new)
    assign(at, new, old.text, "")


def _test_range(at: Context, value: str, was: tuple[int, int], fits: tuple[int, int], old: Place, new: Place) -> None:
    tests = []
    if was[0] < fits[0]:
        tests.append(f"{value} < {literal(fits[0])}")
    if was[1] > fits[1]:
        tests.append(f"{value} > {literal(fits[1])}")
    what = f"{old.subject}: the value does not fit {_spelled(new)}"
    at.made.refuse_if(" || ".join(tests), what, f"(int64_t){value}", f"{_spelled(old)} becomes {_spelled(new)}")


def _spelled(place: Place) -> str:
    return spell(place.type) + (f" : {place.width}" if place.width is not None else "")


def literal(value: int) -> str:
    """Return C for a whole number of up to 128 bits."""
    if value == -_INT64:
        return "(-9223372036854775807 - 1)"
    if -_INT64 < value < _INT64:
        return str(value)
    if 0 <= value < 2 * _INT64:
        return f"{value}u"
    if value < 0:
        return f"(-{literal(-value - 1)} - 1)"
    high, low = value >> 64, value & (2 * _INT64 - 1)
    signed = "" if value >> 127 else "(__int128)"
    return f"{signed}((unsigned __int128){high}u << 64 | {low}u)"


def assign(at: Context, new: Place, value: str, reason: str) -> None:
    """Write `value`, which is known to fit, to a member."""
    scalar = at.new_types.scalar(new.type)
    assert scalar is not None
    if new.width is None:
        at.made.line(f"{new.text} = ({at.new_header.member(new.type)}){value};", reason)
    elif scalar.kind is ScalarKind.BOOL:
        at.made.line(f"{new.text} = {value} != 0;", reason)
    elif scalar.signed:
        at.made.line(f"PK_BITS({new.text}, {value});", reason)
    else:
        wide = "uint64_t" if new.width > 32 else "uint32_t"
        at.made.line(f"{new.text} = ({wide}){value} & {hex((1 << new.width) - 1)}u;", reason)


# -- floating types


def _significand(types: Types, ctype: CType) -> int:
    bare = types.bare(ctype)
    return _SIGNIFICAND.get(_EQUAL.get(bare.name, bare.name), 0) if isinstance(bare, Primitive) else 0


def _convert_float(at: Context, old: Place, new: Place, before: Scalar, after: Scalar, reason: str) -> None:
    had, has = _significand(at.old_types, old.type), _significand(at.new_types, new.type)
    spelled = spell(assignable(at.new_header.names, new.type)), at.new_header.member(new.type)
    source = at.old_header.member(old.type)
    what = f"{old.subject}: the value cannot be kept in {spelled[0]}"
    if before.kind is after.kind is ScalarKind.FLOAT:
        if had > has:
            lost = f"({source})({spelled[1]}){old.text} != {old.text} && {old.text} == {old.text}"
            at.made.refuse_if(lost, what, _near(old.text), f"{spell(old.type)} becomes {spelled[0]}: exactly, or not")
        cast, more = ("", " and type") if had == has else (f"({spelled[1]})", "; a wider type" if had < has else "")
        at.made.line(f"{new.text} = {cast}{old.text};", f"{reason}{more}")
    elif after.kind is ScalarKind.FLOAT:
        lowest, highest = value_range(at.old_types, old)
        if max(-lowest, highest + 1) > 1 << has:
            top = f"{highest + 1}.0{'f' if spelled[1] == 'float' else ''}"
            value = f"({spelled[1]}){old.text}"
            lost = f"{value} >= {top} || ({source}){value} != {old.text}"
            reason = f"{spell(old.type)} becomes {spelled[0]}: exactly, or not"
            at.made.refuse_if(lost, what, f"(int64_t){old.text}", reason)
        at.made.line(f"{new.text} = ({spelled[1]}){old.text};", "every value fits" if highest < 1 << has else "")
    else:
        lowest, highest = value_range(at.new_types, new)
        held = f"{old.text} >= {lowest}.0 && {old.text} < {highest + 1}.0"
        whole = "int64_t" if after.signed or after.kind is ScalarKind.BOOL else "uint64_t"
        whole = f"{'' if after.signed else 'unsigned '}__int128" if after.size == 16 else whole
        lost = f"!({held}) || ({source})({whole}){old.text} != {old.text}"
        at.made.refuse_if(lost, what, _near(old.text), f"{spell(old.type)} becomes {spelled[0]}: whole, or not")
        assign(at, new, f"({whole}){old.text}", "")


def _near(value: str) -> str:
    """A whole number near a floating one, for a report."""
    return f"{value} > -9e18 && {value} < 9e18 ? (int64_t){value} : 0"
