"""Where live instances of types are: the paths from variables to them, over members, pointers and arrays."""

from collections import defaultdict, deque
from dataclasses import dataclass
from functools import cached_property

from patchkit.diff.types import Types, is_foreign
from patchkit.diff.usage import Usage, Writing
from patchkit.model.change import Reach, Storage
from patchkit.model.ctype import Array, CType, Named, Pointer, Primitive, Tag, Vector
from patchkit.model.program import Program, Variable
from patchkit.model.rows import variable_types

ROOTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Step:
    """How a type leads to the aggregate at its core: what is written behind the name, and how a member follows."""

    target: str
    suffix: str
    connector: str
    heap: bool
    steady: bool = False  # it points at something const


@dataclass(frozen=True, slots=True)
class _Edge:
    """A member of record `source` that leads to another type."""

    source: str
    member: str
    step: _Step
    owner: str = ""  # not a member: `source` is a list node inside `owner`, whose address follows from the node's


@dataclass(frozen=True, slots=True)
class Roots:
    """What reaches a type: the best few paths, how many variables, and whether constants alone hold it by value."""

    best: tuple[Reach, ...]
    total: int
    constant: bool
    by_union: bool  # the best path goes through a union
    ancestors: frozenset[str]  # keys of the types that lead to it, itself included


class Reachability:
    """The type graph of one program, built when first asked for."""

    def __init__(self, program: Program, types: Types, usage: Usage) -> None:
        self._program = program
        self._types = types
        self._usage = usage
        self._known: dict[str, Roots] = {}
        # By identity: most types are one value that many members share. The type is kept, lest another takes its id.
        self._steps: dict[int, tuple[CType, _Step | None]] = {}

    @cached_property
    def _edges(self) -> dict[str, list[_Edge]]:
        """Members by the type they lead to."""
        found: dict[str, list[_Edge]] = defaultdict(list)
        for member in self._types.members:
            step = None if isinstance(member.type, Primitive) else self._step(member.type)
            if step is not None:
                found[step.target].append(_Edge(member.record, member.name, step))
        return found

    @cached_property
    def _variables(self) -> dict[str, list[tuple[Variable, _Step]]]:
        """Variables by the type they lead to."""
        found: dict[str, list[tuple[Variable, _Step]]] = defaultdict(list)
        for key, ctype in variable_types(self._program.variables):
            step = None if isinstance(ctype, Primitive) else self._step(ctype)
            if step is not None and not is_foreign((variable := self._program.variables[key]).coord):
                found[step.target].append((variable, step))
        return found

    @cached_property
    def untyped(self) -> int:
        """How many members of the program's own records are void pointers, behind which anything may live."""
        pointers = (member for member in self._types.members if not isinstance(member.type, Primitive))
        cores = ((member.record, self._types.core(member.type)) for member in pointers)
        owners = (record for record, core in cores if isinstance(core, Primitive) and core.name == "void")
        return sum(not is_foreign(self._program.records[owner].coord) for owner in owners)

    def _step(self, ctype: CType) -> _Step | None:
        if id(ctype) not in self._steps:
            self._steps[id(ctype)] = ctype, self._find_step(ctype)
        return self._steps[id(ctype)][1]

    def _find_step(self, ctype: CType) -> _Step | None:
        suffix, pointed, heap, steady = "", False, False, False
        bare = self._types.bare(ctype)
        while True:
            match bare:
                case Named(Tag.STRUCT | Tag.UNION | Tag.ENUM, key):
                    return _Step(key, suffix, "->" if pointed else ".", heap, steady)
                case Pointer(target):
                    suffix += "[]" if pointed else ""
                    pointed = heap = True
                    steady = self._types.is_constant(target)
                    bare = self._types.bare(target)
                case Array(element, _) | Vector(element, _):
                    suffix += "[][]" if pointed else "[]"
                    pointed = False
                    bare = self._types.bare(element)
                case _:
                    return None

    def roots(self, key: str) -> Roots:
        """Return what reaches instances of the record or enumeration `key`."""
        if key not in self._known:
            self._known[key] = self._search(key)
        return self._known[key]

    @cached_property
    def _containers(self) -> dict[str, list[_Edge]]:
        """Records by list nodes inside them: code that has the node finds the record by subtracting an offset."""
        found: dict[str, list[_Edge]] = defaultdict(list)
        for node in self._program.records:
            if not self.links_to_itself(node):
                continue
            for edge in self._edges.get(node, ()):
                if not edge.step.heap and edge.source != node:
                    step = _Step(edge.source, "", "->", heap=True)
                    found[edge.source].append(_Edge(node, edge.member, step, edge.source))
        return found

    def links_to_itself(self, key: str) -> bool:
        """Whether the record `key` points at its like, as the nodes of lists and trees do."""
        return any(edge.source == key and edge.step.heap for edge in self._edges.get(key, ()))

    def _search(self, key: str) -> Roots:
        """Return the roots of a type by members alone, or by list nodes too where members do not lead to it."""
        found = self._walk(key, nodes=False)
        return found if found.total or not self._containers else self._walk(key, nodes=True)

    def _walk(self, key: str, *, nodes: bool) -> Roots:
        """Walk from the type back to variables, breadth first, so that the first path to each is a shortest one."""
        towards: dict[str, _Edge | None] = {key: None}
        waiting = deque([key])
        found: list[tuple[int, Variable, _Step, str]] = []
        depth = {key: 0}
        while waiting:
            node = waiting.popleft()
            found += [(depth[node], variable, step, node) for variable, step in self._variables.get(node, ())]
            for edge in (*self._edges.get(node, ()), *(self._containers.get(node, ()) if nodes else ())):
                if edge.source not in towards:
                    towards[edge.source] = edge
                    depth[edge.source] = depth[node] + 1
                    waiting.append(edge.source)
        rows = [(self._rank(steps, variable), variable, step, node) for steps, variable, step, node in found]
        rows.sort(key=lambda row: row[0])
        best = tuple(self._reach(variable, step, node, towards) for _, variable, step, node in rows[:ROOTS_SHOWN])
        return Roots(
            best=best,
            total=len({variable.key for _, variable, _, _ in rows}),
            constant=bool(rows) and self._constant(key),
            by_union=bool(rows) and self._through_union(rows[0][3], towards),
            ancestors=frozenset(towards),
        )

    @staticmethod
    def _rank(steps: int, variable: Variable) -> tuple[int, int, str]:
        return steps, variable.linkage != "external", variable.key

    def _reach(self, variable: Variable, step: _Step, node: str, towards: dict[str, _Edge | None]) -> Reach:
        text, connector, heap = variable.name + step.suffix, step.connector, step.heap
        edge = towards[node]
        while edge is not None:
            if edge.owner:
                text, connector = f"container_of({text}, {edge.owner}, {edge.member})", edge.step.connector
            elif edge.member:
                text += connector + edge.member + edge.step.suffix
                connector = edge.step.connector
            heap = heap or edge.step.heap
            edge = towards[edge.step.target]
        storage = Storage.HEAP if heap else Storage.THREAD if variable.thread_local else Storage.STATIC
        return Reach(variable.key, text, storage)

    def _constant(self, key: str) -> bool:
        """Whether all instances are parts of variables that are never written, whatever points at them.

        That is so where such variables hold it by value and no code that follows the pointers allocates.
        """
        inside = {key}
        waiting = [key]
        holders: list[Variable] = []
        while waiting:
            node = waiting.pop()
            holders += [variable for variable, step in self._variables.get(node, ()) if not step.heap]
            for edge in self._edges.get(node, ()):
                if not edge.step.heap and edge.source not in inside:
                    inside.add(edge.source)
                    waiting.append(edge.source)
        if not holders or not self._usage.bodies_seen or any(map(self._made, inside)):
            return False
        return all(v.initialiser is not None and self._usage.writing(v) is Writing.NEVER for v in holders)

    def _made(self, node: str) -> bool:
        """Whether code may make objects of a type: an allocator stands beside its name, or near a pointer to it."""
        usage = self._usage
        users = usage.allocators_of(node)
        for edge in self._edges.get(node, ()):
            if edge.step.heap and not edge.step.steady:
                users += usage.accessors(edge.member)
        for variable, step in self._variables.get(node, ()):
            if step.heap and not step.steady:
                users += usage.mentions(variable)
        return any(usage.allocators_near(user) for user in users)

    def _through_union(self, node: str, towards: dict[str, _Edge | None]) -> bool:
        edge = towards[node]
        while edge is not None:
            record = self._program.records.get(edge.source)
            if record is not None and record.tag is Tag.UNION:
                return True
            edge = towards[edge.step.target]
        return False
