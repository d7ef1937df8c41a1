"""Changes in one line each, for comparisons that are written down rather than computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from patchkit.model.change import (
    Change,
    Comparison,
    Edit,
    LayoutPair,
    Level,
    Requires,
    Side,
    Subject,
    Verdict,
)
from patchkit.model.program import Coord, Facet, Gap, Origin
from tests.support.layouts import Laid, declare


def side(label: str, *, gaps: Sequence[Gap] = (), unseen: Sequence[Facet] = ()) -> Side:
    """Return what was read of one version of a server of 146 units."""
    return Side(label, Origin.RECORDING, 146, 412, 97, 918, 4251, 1830, tuple(gaps), tuple(unseen))


def compare(
    changes: Iterable[Change],
    layouts: Mapping[str, LayoutPair] | None = None,
    *,
    notes: Sequence[str] = (),
    gaps: Sequence[Gap] = (),
) -> Comparison:
    """Return a comparison of 7.0.15 with 7.0.16, its changes in the order that a comparison keeps."""
    ordered = sorted(changes, key=lambda c: (-c.verdict, list(Subject).index(c.subject), c.name))
    return Comparison(
        side("redis-7.0.15"), side("redis-7.0.16", gaps=gaps), tuple(ordered), layouts or {}, tuple(notes)
    )


def change(subject: Subject, codes: str, verdict: Verdict, key: str, text: str, **more: object) -> Change:
    """Return a change of `key`; `codes` is `T01 PKT101` or a kind alone, and `more` overrides any field."""
    kind, _, rule = codes.partition(" ")
    base = Change(
        id=f"{rule or kind}/{subject}/{key}",
        subject=subject,
        kind=kind,
        rule=rule,
        level=Level.ERROR if verdict >= Verdict.CONFIRM else Level.WARNING if verdict > Verdict.AUTO else Level.INFO,
        requires=Requires.TRANSFORMER if subject is Subject.TYPE else Requires.QUIESCE,
        verdict=verdict,
        old_key=key,
        new_key=key,
        title=f"{key}: {text}",
        text=text,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def member_edit(sides: tuple[Laid, Laid], codes: str, verdict: Verdict, name: str, text: str, **more: object) -> Edit:
    """Return the edit of the member `name` between two laid out structs."""
    kind, _, rule = codes.partition(" ")
    old, new = (next((m for m in laid.members if m.name == name), None) for laid in sides)
    was, now = declare(old) if old else "", declare(new) if new else ""
    return replace(Edit(kind, rule, verdict, name, text, was, now, old, new), **more)  # type: ignore[arg-type]


def bodies(count: int) -> list[Change]:
    """Return `count` functions whose body alone changed, over a handful of files."""
    files = ("src/networking.c", "src/acl.c", "src/t_stream.c", "src/replication.c", "src/module.c", "src/rdb.c")
    verbs = ("process", "handle", "free", "create", "update", "check", "write", "read", "reset")
    nouns = ("Client", "Reply", "ReplicaBuffer", "StreamEntry", "AclRule", "ModuleKey", "Listener", "Backlog")
    found = []
    for number in range(count):
        name = f"{verbs[number % len(verbs)]}{nouns[number // len(verbs) % len(nouns)]}"
        if number >= len(verbs) * len(nouns):
            name += str(number)
        where = Coord(files[number * 7 % len(files)], 100 + 37 * number)
        moved = replace(where, line=where.line + 3)
        text = "the body changed; callers reach the new one at once"
        found.append(change(Subject.FUNCTION, "F01", Verdict.AUTO, name, text, old_coord=where, new_coord=moved))
    return found


def function_added(name: str, file: str, line: int) -> Change:
    """Return a new function."""
    text = "new code, nothing live refers to it"
    return change(
        Subject.FUNCTION, "F02", Verdict.NONE, name, text, old_key="", new_key=name, new_coord=Coord(file, line)
    )


def signature(name: str, prototypes: tuple[str, str], where: Coord, callers: Sequence[str]) -> Change:
    """Return a function whose prototype changed from the first of `prototypes` to the second."""
    was, now = prototypes
    edit = Edit("F04", "PKF301", Verdict.AUTO, name, "all callers switch together", was=was, now=now)
    text = "the signature changed; its callers switch with it"
    return change(
        Subject.FUNCTION,
        "F04 PKF301",
        Verdict.AUTO,
        name,
        text,
        old_coord=where,
        new_coord=replace(where, line=where.line + 2),
        edits=(edit,),
        callers=tuple(callers),
    )


def variable(codes: str, verdict: Verdict, key: str, text: str, line: int, **more: object) -> Change:
    """Return a changed variable; one without a file in its key stands in src/config.c."""
    where = Coord(key.rpartition(":")[0] or "src/config.c", line)
    return replace(
        change(Subject.VARIABLE, codes, verdict, key, text, old_coord=where, new_coord=where),
        **more,  # type: ignore[arg-type]
    )
