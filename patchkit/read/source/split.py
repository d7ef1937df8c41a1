"""Cut preprocessed C into top-level declarations, each distinct stretch of text only once.

Headers repeat in every unit: redis has 280,000 top-level declarations in 146 units, 13,000 of them distinct. So the
text of a unit is cut where an included file begins or ends, each distinct segment is cut into declarations once, and
each distinct declaration gets a number. A unit is then a list of segments, a segment a list of numbers with lines.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from patchkit.read.source.classify import Kind
from patchkit.read.source.fragment import PACK_PREFIX, Fragment

# Any line that belongs to the preprocessor: markers, pragmas, definitions kept by -dD.
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*\n?", re.M)
# The same where it is not the first line: a search that begins with a plain text is faster.
_LATER_DIRECTIVE = re.compile(r"\n[ \t]*#[^\n]*")
# A line marker that enters (1) or leaves (2) a file. Two things make the search fast: it begins with a plain text, and
# the name is runs of characters with escapes between them, not an alternative for each character.
_BOUNDARY = re.compile(r'\n# (\d+) "([^"\\\n]*(?:\\.[^"\\\n]*)*)" [12]([^\n]*)(?=\n)')
# A marker of what the compiler predefines, which stands before the first file.
_PREDEFINED = re.compile(r'^# \d+ "<(built-in|command[- ]line)>"[^\n]*\n', re.M)
_FIRST = re.compile(r'\s*# (\d+) "((?:[^"\\\n]|\\.)*)"[^\n]*\n')
# Given to the preprocessor by the recorder, so that a text does not depend on place and time.
_FIXED = frozenset({"__LINE__", "__DATE__", "__TIME__", "__TIMESTAMP__"})
_MARKER = re.compile(r'#(?:line)? (\d+) "')
# Runs of characters between escapes: an alternative for each character would take longer.
_LITERAL = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"' r"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
_TOKEN = re.compile(rf"{_LITERAL}|[{{}};=()]|^[ \t]*\#[^\n]*\n?", re.M)
_BRACE = re.compile(rf"{_LITERAL}|[{{}}]")
_GROUP = r"\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\)"
_ATTRIBUTE = rf"(?:__attribute__|__attribute|_Alignas|alignas|__declspec)\s*{_GROUP}"
_C23_ATTRIBUTE = r"\[\[(?:[^\[\]]|\[[^\[\]]*\])*\]\]"
_AGGREGATE_HEAD = re.compile(
    rf"\b(?:struct|union|enum)\b\s*(?:(?:{_ATTRIBUTE}|{_C23_ATTRIBUTE})\s*)*(?:[A-Za-z_$][\w$]*\s*)?"
    rf"(?:{_ATTRIBUTE}\s*)*(?::[\w\s]+)?$"
)
# Words with an argument in parentheses that is no parameter list.
_NO_PARAMETERS = re.compile(
    rf"{_ATTRIBUTE}|{_C23_ATTRIBUTE}|(?:_Atomic|_BitInt|(?:__)?typeof(?:__|_unqual)?)\s*{_GROUP}"
)
# `name ( identifiers ) type-word`: the head of a definition in the style before C89.
_OLD_STYLE_HEAD = re.compile(
    r"[A-Za-z_$][\w$]*\s*\(\s*[A-Za-z_$][\w$]*(?:\s*,\s*[A-Za-z_$][\w$]*)*\s*\)\s*(?!(?:__asm__|__asm|asm)\b)[A-Za-z_$]"
)
# What only the head of such a definition has after a `)`, and few other declarations: nearly all are told by it.
_AFTER_PARAMETERS = re.compile(r"\)\s*(?:(?!(?:__attribute|__attribute__|__asm|__asm__)\b)[A-Za-z_$#]|\[\[)")
_DEFINE = re.compile(r"\n#(define|undef) ([A-Za-z_$][\w$]*)([^\n]*)")  # the text is given a line feed in front
_MACRO_PRAGMA = re.compile(r"^[ \t]*#\s*pragma[^\n]*(?:push_macro|pop_macro|poison)", re.M)
_PACK = re.compile(r"^[ \t]*#\s*pragma\s+pack\s*\(([^)\n]*)\)", re.M)

Stretch = tuple[int, str, str, str]  # line, file as a marker spells it, flags of the marker, text


@dataclass(slots=True)
class Declaration:
    """One distinct top-level declaration: its text without line markers, and what is known of it so far.

    `body` is the text of the body of a function, None where `function` says that there is one which is not at hand.
    `raw` is the fragment as the book keeps it.
    """

    head: str
    function: bool
    body: str | None = None
    digest: str = ""
    kind: Kind | None = None
    name: str = ""  # of the function that it declares, where it defines none
    typedefs: list[str] = field(default_factory=list)
    fragment: Fragment | None = None
    raw: list[Any] | None = None

    def identity(self) -> str:
        """Return a digest of its text, which needs the body the first time."""
        if not self.digest:
            self.digest = text_digest(self.head, self.body)
        return self.digest


@dataclass(slots=True)
class Segment:
    """A stretch of one file. `items` are (declaration number, line); `macros` what it defines, None for what it
    undefines.

    `tail` is a declaration that had begun where the stretch ended, with its line.
    """

    file: str
    system: bool
    items: list[tuple[int, int]] = field(default_factory=list)
    macros: list[tuple[str, str | None, int]] = field(default_factory=list)
    tail: str = ""
    tail_line: int = 0


@dataclass(slots=True)
class SplitUnit:
    """The segments of one unit in order; `unfinished` is text at the end that never became a declaration.

    `untold` is set where its definitions do not tell all about its macros: pragmas save, bring back or forbid some.
    """

    segments: list[Segment]
    unfinished: str = ""
    unfinished_file: str = ""
    unfinished_line: int = 0
    untold: bool = False


def text_digest(*parts: str | None) -> str:
    """Return a digest, 24 hexadecimal digits, of texts; None differs from an empty one."""
    text = "\0".join("\1" if part is None else part for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def has_packing(text: str) -> bool:
    """Tell whether a unit's text has `#pragma pack`."""
    place = text.find("pragma")
    while place >= 0:  # a search for the expression would look at every line
        if _PACK.match(text, text.rfind("\n", 0, place) + 1):
            return True
        place = text.find("pragma", place + 1)
    return False


class Splitter:
    """Cuts units and numbers distinct declarations; one splitter serves all units that are to share numbers.

    What was cut earlier can be given to it: `by_digest` leads from the digest of a declaration to its number,
    `stretches` from that of a stretch to its segments, `predefined` likewise.
    """

    def __init__(self) -> None:
        self.declarations: list[Declaration] = []
        self.by_digest: dict[str, int] = {}
        self.stretches: dict[str, list[Segment]] = {}
        self.predefined: dict[str, list[Segment]] = {}
        self._numbers: dict[tuple[str, str | None], int] = {}
        self._preambles: dict[str, list[Segment]] = {}
        self._segments: dict[tuple[object, ...], list[Segment]] = {}

    def intern(self, head: str, body: str | None) -> int:
        """Return the number of a declaration, the same for the same text."""
        key = (head, body)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._enter(head, body)
        return number

    def _enter(self, head: str, body: str | None) -> int:
        if self.by_digest:
            digest = text_digest(head, body)
            known = self.by_digest.get(digest)
            if known is not None:
                self.declarations[known].body = body
                return known
        self.declarations.append(Declaration(head, body is not None, body))
        return len(self.declarations) - 1

    def split(self, text: str, resolve: Callable[[str], str]) -> SplitUnit:
        """Cut the preprocessed text of one unit; `resolve` makes the file names of its line markers comparable."""
        start = _body_start(text)
        # The first lines name the unit and its directory; what follows is the same for units of like flags.
        head = text[max(text.find('\n# 0 "<', 0, start), 0) : start]
        segments = list(self._predefined(head))
        carry: Segment | None = None
        packing = _PackState() if has_packing(text) else None
        for line, spelled, flags, stretch in _stretches(text, start):
            if carry is None and (not stretch or stretch.isspace()):
                continue
            file, system = resolve(spelled), "3" in flags
            for segment in self._segment(file, line, system, stretch, carry):
                if packing is not None:
                    # A carried declaration comes first, before any pragma of this stretch.
                    segment = self._packed(segment, "" if segment.file != file else stretch, packing)
                segments.append(segment)
                carry = segment if segment.tail else None
        untold = "pragma" in text and _MACRO_PRAGMA.search(text) is not None
        if carry is None:
            return SplitUnit(segments, untold=untold)
        return SplitUnit(segments, carry.tail, carry.file, carry.tail_line, untold)

    def cut_alone(self, stretch: Stretch, resolve: Callable[[str], str]) -> Segment:
        """Cut a stretch of a text without packing that no declaration reaches into."""
        line, spelled, flags, text = stretch
        return self._segment(resolve(spelled), line, "3" in flags, text, None)[0]

    def _predefined(self, head: str) -> list[Segment]:
        found = self._preambles.get(head)
        if found is None:
            digest = text_digest(head)
            found = self.predefined.get(digest)
            if found is None:
                found = self.predefined[digest] = _predefined(head)
            self._preambles[head] = found
        return found

    def _segment(self, file: str, line: int, system: bool, text: str, carry: Segment | None) -> list[Segment]:
        tail = carry.tail if carry else ""
        key = (file, line, system, text, tail, *_origin(carry))
        found = self._segments.get(key)
        if found is None:
            digest = text_digest(file, str(line), str(system), text, tail, *_origin(carry))
            found = self.stretches.get(digest)
            if found is None:
                found = self.stretches[digest] = self._cut_stretch(file, line, system, text, carry)
            self._segments[key] = found
        return found

    def _cut_stretch(self, file: str, line: int, system: bool, text: str, carry: Segment | None) -> list[Segment]:
        cut = self._cut(Segment(file, system), line, text, carry.tail if carry else "")
        found = [cut]
        if carry is not None:
            # What the carried text began stands where it began, in its own file.
            first = Segment(carry.file, carry.system)
            if cut.items:
                first.items, cut.items = [(cut.items[0][0], carry.tail_line)], cut.items[1:]
                found = [first, cut]
            elif cut.tail:
                cut.file, cut.system, cut.tail_line = carry.file, carry.system, carry.tail_line
        return found

    def _cut(self, segment: Segment, line: int, text: str, carried: str) -> Segment:
        lines = _LineCounter(text, line)
        for match in _DEFINE.finditer("\n" + text):
            value = match.group(3) if match.group(1) == "define" else None
            # Places matter for the program's own macros only.
            segment.macros.append((match.group(2), value, 0 if segment.system else lines.at(match.start())))
        if carried:
            text = f'{carried}\n# {line} "{segment.file}"\n{text}'
        lines = _LineCounter(text, line)
        end = 0
        for start, stop, body in _declarations(text):
            head = text[start : body or stop]
            if "#" in head:
                head = _DIRECTIVE.sub("", head)
            head = head.strip()
            end = stop
            if head and head != ";":
                tail = None if body is None else text[body:stop]
                if tail is not None and "#" in tail:
                    tail = _LATER_DIRECTIVE.sub("", tail)
                segment.items.append((self.intern(head, tail), lines.at(_first_code(text, start, stop))))
        _set_tail(segment, text, end, lines)
        return segment

    def _packed(self, segment: Segment, text: str, packing: "_PackState") -> Segment:
        """Renumber the aggregates of a segment that stand under `#pragma pack`."""
        if not _PACK.search(text):
            if not packing.current:
                return segment
            items = [(self._repack(number, packing.current), line) for number, line in segment.items]
            return replace(segment, items=items)
        items = []
        position = 0
        cuts = [(stop, body) for _, stop, body in _declarations(text)]
        numbers = iter(segment.items)
        for stop, _ in cuts:
            head = _DIRECTIVE.sub("", text[position:stop]).strip()
            for pragma in _PACK.finditer(text, position, stop):
                packing.apply(pragma.group(1))
            position = stop
            if head and head != ";":
                number, line = next(numbers)
                items.append((self._repack(number, packing.current), line))
        for pragma in _PACK.finditer(text, position):
            packing.apply(pragma.group(1))
        return replace(segment, items=items)

    def _repack(self, number: int, pack: str) -> int:
        declaration = self.declarations[number]
        if not pack or declaration.function or "{" not in declaration.head:
            return number
        return self.intern(f"{PACK_PREFIX}({pack})\n{declaration.head}", None)


def _set_tail(segment: Segment, text: str, end: int, lines: "_LineCounter") -> None:
    """Note in `segment` the declaration that has begun behind the last whole one, which ends at `end`."""
    rest = text[end:]
    if "#" in rest:
        stripped = _DIRECTIVE.sub("", rest)
        rest = rest if stripped.strip() else ""
    if rest.strip():
        segment.tail_line = lines.at(_first_code(text, end, len(text)))
        segment.tail = _DIRECTIVE.sub("\n", rest).lstrip()


def _origin(carry: Segment | None) -> tuple[str, ...]:
    """Where a carried declaration began: what is cut from the next stretch says so too."""
    return (carry.file, str(carry.system), str(carry.tail_line)) if carry is not None else ()


def _body_start(text: str) -> int:
    """Return where the program's own text begins, after what the compiler predefines."""
    last = max(text.rfind('\n# 0 "<'), text.rfind('\n# 1 "<'))
    return text.find("\n", last + 1) if last >= 0 else 0


def _predefined(text: str) -> list[Segment]:
    """Return the macros that stand before the first file: the compiler's own, and those of the command line."""
    parts = _PREDEFINED.split(text)
    own, given = Segment("<built-in>", True), Segment("<command-line>", False)
    for index in range(1, len(parts), 2):
        segment = own if parts[index] == "built-in" else given
        # A file that the compiler includes of its own accord may follow.
        lines = parts[index + 1].split("\n# ", 1)[0]
        segment.macros += [
            (name, value if word == "define" else None, 0)
            for word, name, value in _DEFINE.findall("\n" + lines)
            if name not in _FIXED
        ]
    return [own, given]


def text_stretches(text: str) -> tuple[str, list[Stretch]]:
    """Return what is predefined in a unit's text, and its stretches of one file each that are not blank."""
    start = _body_start(text)
    head = text[max(text.find('\n# 0 "<', 0, start), 0) : start]
    return head, [stretch for stretch in _stretches(text, start) if stretch[3] and not stretch[3].isspace()]


def last_stretch_alone(old: str, last: Stretch, new: str) -> Stretch | None:
    """Return what became of `last`, the stretch that `old` ends in, where `new` differs in nothing else; else None.

    So it is where a source was edited behind what it includes: then `new` need not be cut all through.
    """
    begin = len(old) - len(last[3])
    if not old.endswith(last[3]) or new[:begin] != old[:begin] or _BOUNDARY.search(new, begin - 1) is not None:
        return None
    return (*last[:3], new[begin:])


def _stretches(text: str, start: int) -> Iterator[Stretch]:
    """Yield (line, file as the marker spells it, flags, text) of each stretch between entering and leaving files."""
    # The first file's own marker has no flag.
    line, file, flags, begin = 1, "", "", start
    if first := _FIRST.match(text, start):
        line, file, begin = int(first.group(1)), first.group(2), first.end()
    for match in _BOUNDARY.finditer(text, max(begin - 1, 0)):
        # Two markers may stand in a row and share the line feed between them.
        yield line, file, flags, text[begin : match.start() + 1]
        line, file, flags = int(match.group(1)), match.group(2), match.group(3)
        begin = match.end() + 1  # the marker tells of the line behind its own
    yield line, file, flags, text[begin:]


class _PackState:
    """The stack behind `#pragma pack`."""

    def __init__(self) -> None:
        self.current = ""
        self._stack: list[str] = []

    def apply(self, argument: str) -> None:
        words = [word.strip() for word in argument.split(",")]
        if words[0] == "push":
            self._stack.append(self.current)
            words = words[1:]
        elif words[0] == "pop":
            self.current = self._stack.pop() if self._stack else ""
            return
        sizes = [word for word in words if word.isdigit()]
        if sizes or words == [""]:
            self.current = sizes[-1] if sizes else ""


class _LineCounter:
    """Lines of rising offsets in a segment, following its line markers."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._offset = 0
        self._line = line

    def at(self, offset: int) -> int:
        text, position = self._text, self._offset
        line = self._line
        while True:
            marker = text.find("\n# ", position, offset)
            if marker < 0:
                break
            line += text.count("\n", position, marker + 1)
            match = _MARKER.match(text, marker + 1)
            end = text.find("\n", marker + 1)
            end = len(text) if end < 0 else end + 1
            line = int(match.group(1)) if match else line + 1
            position = end
            if end > offset:
                break
        if position < offset:
            line += text.count("\n", position, offset)
        self._line, self._offset = line, max(position, offset)
        return line


def _first_code(text: str, start: int, stop: int) -> int:
    """Return the offset of the first character of `text[start:stop]` that is neither space nor in a directive."""
    while start < stop:
        char = text[start]
        if char == "#":
            end = text.find("\n", start)
            start = stop if end < 0 else end + 1
        elif char.isspace():
            start += 1
        else:
            return start
    return stop


def _skip_braces(text: str, position: int) -> int:
    depth = 1
    for match in _BRACE.finditer(text, position):
        char = text[match.start()]
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return match.end()
    return -1


def _is_old_style(text: str, start: int, stop: int) -> bool:
    if _AFTER_PARAMETERS.search(text, start, stop) is None:
        return False
    head = text[start:stop]
    if "{" in head or "typedef" in head or "(" not in head:
        return False
    head = _NO_PARAMETERS.sub(" ", _DIRECTIVE.sub("", head))
    return "=" not in head and _OLD_STYLE_HEAD.search(head) is not None


def _declarations(text: str) -> list[tuple[int, int, int | None]]:
    """Return (start, end, start of the body or None) of each complete top-level declaration."""
    found: list[tuple[int, int, int | None]] = []
    start = position = depth = 0
    initialised = old_style = False
    search = _TOKEN.search
    while match := search(text, position):
        char = text[match.start()]
        position = match.end()
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif depth:
            if char == "{":
                position = _skip_braces(text, position)
                if position < 0:
                    break
        elif char == ";":
            if not initialised and (old_style or _is_old_style(text, start, position)):
                old_style = True
                continue
            found.append((start, position, None))
            start, initialised = position, False
        elif char == "=":
            initialised = True
        elif char == "{":
            end = _skip_braces(text, position)
            if end < 0:
                break
            if not initialised and not _AGGREGATE_HEAD.search(text, start, match.start()):
                found.append((start, end, match.start()))
                start, initialised, old_style = end, False, False
            position = end
        elif char == "}":
            # Unbalanced: not C. Leave the rest unfinished, so that the unit is reported.
            break
    return found
