"""Writing what is generated into the directory of an update, and stubs for what a programmer has to write."""

import re
from pathlib import Path

from patchkit.errors import InputError
from patchkit.model.decision import Plan, State, Topic
from patchkit.read.replacing import replace_file
from patchkit.transform.migration import Side
from patchkit.transform.names import HOOKS, rest_name, transformer_name, type_name
from patchkit.transform.plan import Planned
from patchkit.transform.update import GENERATED, TRANSFORM

_HEAD = """\
/* What a programmer decides about live state, in plain C. generated/old.h, new.h and symbols.h have types,
 * variables and functions of both versions. patchkit adds stubs here, and never changes or removes what is written. */
#include <patchkit_migration.h>

#include "symbols.h"
"""


def write_generated(folder: Path, planned: Planned) -> None:
    """Write generated/ anew, and add the stubs that are missing to transform.c. Raises InputError where it cannot."""
    generated = folder / GENERATED
    written = planned.written
    for name, text in (
        ("old.h", written.old_header),
        ("new.h", written.new_header),
        ("symbols.h", written.symbols),
        ("migrate.c", written.text),
        ("plan.txt", plan_text(planned.plan)),
    ):
        _write(generated / name, text)
    _add_stubs(folder / TRANSFORM, planned)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8", errors="replace") == text:
        return
    if not replace_file(path, text.encode("utf-8", "surrogateescape")):
        raise InputError(f"{path} cannot be written", hint="look at the permissions and the room on its disk")


def _add_stubs(path: Path, planned: Planned) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    wanted = [item for item in planned.plan.items if item.topic is Topic.CODE and item.decision is not None]
    stubs = []
    for item in wanted:
        name = transformer_name(item.subject)
        if re.search(rf"^int {re.escape(name)}\s*\(", text, re.M):
            continue
        if item.subject in HOOKS:
            stubs.append(_hook(item.subject))
        elif item.subject in planned.pair.records.forward:
            stubs.append(_stub(item.subject, planned))
    if stubs:
        _write(path, (text or _HEAD) + "".join(stubs))


def _stub(key: str, planned: Planned) -> str:
    successor = planned.pair.records.forward[key]
    old, new = type_name(Side.OLD, key), type_name(Side.NEW, successor)
    questions = [item for item in planned.plan.items if item.topic is Topic.CODE and item.subject == key]
    text = questions[0].question.replace('"', "'") if questions else ""
    rest = rest_name(key)
    return f"""
/* {key}: {text or "converted by hand"} */
pk_conversion {rest}; /* what follows from names and types alone */

int {transformer_name(key)}(struct pk_migration *migration, const {old} *old, {new} *new);
int {transformer_name(key)}(struct pk_migration *migration, const {old} *old, {new} *new) {{
    if ({rest}(migration, old, new))
        return 1;
    PK_TODO("{text or "what else becomes of it?"}");
    return 0;
}}
"""


def _hook(when: str) -> str:
    name = transformer_name(when)
    text = (
        "nothing is converted yet" if when == "before" else "everything is converted, and the new code does not run yet"
    )
    return f"""
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
