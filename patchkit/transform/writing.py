"""The texts of an update's directory: what is generated, the stubs of transform.c, and the plan in words. No I/O."""

from collections.abc import Mapping

from patchkit.model.decision import Item, Plan, State, Topic, Way
from patchkit.transform.migration import sides_of
from patchkit.transform.names import HOOKS, rest_name, transformer_name, type_name
from patchkit.transform.plan import Planned
from patchkit.transform.stubs import begun, regenerate

GENERATED: Mapping[Way, str] = {Way.UP: "generated", Way.DOWN: "generated/down"}


def generated_texts(planned: Planned) -> Mapping[str, str]:
    """Return the files below generated/ or generated/down/, by name."""
    written = planned.written
    return {
        "old.h": written.old_header,
        "new.h": written.new_header,
        "symbols.h": written.symbols,
        "migrate.c": written.text,
        "report.txt": plan_text(planned.plan),
    }


def transform_text(text: str, planned: Planned) -> str:
    """Return transform.c, or down.c, with the stubs that the plan asks for; what needs none any more is put aside."""
    way = planned.decisions.way
    items = {item.subject: item for item in planned.plan.items if item.topic is Topic.CODE}
    wanted = {
        subject: transformer_name(subject, way)
        for subject, item in items.items()
        if planned.decisions.value(Topic.CODE, subject) is not None
        and item.decision is not None
        and (subject in HOOKS or subject in planned.pair.records.forward)
    }
    known = {transformer_name(key, way): key for key in (*planned.pair.old.records, *HOOKS)}
    reason = "this update no longer converts it by hand; the function is kept and not compiled"
    gone = "no type of the old version; the function is kept and not compiled"
    names = frozenset(wanted.values())
    dropped = {
        known.get(name, name): (name, reason if name in known else gone) for name in begun(text) if name not in names
    }
    return regenerate(text, wanted, dropped, lambda subject: _stub(items[subject], planned), way)


def _stub(item: Item, planned: Planned) -> str:
    return _hook(item.subject, planned.decisions.way) if item.subject in HOOKS else _conversion(item, planned)


def _conversion(item: Item, planned: Planned) -> str:
    key, successor = item.subject, planned.pair.records.forward[item.subject]
    way = planned.decisions.way
    one, other = sides_of(way)
    old, new = type_name(one, key), type_name(other, successor)
    rest = rest_name(key, way)
    question = item.evidence[0] if item.evidence else item.question
    todo = question.replace("\\", "\\\\").replace('"', "'") or "what else becomes of it?"
    comment = (question or "converted by hand").replace("*/", "* /")
    head = f"int {transformer_name(key, way)}(struct pk_migration *migration, const {old} *{one}, {new} *{other})"
    return f"""\
/* {key}: {comment} */
pk_conversion {rest}; /* what follows from names and types alone */
{head};
{head} {{
    if ({rest}(migration, {one}, {other}))
        return 1;
    PK_TODO("{todo}");
    return 0;
}}
"""


def _hook(when: str, way: Way) -> str:
    name = transformer_name(when, way)
    if when == "before":
        text = "nothing is converted yet"
    else:
        text = "everything is converted, and calls lead to the version to come"
    return f"""\
/* Called once, {when} the conversion: {text}. */
int {name}(struct pk_migration *migration);
int {name}(struct pk_migration *migration) {{
    (void)migration;
    PK_TODO("what is to be done?");
    return 0;
}}
"""


def plan_text(plan: Plan) -> str:
    """Return a plan as lines of text, what is open first."""
    lines = [f"{plan.old} -> {plan.new}: {len(plan.open)} open of {len(plan.items)}"]
    for item in plan.items:
        value = item.decision.value if item.decision is not None else ""
        lines.append(f"{item.state:9} {item.key}{f' = {value}' if value else ''}")
        if item.question and item.state is not State.DECIDED:
            lines.append(f"          ? {item.question}")
        lines += [f"          because {reason}" for reason in item.evidence]
    return "\n".join(lines) + "\n"
