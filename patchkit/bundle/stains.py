"""Which registers and stack slots of a function may hold what its successor would hold otherwise.

A value that comes out of an operand in which the two differ is stained, and so is what is computed from it. Control
that depends on such a value is not followed: the way that was taken is a way that the successor may take. What a called
function returns counts as the program's state, and is stained only if another function was called.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from patchkit.bundle.frames import RBP, RSP
from patchkit.bundle.instructions import Instruction
from patchkit.bundle.sides import Function

_REGISTER = re.compile(r"%([a-z]\w*)")
_STACK_OPERAND = re.compile(r"(-?0x[0-9a-f]+)?\(%(rsp|rbp)\)")
_OPERANDS = re.compile(r",(?![^(]*\))")
_KEPT = frozenset({"rbx", "rbp", "r12", "r13", "r14", "r15"})
_RESULTS = frozenset({"rax", "rdx", "xmm0", "xmm1"})
_WORDS = {"ax": "rax", "bx": "rbx", "cx": "rcx", "dx": "rdx", "si": "rsi", "di": "rdi", "bp": "rbp", "sp": "rsp"}
_STACK = "stack"  # any slot
_COMPARES = ("cmp", "test", "ucomi", "comi", "bt", "push", "ptest", "vucomi", "vcomi")
_IMPLICIT = (
    "mul",
    "imul",
    "div",
    "idiv",
    "cqto",
    "cltd",
    "cltq",
    "cwtl",
    "cwtd",
    "xadd",
    "cmpxchg",
    "xchg",
    "rep",
    "cpuid",
)
_OVERWRITES = re.compile(r"^(mov(abs|z\w*|s[bwl][wlq]|[lq]|d|ap[sd]|up[sd]|dq[au])?|lea[lq]?|vmov\w+)$")

Location = str | int
State = frozenset[Location]


@dataclass(frozen=True, slots=True)
class Node:
    """An instruction of a function or one of its parts."""

    part: Function
    number: int

    @property
    def instruction(self) -> Instruction:
        """The instruction itself."""
        return self.part.instruction(self.number)


def stained_calls(
    nodes: Sequence[Node], following: Mapping[int, Iterable[int]], stained: frozenset[int]
) -> frozenset[int]:
    """Return the calls (by their index into `nodes`) across which something stained is kept.

    `following` leads from each instruction to those that may run next; `stained` are instructions whose result is.
    """
    escapes = any(node.instruction.operation == "lea" and _STACK_OPERAND.match(node.instruction.text) for node in nodes)
    before: dict[int, State] = {}
    waiting = [0] if nodes else []
    waiting += [index for index in stained if index not in waiting]
    while waiting:
        index = waiting.pop()
        after = _after(nodes[index], before.get(index, frozenset()), index in stained, escapes)
        for other in following.get(index, ()):
            known = before.get(other)
            joined = after if known is None else known | after
            if joined != known:
                before[other] = joined
                waiting.append(other)
    return frozenset(
        index
        for index, node in enumerate(nodes)
        if node.instruction.calls and _keeps(node, before.get(index, frozenset()))
    )


def _keeps(node: Node, state: State) -> bool:
    depth = _slot(node, "rsp", 0)
    return any(
        each in _KEPT or each == _STACK or (isinstance(each, int) and (depth is None or each >= depth))
        for each in state
    )


def _after(node: Node, state: State, stained: bool, escapes: bool) -> State:
    instruction = node.instruction
    if instruction.calls:
        left = frozenset(each for each in state if each in _KEPT or each == _STACK or isinstance(each, int))
        return left | _RESULTS if stained else left
    if not state and not stained:
        return state
    operands = _OPERANDS.split(instruction.text) if instruction.text else []
    if instruction.jumps or instruction.leaves:
        return state
    if instruction.operation.startswith("push"):
        return _pushed(node, operands, state)
    if instruction.operation.startswith("pop"):
        return _written(node, operands[-1:], state, _slot_state(_slot(node, "rsp", 0), state), escapes, whole=True)
    whole = _OVERWRITES.match(instruction.operation) is not None
    reads = operands[:-1] if whole else operands
    tainted = stained or any(_is_read(node, operand, state) for operand in reads)
    tainted = tainted or (
        "(" in operands[-1] and not whole and _is_read(node, operands[-1], state) if operands else False
    )
    if instruction.operation.startswith(("xor", "sub", "pxor")) and len(operands) == 2 and operands[0] == operands[1]:
        tainted, whole = False, True
    if instruction.operation.startswith(_COMPARES):
        return state
    extra = (
        frozenset({"rax", "rdx", "rcx", "rsi", "rdi"})
        if tainted and instruction.operation.startswith(_IMPLICIT)
        else frozenset()
    )
    targets = operands if instruction.operation.startswith(("xchg", "xadd", "cmpxchg")) else operands[-1:]
    return _written(node, targets, state, tainted, escapes, whole=whole) | extra


def _pushed(node: Node, operands: list[str], state: State) -> State:
    slot = _slot(node, "rsp", -8)
    tainted = bool(operands) and _is_read(node, operands[0], state)
    if slot is None:
        return state | {_STACK} if tainted else state
    return state | {slot} if tainted else state - {slot}


def _written(node: Node, targets: list[str], state: State, tainted: bool, escapes: bool, *, whole: bool) -> State:
    for target in targets:
        if "(" in target or not target.startswith("%"):
            state = _stored(node, target, state, tainted, escapes)
            continue
        register = _whole_register(target[1:])
        if tainted:
            state |= {register}
        elif whole and _is_whole(target[1:]):
            state -= {register}
    return state


def _stored(node: Node, target: str, state: State, tainted: bool, escapes: bool) -> State:
    match = _STACK_OPERAND.fullmatch(target)
    if "(%rip" in target:
        return state  # a variable
    if match is None:
        indexed = "(%rsp" in target or "(%rbp" in target
        return state | {_STACK} if tainted and (escapes or indexed) else state
    slot = _slot(node, match[2], int(match[1] or "0", 16))
    if tainted:
        return state | ({slot} if slot is not None else {_STACK})
    eight = node.instruction.operation in ("movq", "mov") and re.search(r"%r\w+,", node.instruction.text)
    is_whole = eight and (node.instruction.operation == "movq" or _is_eight(node.instruction.text))
    return state - {slot} if slot is not None and is_whole else state


def _is_eight(text: str) -> bool:
    match = _REGISTER.match(text)
    return match is not None and re.fullmatch(r"r(\d+|[abcd]x|[sd]i|[sb]p)", match[1]) is not None


def _is_read(node: Node, operand: str, state: State) -> bool:
    registers = {_whole_register(name) for name in _REGISTER.findall(operand)}
    if "(" not in operand:
        return bool(registers & state)
    if node.instruction.operation.startswith("lea"):
        return bool(registers & state)
    match = _STACK_OPERAND.fullmatch(operand)
    if match is not None:
        return _slot_state(_slot(node, match[2], int(match[1] or "0", 16)), state)
    through_stack = ("(%rsp" in operand or "(%rbp" in operand) and any(isinstance(each, int) for each in state)
    return bool(registers & state) or through_stack or _STACK in state


def _slot_state(slot: int | None, state: State) -> bool:
    return _STACK in state or (slot in state if slot is not None else any(isinstance(each, int) for each in state))


def _slot(node: Node, register: str, displacement: int) -> int | None:
    """The slot of 8 bytes that an operand is in, as its distance from the canonical frame address."""
    part = node.part
    frame = part.frame.at(node.instruction.start - part.start) if part.frame is not None else None
    base = frame.base if frame is not None else None
    if base is None or base[0] != (RSP if register == "rsp" else RBP):
        return None
    return (displacement - base[1]) // 8


@cache
def _whole_register(name: str) -> str:
    """The register that `name` is or is a part of."""
    if name in _WORDS:
        return _WORDS[name]
    if re.fullmatch(r"[abcd][lh]", name):
        return f"r{name[0]}x"
    if re.fullmatch(r"(si|di|bp|sp)l", name):
        return f"r{name[:2]}"
    if re.fullmatch(r"e\w\w", name):
        return f"r{name[1:]}"
    if re.fullmatch(r"r\d+[dwb]", name):
        return name[:-1]
    if re.fullmatch(r"[yz]mm\d+", name):
        return "x" + name[1:]
    return name


@cache
def _is_whole(name: str) -> bool:
    """Whether writing `name` leaves nothing of what its register held."""
    return re.fullmatch(r"r\w+|e\w\w|xmm\d+", name) is not None and not re.fullmatch(r"r\d+[wb]", name)
