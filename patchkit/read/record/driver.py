"""What a compiler or linker was asked to do, from its arguments."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """What a source is written in."""

    C = "C"
    CXX = "C++"
    ASSEMBLER = "assembly"
    OTHER = "another language"


# Why a source in another language has no text.
UNREAD = {
    Language.CXX: "C++ is not read",
    Language.ASSEMBLER: "assembly is not read",
    Language.OTHER: "only C is read",
}


class Mode(StrEnum):
    """How far a compiler driver goes."""

    LINK = "link"
    OBJECT = "object"
    ASSEMBLY = "assembly"
    NOTHING = "nothing"  # only preprocesses, lists dependencies, checks syntax or answers a question


@dataclass(frozen=True, slots=True)
class Source:
    """A source as it stands in the arguments."""

    path: str
    language: Language


@dataclass(frozen=True, slots=True)
class Input:
    """Something to link: a file, or with `library` the name after `-l`, which `static` restricts to archives."""

    name: str
    library: bool = False
    static: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A compiler's or linker's arguments, understood. `output` is empty where none was named."""

    mode: Mode
    output: str
    sources: tuple[Source, ...]
    inputs: tuple[Input, ...]
    search: tuple[str, ...]  # directories of -L
    relocatable: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One option with its value in whatever way it was written, or an operand, whose `name` is empty.

    `words` are the arguments that it stands in.
    """

    name: str
    value: str
    words: tuple[str, ...]


# Options whose value may be, or always is, the next argument (GCC manual 3.1 ff., clang's command line reference).
_TAKES_NEXT = frozenset(
    "-o --output -x -I -D -U -L -l -T -u -e -z -A -F -B -h -R -G -MF -MT -MQ -MJ -include -imacros"
    " -include-pch -iquote -isystem -idirafter -iprefix -iwithprefix -iwithprefixbefore -isysroot"
    " -imultilib -iframework -ivfsoverlay --sysroot -Xlinker -Xassembler -Xpreprocessor -Xclang"
    " -Xarch_host -mllvm -target -arch -aux-info --param -dumpbase -dumpbase-ext -dumpdir -wrapper -specs"
    " -Ttext -Tdata -Tbss -soname -rpath -framework -serialize-diagnostics --serialize-diagnostics"
    " --config -working-directory -gcc-toolchain -undefined -install_name".split()
)
_LINKER_TAKES_NEXT = frozenset(
    "-o --output -L -l -T --script -u -e --entry -z -h -soname --soname -rpath --rpath -rpath-link"
    " --rpath-link -m -dynamic-linker --dynamic-linker -I -Map -Ttext -Tdata -Tbss -plugin --plugin"
    " -plugin-opt --version-script --defsym -a -A -b --format -c -f -F -G -y -Y -init -fini --wrap"
    " --section-start --hash-style".split()
)
# Options that are written in one word with their value, longest first where one begins another.
_JOINED = ("--output=", "-Wl,", "-o", "-x", "-l", "-L")

_EXTENSIONS = {
    **dict.fromkeys((".c", ".i"), Language.C),
    **dict.fromkeys((".cc", ".cp", ".cxx", ".cpp", ".CPP", ".c++", ".C", ".ii"), Language.CXX),
    **dict.fromkeys((".s", ".S", ".sx", ".asm"), Language.ASSEMBLER),
    **dict.fromkeys(
        (".m", ".mi", ".mm", ".M", ".f", ".F", ".for", ".f90", ".F90", ".f95", ".go", ".d", ".adb"), Language.OTHER
    ),
}
_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".H", ".gch", ".pch")
_LANGUAGES = {
    **dict.fromkeys(("c", "cpp-output"), Language.C),
    **dict.fromkeys(("c++", "c++-cpp-output"), Language.CXX),
    **dict.fromkeys(("assembler", "assembler-with-cpp"), Language.ASSEMBLER),
}
_MODES = {
    **dict.fromkeys(("-E", "-M", "-MM", "-fsyntax-only", "-###", "--version", "--help"), Mode.NOTHING),
    "-S": Mode.ASSEMBLY,
    "-c": Mode.OBJECT,
}


def split_options(arguments: Sequence[str], *, linker: bool = False) -> Iterator[Option]:
    """Yield the options and operands of `arguments`, the program's own name not among them, in order."""
    takes_next = _LINKER_TAKES_NEXT if linker else _TAKES_NEXT
    words = iter(arguments)
    for word in words:
        if len(word) < 2 or not word.startswith("-"):
            yield Option("", word, (word,))
        elif word in takes_next:
            value = next(words, None)
            yield Option(word, value or "", (word,) if value is None else (word, value))
        elif (joined := next((name for name in _JOINED if _is_joined(word, name, linker)), None)) is not None:
            yield Option(joined.rstrip("=,"), word[len(joined) :], (word,))
        else:
            yield Option(word, "", (word,))


def _is_joined(word: str, name: str, linker: bool) -> bool:
    if linker and name in ("-Wl,", "-x"):
        return False
    # ld has long options with one dash: -omagic is the only one that begins like an option here and is in use.
    return word.startswith(name) and word != "-omagic"


def understand_compiler(arguments: Sequence[str]) -> Action:
    """Return what the compiler driver `arguments[0]` was asked for by the others; response files must be expanded."""
    reading = _Reading(cxx=bool(re.search(r"\+\+(-[\d.]+)?$", os.path.basename(arguments[0]))))
    for option in split_options(arguments[1:]):
        reading.take(option)
    return reading.action()


def understand_linker(arguments: Sequence[str]) -> Action:
    """Return what the linker `arguments[0]` was asked for by the others; response files must be expanded."""
    reading = _Reading(linker=True)
    for option in split_options(arguments[1:], linker=True):
        reading.take(option)
    return reading.action()


class _Reading:
    """The state of going through the options once."""

    def __init__(self, *, cxx: bool = False, linker: bool = False) -> None:
        self.cxx = cxx
        self.linker = linker
        self.modes: set[Mode] = set()
        self.output = ""
        self.sources: list[Source] = []
        self.inputs: list[Input] = []
        self.search: list[str] = []
        self.language: Language | None = None
        self.forced = False
        self.static = False
        self.relocatable = False

    def take(self, option: Option) -> None:
        match option.name:
            case "":
                self.take_operand(option.value)
            case "-o" | "--output":
                self.output = option.value
            case "-x":
                self.forced = option.value != "none"
                self.language = _LANGUAGES.get(option.value, Language.OTHER)
            case "-L":
                self.search.append(option.value)
            case "-l":
                self.inputs.append(Input(option.value, library=True, static=self.static))
            case "-Wl" | "-Xlinker":
                self.take_linker_words(option.value.split(","))
            case "-static" | "-Bstatic" | "-Bdynamic" | "-dn" | "-dy":
                self.static = option.name in ("-static", "-Bstatic", "-dn")
            case "-r" | "--relocatable" | "-Ur" | "-i" if option.name == "-r" or self.linker:
                self.relocatable = True
            case name if name in _MODES and not self.linker:
                self.modes.add(_MODES[name])

    def take_operand(self, path: str) -> None:
        extension = os.path.splitext(path)[1]
        language = self.language if self.forced else _EXTENSIONS.get(extension)
        if path == "-" or self.linker:
            self.inputs += [Input(path)] if path != "-" else []
        elif not self.forced and extension in _HEADERS:
            self.modes.add(Mode.NOTHING)
        elif language is None:
            self.inputs.append(Input(path))
        else:
            self.sources.append(Source(path, Language.CXX if self.cxx and language is Language.C else language))

    def take_linker_words(self, words: list[str]) -> None:
        for option in split_options([word for word in words if word], linker=True):
            if option.name in ("", "-l", "-L", "-Bstatic", "-Bdynamic", "-dn", "-dy"):
                linker, self.linker = self.linker, True
                self.take(option)
                self.linker = linker

    def action(self) -> Action:
        mode = next((mode for mode in (Mode.NOTHING, Mode.ASSEMBLY, Mode.OBJECT) if mode in self.modes), Mode.LINK)
        if not self.sources and not self.inputs:
            mode = Mode.NOTHING
        return Action(mode, self.output, tuple(self.sources), tuple(self.inputs), tuple(self.search), self.relocatable)


# Options that must not come along when a command is run once more for its preprocessed text: they choose another
# output, or write files of their own.
_NOT_AGAIN = frozenset(
    "-c -S -E -P -C -CC -o --output -x -l -L -Wl -Xlinker -H -v -### -dD -dM -dN -dI -dU -save-temps"
    " --save-temps -fsyntax-only -fdirectives-only -fpch-preprocess -aux-info -dumpbase -dumpbase-ext"
    " -dumpdir -serialize-diagnostics --serialize-diagnostics -shared -static -r -time -Werror".split()
)
_READ = (
    "-E",
    "-dD",
    "-D__LINE__=0",
    '-D__DATE__=""',
    '-D__TIME__=""',
    '-D__TIMESTAMP__=""',
    "-Wno-builtin-macro-redefined",
    "-w",
)


def preprocessing_arguments(arguments: Sequence[str], directory: str, source: str, root: str) -> list[str]:
    """Return the command that prints the text of `source`, which the command `arguments` compiled in `directory`.

    `root` is cut off `__FILE__`. Macros that differ from run to run have constant values, and `#define` lines stay.
    """
    kept, operand = _again(arguments, directory, source)
    return [*kept, *_READ, f"-fmacro-prefix-map={root}=.", *operand]


def compiling_arguments(
    arguments: Sequence[str], directory: str, source: str, output: str, added: Sequence[str]
) -> list[str]:
    """Return the command that compiles `source` alone into the object `output`, as `arguments` did but for `added`."""
    kept, operand = _again(arguments, directory, source)
    return [*kept, *added, "-c", "-o", output, *operand]


def _again(arguments: Sequence[str], directory: str, source: str) -> tuple[list[str], list[str]]:
    """Return the compiler with the options that matter to `source`, and the source with the language it was given."""
    kept = [arguments[0]]
    written, language = source, ""
    forced = ""
    for option in split_options(arguments[1:]):
        if option.name == "-x":
            forced = "" if option.value == "none" else option.value
        elif not option.name and os.path.normpath(os.path.join(directory, option.value)) == source:
            written, language = option.value, forced
        elif option.name and option.name not in _NOT_AGAIN and not option.name.startswith(("-M", "-save-temps=")):
            kept += _without_dependency_files(option.words)
    if not language and written.endswith(".i"):
        language = "c"
    return kept, [*(["-x", language] if language else []), written]


def _without_dependency_files(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return `words` without what `-Wp,-MD,file` asks for."""
    if not words[0].startswith("-Wp,"):
        return words
    options = iter(words[0].split(",")[1:])
    kept = []
    for option in options:
        if option in ("-MD", "-MMD", "-MF", "-MT", "-MQ"):
            next(options, None)
        elif not option.startswith("-M"):
            kept.append(option)
    return (",".join(["-Wp", *kept]),) if kept else ()
