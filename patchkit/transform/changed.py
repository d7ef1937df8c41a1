"""Which types have objects that must be converted: the changed ones, and those that hold one by value."""

from functools import cached_property

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import CType, Named, Tag
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Enum, Member, Record


class Changed:
    """The records and enumerations of a pair whose objects the new version lays out or reads otherwise."""

    def __init__(self, pair: Pair, decisions: Decisions) -> None:
        self.pair = pair
        self.decisions = decisions

    @cached_property
    def enums(self) -> frozenset[str]:
        """Old keys of enumerations of which some constant has another value now, or none, or whose size changed."""
        found = set()
        for key, other in self.pair.enums.forward.items():
            old, new = self.pair.old.enums[key], self.pair.new.enums[other]
            values = dict(new.constants)
            moved = any(values.get(name) != value for name, value in old.constants)
            if moved or (old.size, old.signed) != (new.size, new.signed):
                found.add(key)
        return frozenset(found)

    def carried(self, subject: str) -> tuple[Enum, Enum] | None:
        """Return the changed enumeration whose constants an integer, member or variable, was decided to hold."""
        key = self.decisions.value(Topic.CARRIES, subject) or ""
        if key not in self.enums:
            return None
        return self.pair.old.enums[key], self.pair.new.enums[self.pair.enums.forward[key]]

    @cached_property
    def records(self) -> dict[str, str]:
        """Old keys of changed records, each with the key of its successor; foreign ones are never converted."""
        pair = self.pair
        found = {
            key: other
            for key, other in pair.records.forward.items()
            if not is_foreign(pair.old.records[key].coord)
            and self._differs(pair.old.records[key], pair.new.records[other])
        }
        waiting = list(found)
        while waiting:
            for key in self._holders.get(waiting.pop(), ()):
                other = pair.records.forward.get(key)
                if other is not None and key not in found:
                    found[key] = other
                    waiting.append(key)
        return found

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """Records by the records and enumerations that they hold by value."""
        types, found = self.pair.old_types, dict[str, list[str]]()
        for key, record in self.pair.old.records.items():
            for member in record.members:
                bare = types.element(member.type)
                if isinstance(bare, Named):
                    found.setdefault(bare.key, []).append(key)
        return found

    def _differs(self, old: Record, new: Record) -> bool:
        if (old.size, old.tag, len(old.members)) != (new.size, new.tag, len(new.members)):
            return True
        if any(self.carried(f"{old.key}.{each.name}") for each in old.members):
            return True
        if any(self.decisions.value(Topic.INITIAL, f"{new.key}.{each.name}") is not None for each in new.members):
            return True
        return any(self._member_differs(one, other) for one, other in zip(old.members, new.members, strict=True))

    def _member_differs(self, old: Member, new: Member) -> bool:
        if (old.name, old.offset, old.size, old.width) != (new.name, new.offset, new.size, new.width):
            return True
        return not self.pair.same(old.type, new.type) or self.holds_changed_enum(old.type)

    def holds_changed_enum(self, ctype: CType) -> bool:
        """Whether an object of `ctype` is a changed enumeration, or an array of one."""
        bare = self.pair.old_types.element(ctype)
        return isinstance(bare, Named) and bare.tag is Tag.ENUM and bare.key in self.enums

    def holds(self, ctype: CType) -> bool:
        """Whether an object of the old type `ctype` is or holds by value something that is converted."""
        bare = self.pair.old_types.element(ctype)
        return isinstance(bare, Named) and (bare.key in self.records or bare.key in self.enums)
