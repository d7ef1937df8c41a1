"""One update in place of several: what the decisions of the steps of a chain say about the way as a whole. No I/O."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchkit.model.decision import Author, Decision, Topic
from patchkit.transform.migration import Alias, sides_of
from patchkit.transform.names import HOOKS, rest_name, transformer_name, type_name
from patchkit.transform.plan import FREE, Planned, basis, holder_of
from patchkit.transform.stubs import begun, find_function, joined
from patchkit.transform.translation import Translation, backward, forward

_WORD = re.compile(r"[A-Za-z_]\w*")
_MEMBER = re.compile(r"\b(?:old|new)->\w+")
_GOES_ON = "it is so after all steps of the chain"
_CORRESPONDING = (Topic.TYPE, Topic.VARIABLE, Topic.MEMBER)


@dataclass(frozen=True, slots=True)
class Step:
    """One update of a chain in the direction of the chain: what it is called, its plan, and the text of its C."""

    name: str
    planned: Planned
    text: str = ""


class Composition:
    """The decisions of `steps`, each of which begins at the version at which the one before it ends."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = steps
        self._there = [forward(each.planned.pair, each.planned.decisions) for each in steps]
        self._back = [backward(each.planned.pair, each.planned.decisions) for each in steps]

    def answers(self, planned: Planned) -> Iterator[Decision]:
        """Yield what the steps say and `planned`, the update from the first version to the last, does not say alike.

        Decisions of people in `planned` stand.
        """
        known = {(item.topic, item.subject) for item in planned.plan.items}
        for topic, subject in (*known, *(key for key in self._more(planned) if key not in known)):
            present = planned.decisions.answers.get((topic, subject))
            if present is not None and present.author is Author.PERSON:
                continue
            found = self._answer(topic, subject)
            if found is not None and (present is None or present.value != found[0]):
                yield Decision(topic, subject, *found, Author.PERSON, basis(planned.pair, subject))

    def _answer(self, topic: Topic, subject: str) -> tuple[str, str] | None:
        """Return value and reason, None where the steps say nothing."""
        match topic:
            case Topic.TYPE | Topic.VARIABLE | Topic.MEMBER:
                return self._successor(topic, subject)
            case Topic.INITIAL:
                return self._initial(subject)
            case Topic.CONSTANT:
                return self._constant(subject)
            case Topic.ACCEPT | Topic.CODE:
                names = [subject] * len(self.steps) if topic is Topic.ACCEPT else self._names(subject)
                return next((self._told(each, found) for each, found in self._said(topic, names)), None)
            case _:
                return self._from_one(topic, subject)

    # -- names

    def _names(self, subject: str) -> list[str]:
        """What something of the first version is called where each step begins; shorter where it ends on the way."""
        if subject in HOOKS:
            return [subject] * len(self.steps)
        names = [subject]
        for number in range(len(self.steps) - 1):
            following = self._next(number, names[-1])
            if not following:
                break
            names.append(following)
        return names

    def _next(self, number: int, name: str) -> str:
        """What continues a type, a variable or a member behind a step; empty where nothing does."""
        step = self.steps[number].planned
        pair, said = step.pair, step.decisions.value
        for topic in _CORRESPONDING:
            if said(topic, name) == "-":
                return ""
        found = self._there[number].there(name)
        key = holder_of(name, pair.old.records)
        if key and found and name not in pair.old.records:
            successor = pair.new.records[pair.records.forward[key]]
            rest = found.removeprefix(f"{successor.key}.")
            if not any(member.name == rest.partition(".")[0] for member in successor.members):
                return ""
        return found

    def _said(self, topic: Topic, names: Sequence[str]) -> Iterator[tuple[Step, Decision]]:
        for step, name in zip(self.steps, names, strict=False):
            found = step.planned.decisions.answers.get((topic, name))
            if found is not None:
                yield step, found

    def _told(self, step: Step, decision: Decision) -> tuple[str, str]:
        reason = f"as in {step.name}" + (f": {decision.reason}" if decision.reason else "")
        return decision.value, reason

    # -- answers

    def _successor(self, topic: Topic, subject: str) -> tuple[str, str]:
        names = self._names(subject)
        last = self._next(len(self.steps) - 1, names[-1]) if len(names) == len(self.steps) else ""
        told = [f"{step.name}: {each.reason}" for step, each in self._said(topic, names) if each.reason]
        reason = "; ".join(told) or _GOES_ON
        if topic is Topic.MEMBER and last:
            holder = holder_of(last, self.steps[-1].planned.pair.new.records)
            return last.removeprefix(f"{holder}."), reason
        return last or "-", reason

    def _initial(self, subject: str) -> tuple[str, str] | None:
        """What begins in a step and goes on from there, found from the end."""
        name = subject
        for number in reversed(range(len(self.steps))):
            found = self.steps[number].planned.decisions.answers.get((Topic.INITIAL, name))
            if found is not None:
                value, reason = self._told(self.steps[number], found)
                pair = self.steps[number].planned.pair
                holder = pair.records.backward.get(holder_of(name, pair.new.records), "")
                return self._with_members(number, self._renamed(number, value), holder), reason
            name = self._back[number].there(name)
            if not name:
                return None
        return None

    def _constant(self, subject: str) -> tuple[str, str] | None:
        key, _, name = subject.rpartition(".")
        reason = _GOES_ON
        for number, step in enumerate(self.steps):
            found = step.planned.decisions.answers.get((Topic.CONSTANT, f"{key}.{name}"))
            pair = step.planned.pair
            if found is not None:
                name, reason = self._told(step, found)
            if name == "-":
                return name, reason
            key = pair.enums.forward.get(key, "")
            if key not in pair.new.enums or name not in dict(pair.new.enums[key].constants):
                # A number is what the constant becomes: only the last step can say so.
                return (name, reason) if number == len(self.steps) - 1 and found is not None else None
        return name, reason

    def _from_one(self, topic: Topic, subject: str) -> tuple[str, str] | None:
        """What the first step says that says anything, in the words of the first version.

        Where it says that a walk finds nothing there that it changes, the next may find something.
        """
        names, nothing = self._names(subject), None
        for number, name in enumerate(names):
            found = self.steps[number].planned.decisions.answers.get((topic, name))
            if found is None:
                continue
            value, reason = self._told(self.steps[number], found)
            for before in reversed(range(number)):
                value = self._translated(self._back[before], topic, names[before + 1], value)
            if value != "-":
                return (value, reason) if value else nothing
            nothing = nothing or (value, reason)
        return nothing

    def _translated(self, names: Translation, topic: Topic, subject: str, value: str) -> str:
        if topic is Topic.LENGTH:
            holder = holder_of(subject, names.program.records)
            return names.members.get(f"{holder}.{value}", value)
        return names.value(value)

    # -- what nothing asks

    def _more(self, planned: Planned) -> Iterator[tuple[Topic, str]]:
        """Yield what the steps decided although nothing asked, and members that the whole way would carry otherwise."""
        keys = [*planned.pair.old.records, *planned.pair.old.variables]
        for key in (*keys, *HOOKS):
            names = self._names(key)
            for topic in FREE:
                if next(self._said(topic, names), None) is not None:
                    yield topic, key
        for number, step in enumerate(self.steps):
            for each in step.planned.decisions.of(Topic.INITIAL):
                last = self._last(number, each.subject)
                if last and each.author is Author.PERSON:
                    yield Topic.INITIAL, last
        for key, successor in planned.pair.records.forward.items():
            there = {member.name for member in planned.pair.new.records[successor].members}
            for member in planned.pair.old.records[key].members:
                subject = f"{key}.{member.name}"
                for topic in FREE:
                    if member.name and next(self._said(topic, self._names(subject)), None) is not None:
                        yield topic, subject
                said = planned.decisions.value(Topic.MEMBER, subject)
                straight = said or (member.name if member.name in there else "-")
                if member.name and self._successor(Topic.MEMBER, subject)[0] != straight:
                    yield Topic.MEMBER, subject

    def unlike(self, planned: Planned) -> Iterator[str]:
        """Yield in words where `planned` carries a variable over otherwise than the steps do."""
        for key in planned.pair.old.variables:
            said = planned.decisions.value(Topic.VARIABLE, key)
            straight = said if said is not None else planned.pair.variables.forward.get(key, "-")
            stepped = self._successor(Topic.VARIABLE, key)[0]
            if straight != stepped:
                yield f"{key} goes on as {_or_nothing(stepped)} over the steps, straight on as {_or_nothing(straight)}"

    # -- code

    def text(self, planned: Planned) -> str:
        """Return the text of transform.c, or down.c, with what programmers wrote for the steps.

        What more than one step has for one type or hook is put aside, for a programmer to make one of it.
        """
        texts = [(each.name, self._renamed(number, each.text, planned)) for number, each in enumerate(self.steps)]
        texts = [(name, text) for name, text in texts if begun(text)]
        return joined(texts, planned.decisions.way)

    def _renamed(self, number: int, text: str, planned: Planned | None = None) -> str:
        """Return C of a step with the names that the whole way has for what it names."""
        way = self.steps[number].planned.decisions.way
        for key in self.steps[number].planned.pair.old.records:
            function = find_function(text, transformer_name(key, way)) if text else None
            if function is not None:
                start, end = function.body, function.end
                text = text[:start] + self._with_members(number, text[start:end], key) + text[end:]
        renames = {**self._renames(number), **(self._symbols(number, planned) if planned is not None else {})}
        return _WORD.sub(lambda match: renames.get(match.group(), match.group()), text)

    def _with_members(self, number: int, text: str, key: str) -> str:
        """Return C that converts the record `key` of a step with the names that its members have on the whole way."""
        pair, sides = self.steps[number].planned.pair, sides_of(self.steps[number].planned.decisions.way)
        reached = pair.records.forward.get(key, "")
        found = {}
        for side, program, holder, translate in (
            (sides[0], pair.old, key, self._first),
            (sides[1], pair.new, reached, self._last),
        ):
            for member in program.records[holder].members if holder in program.records else ():
                other = translate(number, f"{holder}.{member.name}").rpartition(".")[2]
                if other and other != member.name:
                    found[f"{side}->{member.name}"] = f"{side}->{other}"
        return _MEMBER.sub(lambda match: found.get(match.group(), match.group()), text) if found else text

    def _renames(self, number: int) -> Mapping[str, str]:
        pair, way = self.steps[number].planned.pair, self.steps[number].planned.decisions.way
        left, reached = sides_of(way)
        found = {}
        for key in pair.old.records:
            first = self._first(number, key)
            if first and first != key:
                found[_bare(type_name(left, key))] = _bare(type_name(left, first))
                for name in (transformer_name, rest_name):
                    found[name(key, way)] = name(first, way)
        for key in pair.new.records:
            last = self._last(number, key)
            if last and last != key:
                found[_bare(type_name(reached, key))] = _bare(type_name(reached, last))
        return found

    def _symbols(self, number: int, planned: Planned) -> Mapping[str, str]:
        way = self.steps[number].planned.decisions.way
        left, names = sides_of(way)[0], {alias: name for name, alias in planned.written.aliases.items()}
        found = {}
        for name, alias in self.steps[number].planned.written.aliases.items():
            key = (self._first if alias.side is left else self._last)(number, alias.key)
            other = names.get(Alias(alias.side, key, alias.unit, alias.function))
            if key and key != alias.key and other is not None:
                found[name] = other
        return found

    def _first(self, number: int, name: str) -> str:
        """What something is called in the first version that `name` is where a step begins."""
        for before in reversed(range(number)):
            name = self._back[before].there(name)
        return name

    def _last(self, number: int, name: str) -> str:
        for after in range(number + 1, len(self.steps)):
            name = self._there[after].there(name)
        return name


def _bare(name: str) -> str:
    return name.rpartition(" ")[2]


def _or_nothing(name: str) -> str:
    return "nothing" if name == "-" else name
