"""Which old member each new member of a record continues: by decision, by name, by what the comparison found."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from patchkit.diff.pair import Pair
from patchkit.diff.proposals import explain
from patchkit.diff.records import compare_records
from patchkit.diff.types import Types, is_foreign
from patchkit.model.change import Edit, Verdict
from patchkit.model.ctype import CType, Named, Tag
from patchkit.model.decision import Decisions, Topic
from patchkit.model.program import Record
from patchkit.transform.places import Place, members


def plain_path(path: str) -> str:
    """Return a path of the comparison as decisions write it: `stats[].hits` is `stats.hits`."""
    return path.replace("[]", "")


@dataclass(frozen=True, slots=True)
class Story:
    """What the comparison says of members that only one version of a record has, by their paths."""

    renamed: dict[str, Edit] = field(default_factory=dict)  # by the new path
    replaced: dict[str, Edit] = field(default_factory=dict)  # containers, by the new path
    removed: dict[str, Edit] = field(default_factory=dict)  # by the old path
    split: dict[str, Edit] = field(default_factory=dict)  # into a record of their own, by the old path
    evidence: tuple[str, ...] = ()


def tell(pair: Pair, old: Record, new: Record) -> Story:
    """Return what became of the members of `old`, as the comparison of both versions explains it."""
    delta = compare_records(pair, old, new)
    if old.tag is new.tag:
        explain(pair, {delta.key: delta}, ())
    story = Story(evidence=tuple(delta.evidence))
    for edit in delta.edits:
        if edit.kind == "T04" and edit.new is not None:
            story.renamed[plain_path(edit.new.name)] = edit
        elif edit.kind == "T15" and edit.new is not None and edit.old is not None:
            story.replaced[plain_path(edit.new.name)] = edit
        elif edit.kind == "T15" and edit.old is not None:
            story.split[plain_path(edit.old.name)] = edit
        elif edit.kind == "T02" and edit.old is not None and edit.verdict >= Verdict.CONFIRM:
            story.removed[plain_path(edit.old.name)] = edit
    return story


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of a new member comes from: an old one and why; or, where `opened`, from its own members."""

    new: Place
    old: Place | None = None
    reason: str = ""
    opened: tuple["Source", ...] = ()
    asks: tuple[str, ...] = ()  # old members that it may continue, where that has to be asked


@dataclass(slots=True)
class Matching:
    """The sources of all new members of a scope, and the old members that go nowhere."""

    sources: list[Source] = field(default_factory=list)
    dropped: list[Place] = field(default_factory=list)


class Matcher:
    """Matches the members of two records that correspond."""

    def __init__(self, pair: Pair, decisions: Decisions) -> None:
        self.pair = pair
        self.decisions = decisions

    def match(self, records: tuple[Record, Record], holders: tuple[Place, Place]) -> Matching:
        """Return where each member of the new record has its value from."""
        olds = list(members(self.pair.old_types, records[0], holders[0]))
        news = list(members(self.pair.new_types, records[1], holders[1]))
        taken: dict[str, Place] = {}
        found: dict[str, Source] = {}
        self._decided(olds, news, found, taken)
        for new in news:
            old = next((each for each in olds if self._is_same(each, new)), None)
            if old is not None and self._key(new) not in found and old.subject not in taken and not self._said(old):
                self._take(found, taken, new, old, "same name")
        self._overlaid(olds, news, found, taken)
        self._unboxed(olds, news, found, taken)
        self._boxed(olds, news, found, taken)
        rest = [each for each in olds if each.subject not in taken]
        return Matching([found.get(self._key(new), Source(new)) for new in news], rest)

    @staticmethod
    def _key(place: Place) -> str:
        return place.subject if not place.name else place.text

    def _take(self, found: dict[str, Source], taken: dict[str, Place], new: Place, old: Place, reason: str) -> None:
        found[self._key(new)] = Source(new, old, reason)
        taken[old.subject] = new

    def _said(self, old: Place) -> str | None:
        return self.decisions.value(Topic.MEMBER, old.subject)

    def _decided(
        self, olds: Sequence[Place], news: Sequence[Place], found: dict[str, Source], taken: dict[str, Place]
    ) -> None:
        for old in (*olds, *self._in_unions(self.pair.old_types, olds)):
            said = self._said(old)
            if said is None:
                continue
            for new in news:
                inner = self._leaves(self.pair.new_types, new)
                for place in (new, *inner):
                    if place.name and said in (place.name, place.subject, _path(place)):
                        self._take(found, taken, place, old, f"decided: {old.subject} goes on as {place.name}")

    def _is_same(self, old: Place, new: Place) -> bool:
        if old.name or new.name:
            return bool(old.name) and old.name == new.name
        mine, other = self.pair.old_types.record(old.type), self.pair.new_types.record(new.type)
        if mine is None or other is None:
            return False
        return bool({m.name for m in mine.members} & {m.name for m in other.members}) or old.subject == new.subject

    def _leaves(self, types: Types, box: Place) -> list[Place]:
        """The members of a struct that lies in the record by value, and is the program's own."""
        bare = types.bare(box.type)
        record = types.program.records.get(bare.key) if isinstance(bare, Named) else None
        if record is None or record.tag is not Tag.STRUCT or is_foreign(record.coord) or not box.name:
            return []
        return list(members(types, record, box))

    def _in_unions(self, types: Types, places: Sequence[Place]) -> list[Place]:
        """The members of unions without a name, which C and decisions name like members of the record around."""
        found: list[Place] = []
        for place in places:
            record = types.record(place.type) if not place.name else None
            if record is not None:
                found += members(types, record, place)
        return found

    def _overlaid(
        self, olds: Sequence[Place], news: Sequence[Place], found: dict[str, Source], taken: dict[str, Place]
    ) -> None:
        """A member that came out of a union without a name: whether it was the one in use has to be asked."""
        hidden = {place.name: place for place in self._in_unions(self.pair.old_types, olds)}
        for new in news:
            if self._key(new) not in found and new.name in hidden and not self._said(hidden[new.name]):
                found[self._key(new)] = Source(new, asks=(hidden[new.name].subject,))

    def _unboxed(
        self, olds: Sequence[Place], news: Sequence[Place], found: dict[str, Source], taken: dict[str, Place]
    ) -> None:
        """Members that came out of a struct which only the old version has (T13)."""
        boxes = [old for old in olds if old.subject not in taken]
        for new in news:
            if self._key(new) in found or not new.name:
                continue
            fits = [
                (box, leaf)
                for box in boxes
                for leaf in self._leaves(self.pair.old_types, box)
                if leaf.name == new.name and self._alike(leaf.type, new.type) and not self._said(leaf)
            ]
            if len(fits) == 1:
                self._take(found, taken, new, fits[0][1], f"was {_path(fits[0][1])}, with the same name and type")
                taken[fits[0][0].subject] = new
            elif fits:
                found[self._key(new)] = Source(new, asks=tuple(leaf.subject for _, leaf in fits))

    def _boxed(
        self, olds: Sequence[Place], news: Sequence[Place], found: dict[str, Source], taken: dict[str, Place]
    ) -> None:
        """Members that went into a struct which only the new version has (T13)."""
        free = {old.name: old for old in olds if old.subject not in taken and old.name and not self._said(old)}
        boxes = [(new, self._leaves(self.pair.new_types, new)) for new in news if self._key(new) not in found]
        claims: dict[str, int] = {}
        for _, leaves in boxes:
            for leaf in leaves:
                old = free.get(leaf.name)
                if old is not None and self._alike(old.type, leaf.type):
                    claims[leaf.name] = claims.get(leaf.name, 0) + 1
        for box, leaves in boxes:
            sources = []
            for leaf in leaves:
                old = free.get(leaf.name) if leaf.name in claims else None
                if self._key(leaf) in found:
                    sources.append(found[self._key(leaf)])
                elif old is None or not self._alike(old.type, leaf.type):
                    sources.append(Source(leaf))
                elif claims[leaf.name] > 1:
                    sources.append(Source(leaf, asks=(old.subject,)))
                else:
                    taken[old.subject] = leaf
                    sources.append(Source(leaf, old, f"is {_path(leaf)} now, with the same name and type"))
            if any(source.old is not None or source.asks for source in sources):
                found[self._key(box)] = Source(box, opened=tuple(sources))

    def _alike(self, old: CType, new: CType) -> bool:
        return self.pair.same(old, new)


def _path(place: Place) -> str:
    """The dotted name of a member behind the key of its record."""
    return place.subject.split(" ", 1)[-1].split(".", 1)[-1]
