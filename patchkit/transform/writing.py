"""The texts of an update's directory: what is generated, the stubs of transform.c, and the plan in words. No I/O."""

from collections.abc import Mapping

from patchkit.model.decision import Item, Plan, State, Topic
from patchkit.transform.migration import Side
from patchkit.transform.names import HOOKS, rest_name, transformer_name, type_name
from patchkit.transform.plan import Planned
from patchkit.transform.stubs import begun, regenerate

GENERATED = "generated"


def generated_texts(planned: Planned) -> Mapping[str, str]:
    """Return the files below generated/, by name."""
    written = planned.written
    return {
        "old.h": written.old_header,
        "new.h": written.new_header,
        "symbols.h": written.symbols,
        "migrate.c": written.text,
        "report.txt": plan_text(planned.plan),
    }


def transform_text(text: str, planned: Planned) -> str:
    """Return transform.c with the stubs that the plan asks for; what needs no function any more is put aside in it."""
    items = {item.subject: item for item in planned.plan.items if item.topic is Topic.CODE}
    wanted = {
        subject: transformer_name(subject)
        for subject, item in items.items()
        if item.decision is not None and (subject in HOOKS or subject in planned.pair.records.forward)
    }
    known = {transformer_name(key): key for key in (*planned.pair.old.records, *HOOKS)}
    reason = "this update no longer converts it by hand; the function is kept and not compiled"
    gone = "no type of the old version; the function is kept and not compiled"
    names = frozenset(wanted.values())
    dropped = {
        known.get(name, name): (name, reason if name in known else gone) for name in begun(text) if name not in names
    }
    return regenerate(text, wanted, dropped, lambda subject: _stub(items[subject], planned))


def _stub(item: Item, planned: Planned) -> str:
    return _hook(item.subject) if item.subject in HOOKS else _conversion(item, planned)


def _conversion(item: Item, planned: Planned) -> str:
    key, successor = item.subject, planned.pair.records.forward[item.subject]
    old, new = type_name(Side.OLD, key), type_name(Side.NEW, successor)
    rest = rest_name(key)
    question = item.evidence[0] if item.evidence else item.question
    todo = question.replace("\\", "\\\\").replace('"', "'") or "what else becomes of it?"
    comment = (question or "converted by hand").replace("*/", "* /")
    head = f"int {transformer_name(key)}(struct pk_migration *migration, const {old} *old, {new} *new)"
    return f"""\
/* {key}: {comment} */
pk_conversion {rest}; /* what follows from names and types alone */
{head};
{head} {{
    if ({rest}(migration, old, new))
        return 1;
    PK_TODO("{todo}");
    return 0;
}}
"""


def _hook(when: str) -> str:
    name = transformer_name(when)
    text = (
        "nothing is converted yet" if when == "before" else "everything is converted, and the new code does not run yet"
    )
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
