"""Read one version: from its recording to a `Program`."""

from collections.abc import Sequence
from functools import partial

from patchkit.model.program import Coord, Gap, Origin, Program, Unit
from patchkit.read.source.answers import open_answers
from patchkit.read.source.background import begin
from patchkit.read.source.book import Book, answers_path, keep_book, open_book
from patchkit.read.source.constants import Constant
from patchkit.read.source.entities import Builder, macros
from patchkit.read.source.frontend import Frontend, Incomplete, Partner
from patchkit.read.source.inventory import Inventory, list_constants, survey, take_inventory, wanted_types
from patchkit.read.source.layout import Surveyor
from patchkit.read.source.models import Names
from patchkit.read.source.probe import Compiler
from patchkit.read.source.request import Progress, Request, chosen_units
from patchkit.read.source.scope import ReadUnit
from patchkit.read.source.variable_sizes import ask_again


def read_version(
    request: Request, progress: Progress | None = None, partner: Partner | None = None, book: Book | None = None
) -> tuple[Program, Names]:
    """Read one version, and return with it the names that its function bodies were read with.

    What is cut and parsed goes into the recording's book, but not where `book` is given to be read from.
    Raises InputError for an unknown program and ToolError without a compiler.
    """
    recording = request.recording
    tell = progress or _silent
    if book is not None:
        frontend, units, gaps = _front(request, book, tell, partner)
    else:
        try:
            frontend, units, gaps = _front(request, kept := open_book(recording), tell, partner)
        except Incomplete:
            frontend, units, gaps = _front(request, kept := Book(), tell, partner)
        keep_book(recording, kept, frontend.typedefs)
    answers = open_answers(answers_path(recording))
    inventory = take_inventory(frontend, units, answers)
    tell(f"asking the compiler for layouts of {request.label}", 2, 4)
    wanted = wanted_types(inventory)
    surveyor = survey(inventory, wanted)
    surveyed = begin(partial(surveyor.ask, request.jobs))
    candidates, questions = _constants(inventory, surveyor)
    answered = begin(partial(questions.ask, request.jobs))
    measures = surveyed()
    ask_again(inventory, wanted, measures, request.jobs)
    tell(f"assembling {request.label}", 3, 4)
    builder = Builder(inventory, measures)
    machine, strangers = _machines(units)
    records, enums, typedefs = builder.types(wanted)
    own = frozenset(variable.name for _, variable, function in inventory.variables if not function)
    names = own | {inventory.fragment(place).functions[0].name for place in inventory.functions}
    arrays = {raw.name for _, raw, function in inventory.variables if not function and raw.type[0] == "[]"}
    addressed = frozenset(arrays | {inventory.fragment(place).functions[0].name for place in inventory.functions})
    names |= {name for enum in enums.values() for name, _ in enum.constants}
    names |= records.keys() | enums.keys() | typedefs.keys() | frontend.prototypes.keys()
    program = Program(
        label=request.label,
        origin=Origin.RECORDING if recording.exact else Origin.DIRECTORY,
        root=recording.root,
        machine=machine,
        units=tuple(
            Unit(unit.source, Compiler.of(unit.command.arguments).flags, unit.command.arguments[0]) for unit in units
        ),
        records=records,
        enums=enums,
        typedefs=typedefs,
        variables=builder.variables(names),
        functions=builder.functions(names, own, addressed),
        macros=macros(candidates, answered().constants),
        gaps=(*gaps, *strangers, *builder.gaps),
    )
    if book is None:
        answers.keep(answers_path(recording))
    return program, Names(names, own, addressed)


def _front(
    request: Request, book: Book, tell: Progress, partner: Partner | None
) -> tuple[Frontend, list[ReadUnit], list[Gap]]:
    """Cut and parse the units, as far as the book does not know them; what is new is entered."""
    frontend = Frontend(book)
    tell(f"reading {request.label}", 0, 4)
    units, gaps = frontend.read_units(request.recording, chosen_units(request.recording, request.program))
    tell(f"parsing {request.label}", 1, 4)
    frontend.parse(frontend.needed(units), partner)
    return frontend, units, gaps


def _constants(inventory: Inventory, like: Surveyor) -> tuple[list[Constant], Surveyor]:
    """Return the macros that may be constants, and the questions for the values that their texts do not tell."""
    candidates, homes = list_constants(inventory)
    surveyor = Surveyor(inventory.frontend.fragments, inventory.answers, like=like)
    for index, constant in enumerate(candidates):
        if constant.value is None:
            surveyor.macro(homes[constant.name], index, constant)
    return candidates, surveyor


def _machines(units: Sequence[ReadUnit]) -> tuple[str, list[Gap]]:
    """Return the ELF machine that most units are compiled for, and a gap for each unit that is for another."""
    of_unit = [_machine(unit) for unit in units]
    most = max(of_unit, key=of_unit.count, default="")
    return most, [
        Gap(
            Coord(unit.source),
            f"it is compiled for the machine {machine}, most units for {most}",
            "compare a build for one machine: record it on its own, or name the program with --program",
        )
        for unit, machine in zip(units, of_unit, strict=True)
        if machine != most
    ]


def _machine(unit: ReadUnit) -> str:
    """The machine that the compiler names when asked with the flags of `unit`, empty where it is not known here."""
    names = {name for segment in unit.segments[:4] for name, _, _ in segment.macros}
    return next((machine for name, machine in _MACHINES.items() if name in names), "")


_MACHINES = {
    "__x86_64__": "x86-64",
    "__aarch64__": "AArch64",
    "__i386__": "80386",
    "__arm__": "ARM",
    "__riscv": "RISC-V",
    "__powerpc64__": "PowerPC64",
    "__s390x__": "S/390",
}


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total
