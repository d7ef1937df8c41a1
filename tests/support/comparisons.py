"""Comparisons as a reader would meet them: patch and minor releases, blocked, incomplete, empty and hostile ones."""

from dataclasses import replace

from patchkit.model.change import (
    Change,
    Comparison,
    Edit,
    Grade,
    LayoutPair,
    PlacedMember,
    Reach,
    Requires,
    Storage,
    Subject,
    Verdict,
)
from patchkit.model.ctype import Array, Pointer
from patchkit.model.program import Coord, Gap, Member
from tests.support.changes import bodies, change, compare, function_added, member_edit, side, signature, variable
from tests.support.layouts import (
    BOOL,
    CHAR,
    DOUBLE,
    INT,
    LONG,
    SHORT,
    TEXT,
    UINT,
    ULL,
    UNTYPED,
    Field,
    Laid,
    lay,
    pair,
    struct,
)

CLIENT_KINDS = {
    "peerid": "T02",
    "flags_dirty": "T18",
    "port": "T05",
    "obuf_limit": "T01",
    "slots": "T10",
    "sentlen": "T03",
}
GAPS = (
    Gap(Coord("src/module.c", 312), "`__builtin_choose_expr` is not understood", "compile this unit with -std=gnu11"),
    Gap(Coord("src/gen/table.c"), "the file is generated and was not there", "build once, then compare again"),
)
HOSTILE = "<script>alert(1)</script>|`x`\x1b[31m\u202e\"'&%0A::error\nnext"


def _server(*extra: Field) -> Laid:
    fields = [Field("pid", INT), Field("main_thread_id", LONG), Field("configfile", TEXT), Field("hz", INT)]
    fields += [Field(f"stat_{i:03}", LONG if i % 3 else INT) for i in range(330)]
    fields += [Field("watchdog_period", INT), Field("acl_pubsub_default", INT), *extra]
    fields += [Field("system_memory_size", LONG), Field("tls_cluster", INT), Field("tls_replication", INT)]
    fields += [Field(f"option_{i:03}", INT) for i in range(60)]
    return lay(*fields, Field("cluster_enabled", BOOL), Field("failover_end", LONG))


def _client(*, grown: bool) -> Laid:
    reply = [Field("reply_bytes", ULL), Field("sentlen", LONG)]
    if grown:
        reply.reverse()
    return lay(
        Field("id", ULL),
        Field("resp", INT),
        Field("flags_dirty", UINT, width=3 if grown else 2),
        Field("flags_master", UINT, width=1),
        Field("flags_class", UINT, width=4),
        *([] if grown else [Field("peerid", TEXT)]),
        Field("db", Pointer(struct("redisDb"))),
        Field("port", INT if grown else SHORT),
        *reply,
        Field("bufpos", INT),
        *([Field("obuf_limit", DOUBLE)] if grown else []),
        Field("slots", Array(SHORT, 16 if grown else 12)),
        Field("buf", Array(CHAR, None)),
    )


def _server_change(old: Laid, new: Laid) -> Change:
    edit = member_edit(
        (old, new),
        "T01 PKT101",
        Verdict.CONFIRM,
        "acl_fail_limit",
        "no constructor runs for the one live server again",
        question="Which value does acl_fail_limit start with: 10, as initServerConfig() stores, or another?",
        grade=Grade.STRONG,
    )
    return change(
        Subject.TYPE,
        "T01 PKT101",
        Verdict.CONFIRM,
        "struct redisServer",
        "a member is new and every later one moves",
        old_coord=Coord("src/server.h", 1409),
        new_coord=Coord("src/server.h", 1421),
        old_size=old.size,
        new_size=new.size,
        edits=(edit,),
        reach=(Reach("server", "server", Storage.STATIC),),
        evidence=("initServerConfig() in src/server.c:1866 stores the constant 10 on its only path",),
    )


def _client_change(old: Laid, new: Laid) -> Change:
    sides = (old, new)
    freed = "Does the update free what peerid points at?"
    edits = (
        member_edit(sides, "T02 PKT102", Verdict.CONFIRM, "peerid", "nobody releases its string", question=freed),
        member_edit(sides, "T18 PKT111", Verdict.AUTO, "flags_dirty", "widened from 2 to 3 bits"),
        member_edit(sides, "T05 PKT104", Verdict.AUTO, "port", "every value fits"),
        member_edit(sides, "T01 PKT101", Verdict.AUTO, "obuf_limit", "createClient() gives 0.0 on all paths"),
        member_edit(sides, "T10 PKT108", Verdict.AUTO, "slots", "the new elements get -1, as createClient() has it"),
        member_edit(sides, "T03 PKT103", Verdict.AUTO, "sentlen", "stands before reply_bytes now"),
    )
    reach = (
        Reach("server", "server.clients->head->value", Storage.HEAP),
        Reach("server", "server.current_client", Storage.HEAP),
        Reach("server", "server.clients_pending_write->head->value", Storage.HEAP),
        Reach("src/module.c:reused_client", "reused_client", Storage.HEAP),
        Reach("src/script_lua.c:cached_client", "cached_client", Storage.THREAD),
    )
    where = Coord("src/server.h", 1107)
    return change(
        Subject.TYPE,
        "T02 PKT102",
        Verdict.CONFIRM,
        "struct client",
        "a pointer is gone, members moved and grew",
        old_coord=where,
        new_coord=where,
        edits=edits,
        reach=reach,
        old_size=old.size,
        new_size=new.size,
    )


def _enum_change() -> Change:
    moved = "stored numbers are remapped"
    edits = (
        Edit("T20", "PKT112", Verdict.AUTO_CHECK, "BLOCKED_ZSET", moved, was="5", now="6"),
        Edit("T20", "PKT112", Verdict.AUTO_CHECK, "BLOCKED_POSTPONE", moved, was="6", now="7"),
        Edit("T19", "PKT114", Verdict.NONE, "BLOCKED_SHUTDOWN", "no live value holds it", now="5"),
    )
    return change(
        Subject.TYPE,
        "T20 PKT112",
        Verdict.AUTO_CHECK,
        "enum blocking_type",
        "numbers mean other constants now",
        old_coord=Coord("src/server.h", 355),
        new_coord=Coord("src/server.h", 361),
        old_size=4,
        new_size=4,
        edits=edits,
        reach=(Reach("server", "server.clients->head->value->btype", Storage.HEAP),),
    )


def _variables() -> list[Change]:
    rows = "the new table is taken"
    kept = "Does the running process keep maxclients at 10000, or take 20000?"
    categories, limits = "src/acl.c:ACLCommandCategories", "src/config.c:static_configs"
    return [
        variable("G05 PKD201", Verdict.AUTO, "redisCommandTable", f"241 → 243 rows; {rows}", 7170),
        variable("G05 PKD201", Verdict.AUTO, categories, f"22 → 23 rows; {rows}", 61),
        variable("G06c PKI502", Verdict.CONFIRM, limits, "the default of maxclients is 20000 now", 2896, question=kept),
        variable("G01 PKD204", Verdict.AUTO, "src/acl.c:acl_denied", "starts as its initialiser says", 77, old_key=""),
    ]


def _functions() -> list[Change]:
    op = "int ACLSetUser(user *u, const char *op, ssize_t oplen"
    return [
        *bodies(35),
        function_added("ACLReportDenied", "src/acl.c", 2310),
        function_added("src/networking.c:clientLimitReached", "src/networking.c", 1204),
        signature(
            "ACLSetUser", (f"{op})", f"{op}, int flags)"), Coord("src/acl.c", 1010), ("src/acl.c", "src/module.c")
        ),
        signature(
            "addReplyLoadedModules",
            ("void addReplyLoadedModules(client *c)", "int addReplyLoadedModules(client *c)"),
            Coord("src/module.c", 11800),
            ("src/server.c",),
        ),
        signature(
            "src/rdb.c:rdbSaveInfo",
            ("ssize_t rdbSaveInfo(rio *r)", "ssize_t rdbSaveInfo(rio *r, int rdbver)"),
            Coord("src/rdb.c", 1191),
            ("src/rdb.c",),
        ),
        change(
            Subject.FUNCTION,
            "F08 PKI501",
            Verdict.CONFIRM,
            "initServer",
            "it ran at start-up; what it newly does has not been done in this process",
            old_coord=Coord("src/server.c", 2350),
            new_coord=Coord("src/server.c", 2361),
            question="Run initServer()'s new statement `aclInitDenied()` at the update, or leave it out?",
        ),
    ]


def patch_release() -> Comparison:
    """Return a patch release of a large server: a grown singleton, a busy struct, 35 bodies, tables, an enumeration."""
    old, new = _server(), _server(Field("acl_fail_limit", LONG))
    before, after = _client(grown=False), _client(grown=True)
    hints = change(
        Subject.MACRO,
        "V01 PKT108",
        Verdict.AUTO,
        "CLUSTER_SLOT_HINTS",
        "12 → 16, sizes struct client.slots",
        new_coord=Coord("src/server.h", 98),
        callers=("src/networking.c", "src/cluster.c"),
    )
    states = [_server_change(old, new), _client_change(before, after), _enum_change()]
    notes = ("functions called only from assembly are not seen", "memory reached only through integers is not walked")
    layouts = {
        "struct redisServer": pair(old, new, {"acl_fail_limit": "T01"}),
        "struct client": pair(before, after, CLIENT_KINDS),
    }
    return compare([*states, *_variables(), *_functions(), hints], layouts, notes=notes)


def client_only() -> Comparison:
    """Return a comparison whose one change touches a struct in every way that a drawing has to show."""
    old, new = _client(grown=False), _client(grown=True)
    return compare([_client_change(old, new)], {"struct client": pair(old, new, CLIENT_KINDS)})


def unchanged() -> Comparison:
    """Return the comparison of a version with itself."""
    return Comparison(side("redis-7.0.15"), side("redis-7.0.15"), (), {})


def _union_change() -> Change:
    wide = Member("wide", struct("wide"), 0, 128)
    text = "pointers inside cannot be followed"
    return change(
        Subject.TYPE,
        "T17 PKT110",
        Verdict.BLOCKED,
        "union value",
        "nothing says which member is active",
        old_coord=Coord("src/object.h", 40),
        new_coord=Coord("src/object.h", 41),
        old_size=8,
        new_size=16,
        reach=(Reach("table", "table.buckets[]->value", Storage.HEAP),),
        edits=(Edit("T17", "PKT110", Verdict.BLOCKED, "wide", text, now="struct wide wide", new=wide),),
        question="Which member of the struct around it tells the active one?",
    )


def blocked() -> Comparison:
    """Return an update that cannot be made: a union without a discriminant and a struct in shared memory, with gaps."""
    shared = (PlacedMember("integer", "long int integer", 0, 64), PlacedMember("ptr", "void *ptr", 0, 64))
    union = LayoutPair(8, 16, shared, (*shared, PlacedMember("wide", "struct wide wide", 0, 128, "T17")))
    sides = (lay(Field("text", Array(CHAR, 64))), lay(Field("text", TEXT)))
    mapped = change(
        Subject.TYPE,
        "T29 PKD210",
        Verdict.BLOCKED,
        "struct shm_header",
        "a mapped file holds it in the old layout",
        requires=Requires.RESTART,
        old_coord=Coord("src/shm.h", 12),
        new_coord=Coord("src/shm.h", 12),
        old_size=64,
        new_size=72,
        evidence=("passed to mmap() in src/shm.c:88 with MAP_SHARED",),
    )
    line = change(
        Subject.TYPE,
        "T12 PKT107",
        Verdict.CODE,
        "struct line",
        "an array became a pointer",
        old_coord=Coord("src/line.h", 5),
        new_coord=Coord("src/line.h", 5),
        old_size=64,
        new_size=8,
        edits=(member_edit(sides, "T12 PKT107", Verdict.CODE, "text", "the new owner of the bytes must be made"),),
    )
    notes = ("inline assembly in src/fast.c is not read",)
    return compare([_union_change(), mapped, line, *bodies(4)], {"union value": union}, gaps=GAPS, notes=notes)


def incomplete() -> Comparison:
    """Return a comparison that met two units it could not read."""
    return compare(bodies(3), gaps=GAPS)


def minor_release() -> Comparison:
    """Return a minor release: sixty changed structs, a thousand bodies, hundreds of additions."""
    changes: list[Change] = [*bodies(1115)]
    layouts = {}
    old, new = _client(grown=False), _client(grown=True)
    base = _client_change(old, new)
    for number in range(64):
        key = f"struct part{number:02}"
        verdict = (Verdict.AUTO, Verdict.AUTO, Verdict.AUTO_CHECK, Verdict.CONFIRM, Verdict.CODE)[number % 5]
        edits = tuple(
            replace(e, verdict=min(e.verdict, verdict), question=e.question if verdict > Verdict.AUTO_CHECK else "")
            for e in base.edits
        )
        one = replace(base, id=f"PKT102/type/{key}", old_key=key, new_key=key, verdict=verdict, edits=edits)
        changes.append(one)
        layouts[key] = pair(old, new, CLIENT_KINDS)
    changes += [function_added(f"added_{n:03}", "src/new.c", 10 * n) for n in range(453)]
    for number in range(115):
        prototypes = (f"int call_{number:03}(int a)", f"int call_{number:03}(int a, int b)")
        changes.append(signature(f"call_{number:03}", prototypes, Coord("src/call.c", number + 1), ("src/main.c",)))
    return compare(changes, layouts)


def hostile() -> Comparison:
    """Return a comparison whose every text tries to break out of the format it is shown in."""
    member = PlacedMember(HOSTILE, f"int {HOSTILE}", 0, 32, "T01")
    new = Member(HOSTILE, INT, 0, 32)
    edit = Edit("T01", "PKT101", Verdict.CONFIRM, HOSTILE, HOSTILE, HOSTILE, HOSTILE, None, new, HOSTILE)
    key = f"struct {HOSTILE}"
    where = Coord(f"src/{HOSTILE}.c", 3)
    row = change(
        Subject.TYPE,
        "T01 PKT101",
        Verdict.CONFIRM,
        key,
        HOSTILE,
        old_coord=where,
        new_coord=where,
        edits=(edit,),
        reach=(Reach(HOSTILE, f"{HOSTILE}->x", Storage.HEAP),),
        evidence=(HOSTILE,),
        question=HOSTILE,
        title=HOSTILE,
        old_size=4,
        new_size=8,
        callers=(HOSTILE,),
    )
    body = change(Subject.FUNCTION, "F01", Verdict.AUTO, HOSTILE, HOSTILE, old_coord=where, new_coord=where)
    layouts = {key: LayoutPair(4, 8, (member,), (member,))}
    base = compare([row, body], layouts, notes=(HOSTILE,), gaps=(Gap(where, HOSTILE, HOSTILE),))
    return replace(base, old=replace(base.old, label=HOSTILE), new=replace(base.new, label=HOSTILE))


def untyped() -> Comparison:
    """Return a question about what an untyped pointer holds, inferred on weak evidence."""
    sides = (lay(Field("value", UNTYPED)), lay(Field("value", UNTYPED)))
    asked = "Does server.clients hold struct client in value?"
    edit = member_edit(
        sides, "T24 PKT115", Verdict.CONFIRM, "value", "may hide struct client", question=asked, grade=Grade.WEAK
    )
    text = "value may point at a changed type"
    return compare([change(Subject.TYPE, "T24 PKT115", Verdict.CONFIRM, "struct listNode", text, edits=(edit,))])


SAMPLES = {
    "patch": patch_release,
    "minor": minor_release,
    "blocked": blocked,
    "incomplete": incomplete,
    "unchanged": unchanged,
    "hostile": hostile,
    "client": client_only,
    "untyped": untyped,
}
