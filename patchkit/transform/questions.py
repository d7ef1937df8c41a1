"""What the comparison of two versions makes it necessary to know: one question for each, with what is proposed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from patchkit.diff.findings import change_id
from patchkit.diff.pair import Pair
from patchkit.diff.types import ScalarKind
from patchkit.model.change import Change, Comparison, Edit, Grade, Subject, Verdict
from patchkit.model.decision import Decision, Topic, Way
from patchkit.transform.evidence import Evidence
from patchkit.transform.proposal import NOTHING, Proposal, names, strong, weak
from patchkit.transform.stubs import FILE

_SHOWN = 3  # of texts of a kind


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that has to be known; `blocked` where nothing that can be answered is enough."""

    topic: Topic
    subject: str
    question: str
    change: str = ""
    choices: tuple[str, ...] = ()
    proposal: Proposal = NOTHING
    blocked: bool = False

    @property
    def key(self) -> tuple[Topic, str]:
        """What its decision is found by."""
        return self.topic, self.subject


@dataclass(frozen=True, slots=True)
class Settled:
    """What the plan of the other direction says: answers that follow from its own, changes by what they are about that
    were accepted there, and what has to be asked because of it.
    """

    decisions: Mapping[tuple[Topic, str], Decision] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    asked: tuple[Asked, ...] = ()


class Questions:
    """Goes through the changes of a comparison."""

    def __init__(self, evidence: Evidence, way: Way = Way.UP) -> None:
        self._evidence = evidence
        self._hand = FILE[way]
        self._pair: Pair = evidence.pair
        self._converted: frozenset[str] = frozenset()  # types that a programmer converts

    def of(self, comparison: Comparison) -> Iterator[Asked]:
        """Yield what each change asks."""
        self._converted = frozenset(
            change.old_key
            for change in comparison.changes
            if change.subject is Subject.TYPE and any(edit.verdict is Verdict.CODE for edit in change.edits)
        )
        for change in comparison.changes:
            match change.subject:
                case Subject.TYPE:
                    yield from self._type(change)
                case Subject.VARIABLE:
                    yield from self._variable(change)
                case Subject.FUNCTION:
                    yield from self._function(change)
                case Subject.MACRO | Subject.BUILD:
                    yield from self._rest(change)

    # -- types

    def _type(self, change: Change) -> Iterator[Asked]:
        if change.kind == "T28":
            yield from self._removed_type(change)
            return
        if not change.edits and change.verdict >= Verdict.CONFIRM:
            yield self._accept(change)
        written = [edit for edit in change.edits if edit.verdict is Verdict.CODE]
        if written:
            text = "; ".join(edit.text for edit in written)
            yield self._by_hand(change, change.old_key, text)
        for edit in change.edits:
            if edit.verdict is not Verdict.CODE:
                handler = _TYPE_EDITS.get(edit.kind, Questions._other_edit)
                yield from handler(self, change, edit)

    def _removed_type(self, change: Change) -> Iterator[Asked]:
        if change.verdict is Verdict.CODE:
            owners = self._owners(change.old_key)
            asked = Asked(Topic.TYPE, change.old_key, f"{change.title}: which type continues it?", change.id, ("-",))
            if owners:
                said = f"only {names(owners)} leads to it, whose conversion says what becomes of it"
                hand = set(owners) <= self._converted
                yield replace(asked, proposal=strong("-", said) if hand else weak("-", said))
            else:
                yield replace(asked, proposal=weak("", *change.evidence))
        elif change.verdict >= Verdict.CONFIRM:
            yield self._accept(change)

    def _owners(self, key: str) -> list[str]:
        """The records, but for itself, that hold or point at a record."""
        types = self._pair.old_types
        return [
            owner
            for owner, record in self._pair.old.records.items()
            if owner != key and any(getattr(types.core(member.type), "key", "") == key for member in record.members)
        ]

    def _added_member(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if edit.verdict < Verdict.CONFIRM or not edit.question:
            return
        if edit.kind == "T14" and edit.new is None:
            yield from self._left_member(change, edit)
            return
        key = change.new_key or change.old_key
        proposal = self._evidence.initial.of_member(key, edit.name)
        if edit.kind == "T14":
            proposal = weak("", edit.text)
        yield Asked(Topic.INITIAL, f"{key}.{edit.name}", edit.question, change.id, proposal=proposal)

    def _removed_member(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if edit.verdict >= Verdict.CONFIRM:
            yield from self._left_member(change, edit)

    def _left_member(self, change: Change, edit: Edit) -> Iterator[Asked]:
        """A member whose value goes nowhere, or to a member like it."""
        pair = self._pair
        fresh = [e.new for e in change.edits if e.kind == "T01" and e.new is not None]
        alike = tuple(m.name for m in fresh if edit.old is not None and pair.same(edit.old.type, m.type))
        proposal = NOTHING if edit.kind == "T14" or alike else weak("-", edit.text)
        subject = f"{change.old_key}.{edit.name}"
        yield Asked(Topic.MEMBER, subject, edit.question, change.id, (*alike, "-"), proposal)

    def _renamed(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if not edit.name:  # the type itself
            if edit.verdict >= Verdict.CONFIRM:
                proposal = weak(change.new_key, *change.evidence)
                choices = (change.new_key, "-")
                yield Asked(Topic.TYPE, change.old_key, edit.question, change.id, choices, proposal)
            return
        if edit.old is None or edit.new is None:
            yield from self._other_edit(change, edit)
            return
        evidence = tuple(line for line in change.evidence if edit.old.name.rsplit(".", 1)[-1] in line.split())
        if edit.kind == "T13" and edit.verdict >= Verdict.CONFIRM:
            proposal = weak(edit.new.name, edit.text)  # several fit alike
        elif edit.verdict >= Verdict.CONFIRM:
            last = [member.name.rsplit(".", 1)[-1] for member in (edit.old, edit.new)]
            proposal = self._evidence.renames.of_member(last[0], last[1], evidence)
            proposal = replace(proposal, value=edit.new.name)
        else:
            proposal = Proposal(edit.new.name, Grade.CERTAIN, (edit.text,))
        subject = f"{change.old_key}.{edit.old.name}"
        question = edit.question or f"which member continues {subject}?"
        yield Asked(Topic.MEMBER, subject, question, change.id, (edit.new.name, "-"), proposal)

    def _grown(self, change: Change, edit: Edit) -> Iterator[Asked]:
        """New elements of an array that grew; text ends where it ended."""
        if edit.new is None or self._pair.new_types.is_char(self._pair.new_types.element(edit.new.type)):
            return
        if not edit.question and not change.reach:
            return
        subject = f"{change.new_key}.{_plain(edit.name)}"
        question = edit.question or f"Which value have the new elements of {subject} in objects that exist?"
        proposal = self._evidence.initial.of_tail(change.new_key, _plain(edit.name))
        yield Asked(Topic.INITIAL, subject, question, change.id, proposal=proposal)

    def _union(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if edit.verdict < Verdict.CONFIRM:
            return
        union = self._union_of(change.old_key, edit.name)
        if union is None:
            yield from self._other_edit(change, edit)
            return
        path, members = union
        question = edit.question or f"Which member of {change.old_key}.{path} is in use?"
        blocked = edit.verdict is Verdict.BLOCKED
        subject = f"{change.old_key}.{path}" if path else change.old_key
        proposal = weak("", edit.text)
        yield Asked(Topic.UNION, subject, question, change.id, ("address", *members), proposal, blocked)

    def _union_of(self, key: str, name: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the path of the union that the member `name` of a record is in, and its members."""
        record, path = self._pair.old.records.get(key), list[str]()
        for word in name.split(".")[:-1]:
            member = next((m for m in record.members if m.name == word), None) if record is not None else None
            record = self._pair.old_types.record(member.type) if member is not None else None
            path.append(word)
        if record is None or record.tag != "union":
            return None
        return ".".join(path), tuple(m.name for m in record.members if m.name)

    def _open_ended(self, change: Change, edit: Edit) -> Iterator[Asked]:
        """A flexible array: how long it is stands in another member."""
        record = self._pair.old.records[change.old_key]
        counters = []
        for member in record.members:
            scalar = self._pair.old_types.scalar(member.type)
            if scalar is not None and scalar.kind is ScalarKind.INTEGER and member.name and member.width is None:
                counters.append(member.name)
        one = counters[0] if len(counters) == 1 else ""
        proposal = weak(one, f"{one} is the only number beside it") if one else NOTHING
        subject = f"{change.old_key}.{edit.name}"
        yield Asked(Topic.LENGTH, subject, edit.question, change.id, ("allocation", *counters), proposal)

    def _nodes(self, change: Change, edit: Edit) -> Iterator[Asked]:
        """Nodes of intrusive lists: the code tells which are links, by which objects are found, and which are heads."""
        lists = self._evidence.lists
        proposal = NOTHING
        if lists.all_seen:
            nodes = [name.strip() for name in edit.name.split(",")]
            found = {n: lists.found_by_offset.get((change.old_key, n)) for n in nodes}
            said = [f"{change.old_key} is found from {name} in {names(who)}" for name, who in found.items() if who]
            heads = [name for name, who in found.items() if not who]
            more = [f"no function finds a {change.old_key} from {names(heads)}"] * bool(heads)
            proposal = strong("yes", *said, *more)
        yield self._accept(change, edit, proposal)

    def _renumbered(self, change: Change, edit: Edit) -> Iterator[Asked]:
        """Constants with another number: every integer that holds one has to be known. Asked once for all of them."""
        asked = [each for each in change.edits if each.kind == edit.kind and each.verdict >= Verdict.CONFIRM]
        if not asked or edit is not asked[0]:
            return
        found = self._evidence.carriers.of(change.old_key)
        constants = names(each.name for each in asked)
        for subject, who in sorted(found.items()):
            text = f"{subject} holds constants of {change.old_key}, which has other numbers for {constants} now"
            proposal = strong(change.old_key, f"{names(who)} stores or compares them")
            choices = (change.old_key, "-")
            yield Asked(Topic.CARRIES, subject, f"{text}: does it go with it?", change.id, choices, proposal)
        question = edit.question
        if found:
            question = f"Does nothing but {names(found)}, and what is declared as {change.old_key}, keep {constants}?"
        shown = [each.text for each in asked[:_SHOWN]]
        more = [f"so do {len(asked) - _SHOWN} more"] * (len(asked) > _SHOWN)
        yield self._accept(change, replace(edit, name="", question=question), weak("yes", *shown, *more))

    def _removed_constant(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if edit.verdict < Verdict.CONFIRM:
            return
        fresh = [e.name for e in change.edits if e.kind == "T19" and not e.was]
        heir = edit.now.split(" ", 1)[0] if edit.now else ""
        choices = dict.fromkeys((heir, *fresh, "-") if heir else (*fresh, "-"))
        proposal = weak(heir or "-", edit.text)
        yield Asked(Topic.CONSTANT, f"{change.old_key}.{edit.name}", edit.question, change.id, tuple(choices), proposal)

    def _other_edit(self, change: Change, edit: Edit) -> Iterator[Asked]:
        if edit.kind == "T12" and edit.rule == "PKT109":
            yield from self._open_ended(change, edit)
        elif edit.verdict >= Verdict.CONFIRM and (edit.question or edit.verdict is Verdict.BLOCKED):
            if edit.kind == "T24" and not edit.name:
                yield self._accept(change, edit, self._found_behind(change.old_key))
            elif edit.kind != "embeds":  # asked where it is defined
                yield self._accept(change, edit)

    def _found_behind(self, key: str) -> Proposal:
        """The untyped pointers that are known to lead to a record, where there is no doubt about any."""
        found = list(self._evidence.payloads.proposals(frozenset((key,)), lambda _: ""))
        if found and all(proposal.decides for _, _, proposal in found):
            return strong("yes", *(f"it is found through {subject}" for subject, _, _ in found))
        return NOTHING

    # -- variables

    def _variable(self, change: Change) -> Iterator[Asked]:
        if not change.edits:
            yield from self._variable_end(change)
            return
        for edit in change.edits:
            if edit.verdict is Verdict.CODE:
                yield self._by_hand(change, change.old_key, edit.text)
            elif edit.verdict < Verdict.CONFIRM:
                continue
            elif edit.kind in ("G05", "G05b"):
                tables = self._evidence.tables
                choices, proposal = tables.choices(change.old_key), tables.propose(change.old_key)
                question = f"Which content has {change.old_key}: the new, the live, or both, row by row?"
                yield Asked(Topic.TABLE, change.old_key, question, change.id, choices, proposal)
            elif edit.kind in ("G08", "G09"):
                yield self._renamed_variable(change, edit)
            elif edit.kind == "T10":
                proposal = self._evidence.initial.of_variable(self._pair.new.variables[change.new_key])
                yield Asked(Topic.INITIAL, change.new_key, edit.question, change.id, proposal=proposal)
            else:
                proposal = weak("yes", edit.text) if edit.kind in ("G06", "G06c") else NOTHING
                yield self._accept(change, edit, proposal)

    def _renamed_variable(self, change: Change, edit: Edit) -> Asked:
        old, new = self._pair.old.variables[change.old_key], self._pair.new.variables[change.new_key]
        proposal = self._evidence.renames.of_variable(old, new, change.evidence)
        if edit.grade is Grade.CERTAIN:
            proposal = Proposal(change.new_key, edit.grade, change.evidence)
        return Asked(Topic.VARIABLE, change.old_key, edit.question, change.id, (change.new_key, "-"), proposal)

    def _variable_end(self, change: Change) -> Iterator[Asked]:
        if change.verdict < Verdict.CONFIRM:
            return
        if change.verdict is Verdict.CODE:
            yield self._by_hand(change, change.name, change.text)
        elif change.old_key:
            yield self._gone(change)
        elif change.kind == "G10":
            yield self._accept(change)
        else:
            proposal = self._evidence.initial.of_variable(self._pair.new.variables[change.new_key])
            proposal = proposal if proposal.evidence else weak(proposal.value, change.text)
            yield Asked(Topic.INITIAL, change.new_key, change.question, change.id, proposal=proposal)

    def _gone(self, change: Change) -> Asked:
        """A removed variable: its value goes to a member of that name and type, to a variable like it, or nowhere."""
        variable = self._pair.old.variables[change.old_key]
        homes = []
        for other in self._pair.new.variables.values():
            record = self._pair.new_types.record(other.type)
            is_array = record is not None and self._pair.new_types.bare(other.type) != self._pair.new_types.element(
                other.type
            )
            for member in record.members if record is not None and not is_array else ():
                if member.name == variable.name and self._pair.same(variable.type, member.type):
                    homes.append(f"{other.key}.{member.name}")
        likely = self._pair.variables.refused.get(change.old_key, ())
        choices = (*homes, *likely, "-")
        proposal = weak("" if likely else "-", *change.evidence)
        if len(homes) == 1 and not likely and change.grade is Grade.STRONG:
            proposal = strong(homes[0], f"{homes[0]} is the only member of a variable with that name and type")
        elif homes:
            proposal = weak(homes[0], change.text)
        return Asked(Topic.VARIABLE, change.old_key, change.question, change.id, choices, proposal)

    # -- functions and the rest

    def _function(self, change: Change) -> Iterator[Asked]:
        if not change.edits and change.verdict >= Verdict.CONFIRM:
            yield self._accept(change)
        for edit in change.edits:
            if edit.verdict < Verdict.CONFIRM:
                continue
            proposal = NOTHING
            if edit.kind in ("F06", "F08"):
                old, new = self._pair.old.functions[change.old_key], self._pair.new.functions[change.new_key]
                proposal = self._evidence.acceptance.of_running(old, new)
            yield self._accept(change, edit, proposal)

    def _rest(self, change: Change) -> Iterator[Asked]:
        if change.verdict < Verdict.CONFIRM:
            return
        proposal = NOTHING
        if change.kind == "V01" and change.old_key in self._pair.old.macros:
            new = self._pair.new.macros[change.new_key]
            proposal = self._evidence.acceptance.of_size(self._pair.old.macros[change.old_key], new)
        yield self._accept(change, None, proposal)

    # -- both ends of a question

    def _by_hand(self, change: Change, subject: str, text: str) -> Asked:
        proposal = Proposal(self._hand, Grade.CERTAIN, (text,))
        return Asked(Topic.CODE, subject, f"What becomes of {subject}? {text}", change.id, (self._hand,), proposal)

    def _accept(self, change: Change, edit: Edit | None = None, proposal: Proposal = NOTHING) -> Asked:
        blocked = (edit.verdict if edit is not None else change.verdict) is Verdict.BLOCKED
        question = (edit.question if edit is not None else "") or change.question
        subject = change.id
        if edit is not None and len(change.edits) > 1:
            subject = change_id(edit.rule or edit.kind, change.subject, f"{change.name}.{edit.name}".rstrip("."))
        if edit is not None and edit.text and change.subject is not Subject.FUNCTION:
            proposal = replace(proposal, evidence=proposal.evidence or (edit.text,))
        proposal = replace(proposal, evidence=proposal.evidence or change.evidence)
        text = question or f"Is this right: {edit.text if edit is not None else change.title}?"
        return Asked(Topic.ACCEPT, subject, text, change.id, () if blocked else ("yes",), proposal, blocked)


def _plain(path: str) -> str:
    """Return a member's path as decisions write it: without indices."""
    return path.replace("[]", "").replace("->", ".")


Handler = Callable[[Questions, Change, Edit], Iterator[Asked]]
_TYPE_EDITS: Mapping[str, Handler] = {
    "T01": Questions._added_member,
    "T02": Questions._removed_member,
    "T04": Questions._renamed,
    "T10": Questions._grown,
    "T13": Questions._renamed,
    "T14": Questions._added_member,
    "T17": Questions._union,
    "T20": Questions._renumbered,
    "T21": Questions._removed_constant,
    "T26": Questions._nodes,
}
