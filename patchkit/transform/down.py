"""The way back: which of its questions the answers of the way there settle, and what was lost there and must be asked.

The way back is an update from the new version to the old one. What it asks is found as for any other; here is what it
does not have to ask, since down(up(x)) = x follows, and what it has to ask although no comparison shows it. No I/O.
"""

from collections.abc import Iterator

from patchkit.diff.pair import Pair
from patchkit.model.ctype import CType
from patchkit.model.decision import Author, Decision, Topic, Way
from patchkit.transform.names import HOOKS
from patchkit.transform.plan import Planned, holder_of
from patchkit.transform.proposal import weak
from patchkit.transform.questions import Asked, Settled
from patchkit.transform.stubs import FILE
from patchkit.transform.translation import forward

_ADDED = "the way there added it, so the old version never knew it"
_SAME = "as on the way there"


def settle(up: Planned) -> Settled:
    """Return what the plan of the way there says about the way back."""
    inverse = _Inverse(up)
    found = {(each.topic, each.subject): each for each in inverse.decisions()}
    accepted = frozenset(_changed(each.subject) for each in up.decisions.of(Topic.ACCEPT))
    return Settled(found, accepted, tuple(inverse.questions()))


def _changed(subject: str) -> str:
    """What a change is about, without the rule that tells of it: `function:main` of `PKC401:function:main`."""
    return subject.partition(":")[2]


class _Inverse:
    def __init__(self, up: Planned) -> None:
        self.up = up
        self.pair: Pair = up.pair
        self.translation = forward(up.pair, up.decisions)
        self.members = self.translation.members

    def decisions(self) -> Iterator[Decision]:
        """Yield the answers that follow from those of the way there."""
        for each in self.up.decisions.answers.values():
            found = self._inverse(each)
            if found is not None:
                yield Decision(*found, author=Author.PATCHKIT)
        yield from self._additions()
        yield from self._kept()

    def _inverse(self, each: Decision) -> tuple[Topic, str, str, str] | None:
        match each.topic:
            case Topic.TYPE | Topic.VARIABLE:
                return None if each.value == "-" else (each.topic, each.value, each.subject, _SAME)
            case Topic.MEMBER:
                return None if each.value in ("-", "") else self._member(each)
            case Topic.CONSTANT:
                return self._constant(each)
            case Topic.TABLE | Topic.LENGTH | Topic.UNION | Topic.ALLOCATOR:
                subject = self.translation.there(each.subject)
                known = each.topic is not Topic.ALLOCATOR or self._knows(each.value)
                return (each.topic, subject, each.value, _SAME) if subject and known else None
            case Topic.CARRIES:
                subject = self.translation.there(each.subject)
                value = self.pair.enums.forward.get(each.value, each.value)
                return (each.topic, subject, value, _SAME) if subject else None
            case Topic.ELEMENT | Topic.PAYLOAD:
                subject, value = self.translation.there(each.subject), self.translation.value(each.value)
                return (each.topic, subject, value, _SAME) if subject and value else None
            case _:
                return None

    def _member(self, each: Decision) -> tuple[Topic, str, str, str] | None:
        key = holder_of(each.subject, self.pair.old.records)
        successor = self.pair.records.forward.get(key, "")
        if not successor:
            return None
        return Topic.MEMBER, f"{successor}.{each.value}", each.subject.removeprefix(f"{key}."), _SAME

    def _constant(self, each: Decision) -> tuple[Topic, str, str, str] | None:
        key, _, name = each.subject.rpartition(".")
        successor = self.pair.enums.forward.get(key, "")
        if not successor or len(self._sources(key, each.value)) != 1:
            return None
        return Topic.CONSTANT, f"{successor}.{each.value}", name, _SAME

    def _sources(self, key: str, constant: str) -> list[str]:
        """The old constants that become a new one."""
        said = self.up.decisions.value
        names = [name for name, _ in self.pair.old.enums[key].constants]
        if constant not in dict(self.pair.new.enums[self.pair.enums.forward[key]].constants):
            return []
        return [name for name in names if (said(Topic.CONSTANT, f"{key}.{name}") or name) == constant]

    def _knows(self, functions: str) -> bool:
        """Whether both versions have the functions that a value names, or neither, as it is with those of libraries."""
        return all((name in self.pair.old.functions) == (name in self.pair.new.functions) for name in functions.split())

    # -- what only one version has

    def _additions(self) -> Iterator[Decision]:
        """What the way there added is dropped, where nothing is lost with it."""
        for each in self.up.decisions.of(Topic.INITIAL):
            if each.subject in self.pair.new.variables:
                if each.subject not in self.pair.variables.backward:
                    yield Decision(Topic.VARIABLE, each.subject, "-", _ADDED, Author.PATCHKIT)
            elif not self._overridden(each.subject) and not self._leads_away(each.subject):
                yield Decision(Topic.MEMBER, each.subject, "-", _ADDED, Author.PATCHKIT)
        for each in self.up.decisions.of(Topic.VARIABLE):
            holder = holder_of(each.value, self.pair.new.variables)
            if holder and each.value not in self.pair.new.variables:
                reason = "its members that the old version knows go back by themselves"
                yield Decision(Topic.VARIABLE, holder, "-", reason, Author.PATCHKIT)
                yield Decision(Topic.INITIAL, each.subject, each.value, "it takes its value back", Author.PATCHKIT)
        for key, other in self.pair.enums.forward.items():
            for name, _ in self.pair.new.enums[other].constants:
                if not self._sources(key, name):
                    reason = "the old version has no such constant: a revert is refused while one is live"
                    yield Decision(Topic.CONSTANT, f"{other}.{name}", "-", reason, Author.PATCHKIT)

    def _kept(self) -> Iterator[Decision]:
        """Variables that the way there left behind have the value that they had then."""
        for key, variable in self.pair.old.variables.items():
            if self._left_behind(key) and not self.pair.old_types.holds_pointer(variable.type):
                reason = "its storage is still there, and nobody has written to it"
                yield Decision(Topic.INITIAL, key, "kept", reason, Author.PATCHKIT)

    def _left_behind(self, key: str) -> bool:
        said = self.up.decisions.value(Topic.VARIABLE, key)
        return said == "-" or (said is None and key not in self.pair.variables.forward)

    def _type(self, subject: str) -> CType | None:
        key = holder_of(subject, self.pair.new.records)
        members = self.pair.new.records[key].members if key else ()
        path = subject.removeprefix(f"{key}.")
        return next((member.type for member in members if member.name == path), None)

    def _leads_away(self, subject: str) -> bool:
        """Whether a new member holds pointers, whose targets would be lost with it."""
        ctype = self._type(subject)
        return ctype is not None and self.pair.new_types.holds_pointer(ctype)

    def _overridden(self, subject: str) -> str:
        """The old member in whose place a value was said for a new one; empty where that is all new."""
        key = holder_of(subject, self.pair.new.records)
        old = self.pair.records.backward.get(key, "")
        path = subject.removeprefix(f"{key}.")
        names = [member.name for member in self.pair.old.records[old].members] if old else []
        return f"{old}.{path}" if path in names and f"{old}.{path}" not in self.members else ""

    # -- what was lost

    def questions(self) -> Iterator[Asked]:
        """Yield what has to be known although a comparison of both versions does not show it."""
        yield from self._by_hand()
        for each in self.up.decisions.of(Topic.INITIAL):
            lost = self._overridden(each.subject)
            if lost:
                text = f"the way there replaces {lost} by {each.value}: which value has it when it comes back?"
                yield Asked(Topic.INITIAL, lost, text)
            elif self._leads_away(each.subject):
                text = f"{each.subject} is dropped: is what it leads to owned by something else, or none of it left?"
                yield Asked(Topic.MEMBER, each.subject, text, "", ("-",), weak("-", _ADDED))
        for key, variable in self.pair.old.variables.items():
            if (
                self._left_behind(key)
                and self.pair.old_types.holds_pointer(variable.type)
                and not variable.thread_local
            ):
                text = f"{key} still holds the pointers of before the update: are they right, or does the hook set it?"
                yield Asked(Topic.INITIAL, key, text, "", ("kept", "after"))
        yield from self._merged_constants()

    def _by_hand(self) -> Iterator[Asked]:
        for each in self.up.decisions.of(Topic.CODE):
            if each.subject in HOOKS:
                text = f"The way there has a hook {each.subject}: what is to be done on the way back?"
                yield Asked(Topic.CODE, each.subject, text, "", (FILE[Way.DOWN], "-"))
                continue
            key = self.translation.there(each.subject)
            if key:
                text = f"a programmer converts {each.subject} on the way there: what becomes of {key} on the way back?"
                yield Asked(Topic.CODE, key, text, "", (FILE[Way.DOWN], "-"), weak(FILE[Way.DOWN], text))

    def _merged_constants(self) -> Iterator[Asked]:
        for key, other in self.pair.enums.forward.items():
            for name, _ in self.pair.new.enums[other].constants:
                sources = self._sources(key, name)
                if len(sources) > 1:
                    text = f"{', '.join(sources)} of {key} became {name}: which of them does it become again?"
                    yield Asked(Topic.CONSTANT, f"{other}.{name}", text, "", tuple(sources))
