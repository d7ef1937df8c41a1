"""What becomes of tables that the source spells out: new content, live content, or both matched row by row."""

from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind
from patchkit.diff.usage import Writing
from patchkit.model.ctype import Array, Pointer
from patchkit.model.program import Member, Record
from patchkit.transform.code import Code
from patchkit.transform.proposal import Proposal, names, strong, weak


class Tables:
    """Looks at the rows of tables and at who writes them."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._usage = pair.old_usage
        self._code = code

    def choices(self, key: str) -> tuple[str, ...]:
        """Return what a decision about the table `key` may say."""
        rows = self._rows(key)
        named = tuple(m.name for m in rows[0].members if self._identifies(m, rows)) if rows is not None else ()
        return ("live", "new", *(f"{word} {name}" for name in named for word in ("new", "merge")))

    def propose(self, key: str) -> Proposal:
        """Return what the running version's code lets the table `key` become."""
        variable, rows = self._pair.old.variables[key], self._rows(key)
        writers = [f.name for f in self._usage.writers(variable)]
        if rows is None:
            return weak(
                "live" if writers else "new", f"{names(writers)} may write it" if writers else "nobody writes it"
            )
        member = next((m.name for m in rows[0].members if self._identifies(m, rows)), "")
        if not member:
            return weak("live", "its rows have no text and no number that tells one from the other")
        if self._usage.writing(variable) is Writing.NEVER:
            return strong(f"new {member}", f"it is never written, and its rows are told apart by {member}")
        return self._merged(member, rows)

    def _rows(self, key: str) -> tuple[Record, Record] | None:
        old, other = self._pair.old.variables[key], self._pair.variables.forward.get(key, "")
        new = self._pair.new.variables.get(other)
        if new is None or not isinstance(self._types.bare(old.type), Array):
            return None
        rows = self._types.record(old.type), self._pair.new_types.record(new.type)
        return (rows[0], rows[1]) if rows[0] is not None and rows[1] is not None else None

    def _identifies(self, member: Member, rows: tuple[Record, Record]) -> bool:
        """Whether a member may tell rows apart: a text that both versions have, or a number called `id`."""
        if not any(m.name == member.name and self._pair.same(member.type, m.type) for m in rows[1].members):
            return False
        bare = self._types.bare(member.type)
        if isinstance(bare, Pointer | Array):
            return self._types.is_char(bare.target if isinstance(bare, Pointer) else bare.element)
        scalar = self._types.scalar(bare)
        number = scalar is not None and scalar.kind in (ScalarKind.INTEGER, ScalarKind.ENUM)
        return number and member.width is None and member.name.lower() in ("id", "number", "code", "key", "type")

    def _merged(self, member: str, rows: tuple[Record, Record]) -> Proposal:
        """Whether all that code writes into rows is what a merge keeps."""
        old, new = rows
        written, lost, unknown = list[str](), list[str](), list[str]()
        others = {m.name: m for m in new.members}
        for each in old.members:
            if not each.name or self._types.is_constant(each.type):
                continue
            writes = self._code.writes(old.key, each.name)
            if writes is None:
                unknown.append(each.name)
            elif writes:
                (written if self._is_kept(each, others) else lost).append(each.name)
        value = f"merge {member}"
        if unknown:
            return weak(value, f"who writes {names(unknown)} of its rows could not be looked at")
        if lost:
            kept = f", {names(written)} is kept" if written else ""
            return weak(value, f"code writes {names(lost)}, which a merge takes from the new version{kept}")
        if member in written:
            return weak("live", f"code writes {member}, by which rows would be told apart")
        if not written:
            return strong(f"new {member}", f"no function writes a member of its rows; {member} tells them apart")
        return strong(value, f"code writes only {names(written)} in its rows; {member} tells them apart")

    def _is_kept(self, member: Member, others: dict[str, Member]) -> bool:
        """Whether a merge carries the live value of a member over: numbers of the same type."""
        other = others.get(member.name)
        scalar = self._types.scalar(self._types.element(member.type))
        number = scalar is not None and scalar.kind is not ScalarKind.POINTER and member.width is None
        return other is not None and number and self._pair.same(member.type, other.type)
