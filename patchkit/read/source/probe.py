"""Ask the compiler: many constant expressions and bit-field positions from one small generated source.

Each question is a function body in a generated file; its answers are words in a section of the object. Nothing is
run, so cross compilers work as well. A question that does not compile is dropped, and the rest is asked again.
"""

import re
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patchkit.errors import ToolError
from patchkit.read.source.sections import read_sections

_MAGIC = 0x706B_70726F_6265  # begins each answer; an impossible size, and no padding
_SECTION = "pk_words"
_ERROR = re.compile(r"^([^:\n]+):(\d+):(?:\d+:)? (?:fatal )?error: ([^\n]*)", re.M)
_ROUNDS = 12
_LAYOUT_FLAGS = re.compile(
    r"-m.+|-std=.+|-ansi|-f(?:no-)?(?:short-enums|short-wchar|signed-char|unsigned-char|signed-bitfields|unsigned-bitfields"
    r"|pack-struct(?:=\d+)?|ms-extensions|plan9-extensions|abi-version=\d+)|--target=.+"
)
_LAYOUT_FLAGS_WITH_VALUE = frozenset({"-target", "-arch", "--param", "-isysroot", "--sysroot"})


@dataclass(frozen=True, slots=True)
class Question:
    """`words` are constant expressions; `bits` are members of `subject` whose place in bits is asked.

    `setup` are declarations in the scope of the question, complete lines. `defines` are macros to define for it, as
    they stand behind `#define`.
    """

    words: tuple[str, ...]
    subject: str = ""
    bits: tuple[str, ...] = ()
    setup: str = ""
    defines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Unsigned 64-bit values in the order of `Question.words`, then (offset, width) in bits for each of `bits`."""

    words: tuple[int, ...]
    bits: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The compiler's reason why a question cannot be answered; `stated` where it gave one for this very question."""

    reason: str
    stated: bool = True


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler and those of its flags that change layouts or constants."""

    command: str
    flags: tuple[str, ...]

    @staticmethod
    def of(arguments: Sequence[str]) -> "Compiler":
        """The compiler of a compile command, whose first word is the compiler itself."""
        flags, words = [], list(arguments)
        for position, word in enumerate(words):
            if word in _LAYOUT_FLAGS_WITH_VALUE:
                flags += words[position : position + 2]
            elif _LAYOUT_FLAGS.fullmatch(word):
                flags.append(word)
        return Compiler(words[0] if words else "cc", tuple(flags))


def ask(compiler: Compiler, preamble: Sequence[str], questions: Sequence[Question]) -> list[Answer | Refusal]:
    """Answer all `questions` after the declarations of `preamble`. Raises ToolError without a compiler."""
    results: list[Answer | Refusal | None] = [None] * len(questions)
    dropped: set[int] = set()  # of the preamble
    reason = ""
    with tempfile.TemporaryDirectory(prefix="patchkit-") as folder:
        for _ in range(_ROUNDS):
            waiting = [number for number, result in enumerate(results) if result is None]
            if not waiting:
                break
            source = _render(preamble, dropped, questions, waiting)
            expand = any(questions[number].defines for number in waiting)
            object_file, errors = _compile(compiler, source, Path(folder), expand)
            if object_file is not None:
                _collect(object_file, questions, waiting, results)
                break
            found = False
            for name, line, text in errors:
                reason = reason or text
                if name == "question" and results[line - 1] is None:
                    results[line - 1], found = Refusal(text), True
                elif name == "preamble" and line - 1 not in dropped:
                    dropped.add(line - 1)
                    found = True
            if not found:
                break
    unknown = Refusal(reason or "the compiler gave no answer", stated=False)
    return [result if result is not None else unknown for result in results]


def _render(preamble: Sequence[str], dropped: set[int], questions: Sequence[Question], waiting: list[int]) -> str:
    lines = []
    for number, text in enumerate(preamble):
        if number not in dropped:
            # Every line of one entry is reported under the entry's number.
            for part in text.split("\n"):
                lines.append(part if part.lstrip().startswith("#") else f'# {number + 1} "preamble"\n{part}')
    for number in waiting:
        lines += _render_question(number, questions[number])
    return "\n".join(lines) + "\n"


def _render_question(number: int, question: Question) -> list[str]:
    marker = f'# {number + 1} "question"'
    values = ", ".join(f"(unsigned long long)({word})" for word in question.words)
    lines = [
        f"{marker}\nstatic const unsigned long long pk_w{number}[] "
        f'__attribute__((used, aligned(8), section("{_SECTION}"))) = '
        f"{{ {_MAGIC}ULL, {number}, {len(question.words)}{', ' if values else ''}{values} }};"
    ]
    for index, member in enumerate(question.bits):
        lines.append(
            f"{marker}\nstatic const {question.subject} pk_b{number}_{index} "
            f'__attribute__((used, section("pk_b_{number}_{index}"))) = {{ .{member} = -1 }};'
        )
    if question.defines:
        names = [re.split(r"\W", text, maxsplit=1)[0] for text in question.defines]
        lines = [
            *(f"{marker}\n#define {text}" for text in question.defines),
            *lines,
            *(f"#undef {name}" for name in names),
        ]
    if question.setup:
        # Declarations of its own need a scope of their own; only then is there a function, which costs ten times more.
        parts = [p if p.lstrip().startswith("#") else f"{marker}\n{p}" for p in question.setup.split("\n")]
        lines = [f"{marker}\nvoid pk_question_{number}(void) {{", *parts, *lines, "}"]
    return lines


def _compile(
    compiler: Compiler, source: str, folder: Path, expand: bool
) -> tuple[Path | None, list[tuple[str, int, str]]]:
    # The extension `.i` says that all is preprocessed already; where not, no macro but those of the source is known.
    code, target = folder / ("probe.c" if expand else "probe.i"), folder / "probe.o"
    code.write_text(source, encoding="utf-8", errors="surrogateescape")
    command = [
        compiler.command,
        *compiler.flags,
        *(("-undef", "-nostdinc") if expand else ()),
        "-w",
        "-O0",
        "-g0",
        "-fno-lto",
        "-fmax-errors=0",
        "-c",
        str(code),
        "-o",
        str(target),
    ]
    if "clang" in Path(compiler.command).name:
        command = [word if word != "-fmax-errors=0" else "-ferror-limit=0" for word in command if word != "-fno-lto"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise ToolError(
            f"the compiler {compiler.command} cannot be run: {error.strerror}",
            hint="layouts are asked of the compiler that the build uses: install it, or record the build again",
        ) from None
    if done.returncode == 0:
        return target, []
    return None, [(name, int(line), text) for name, line, text in _ERROR.findall(done.stderr)]


def _collect(
    object_file: Path, questions: Sequence[Question], waiting: list[int], results: list[Answer | Refusal | None]
) -> None:
    sections = read_sections(object_file.read_bytes(), lambda name: name == _SECTION or name.startswith("pk_b_"))
    data = sections.get(_SECTION, b"")
    words = struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])
    position = 0
    found: dict[int, tuple[int, ...]] = {}
    while position + 2 < len(words):
        if words[position] != _MAGIC:
            position += 1
            continue
        number, count = words[position + 1], words[position + 2]
        found[number] = words[position + 3 : position + 3 + count]
        position += 3 + count
    for number in waiting:
        if number in found:
            bits = tuple(
                _bit_place(sections.get(f"pk_b_{number}_{index}", b"")) for index in range(len(questions[number].bits))
            )
            results[number] = Answer(found[number], bits)


def _bit_place(data: bytes) -> tuple[int, int]:
    """Return (offset, width) of the ones in `data`, lowest address and lowest bit first."""
    value = int.from_bytes(data, "little")
    if not value:
        return 0, 0
    offset = (value & -value).bit_length() - 1
    return offset, value.bit_count()
