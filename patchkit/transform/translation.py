"""What the subjects and values of decisions about one version are called in another. No I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from patchkit.diff.pair import Pair
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Program
from patchkit.transform.plan import holder_of

_TYPE = re.compile(r"\b(?:struct|union|enum) [^\s=;]+")
_FUNCTION = re.compile(r"(?<==)[^\s=;]+")
_NONE = ("-", "")


@dataclass(frozen=True, slots=True)
class Translation:
    """From the names of `program` to those of the version beside it. `members` holds the renamed ones alone."""

    program: Program
    records: Mapping[str, str]
    enums: Mapping[str, str]
    functions: Mapping[str, str]
    variables: Mapping[str, str]
    members: Mapping[str, str]

    def there(self, subject: str) -> str:
        """Return what continues a type, a variable or a member; empty where nothing does, or it is not known."""
        for table, things in ((self.records, self.program.records), (self.variables, self.program.variables)):
            key = subject if subject in things else holder_of(subject, things)
            if key:
                successor, member = table.get(key, ""), self.members.get(subject)
                return successor and (f"{successor}.{member}" if member else successor + subject.removeprefix(key))
        return self.enums.get(subject, "")

    def value(self, value: str) -> str:
        """Return a value with the types and functions that it names as the other version has them; empty where one is
        gone.
        """
        lost = False

        def function(match: "re.Match[str]") -> str:
            nonlocal lost
            name = match.group()
            if name not in self.program.functions:
                return name
            lost = lost or name not in self.functions
            return self.functions.get(name, name)

        def named(match: "re.Match[str]") -> str:
            nonlocal lost
            found = self.there(match.group())
            lost = lost or not found
            return found

        result = _FUNCTION.sub(function, _TYPE.sub(named, value))
        return "" if lost else result


def forward(pair: Pair, decisions: Decisions) -> Translation:
    """Return the translation from the old version of `pair` to the new one."""
    return Translation(
        pair.old,
        pair.records.forward,
        pair.enums.forward,
        pair.functions.forward,
        _variables(pair, decisions),
        _members(decisions),
    )


def backward(pair: Pair, decisions: Decisions) -> Translation:
    """Return the translation from the new version of `pair` to the old one."""
    members = dict[str, str]()
    for subject, name in _members(decisions).items():
        key = holder_of(subject, pair.old.records)
        members[f"{pair.records.forward.get(key, key)}.{name}"] = subject.removeprefix(f"{key}.")
    variables = {new: old for old, new in _variables(pair, decisions).items()}
    return Translation(
        pair.new, pair.records.backward, pair.enums.backward, pair.functions.backward, variables, members
    )


def _members(decisions: Decisions) -> dict[str, str]:
    return {each.subject: each.value for each in decisions.of(Topic.MEMBER) if each.value not in _NONE}


def _variables(pair: Pair, decisions: Decisions) -> Mapping[str, str]:
    said = {each.subject: each.value for each in decisions.of(Topic.VARIABLE)}
    return {old: new for old, new in {**pair.variables.forward, **said}.items() if new not in _NONE}
