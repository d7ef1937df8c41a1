"""Every rule that `diff` and `check` report by: stable id, name, level, what it requires, and its consequence in words.

Ids are `PK`, a group letter and three digits; they are never reused. Groups: T types, D data, F functions, C control,
I initialisation and environment, X transformers, M chains of updates, B bundles, L live processes, R the analysis
itself. L names what a process, its runtime and the way to it answer with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from patchkit.model.change import Level, Requires


class Fix(StrEnum):
    """Who makes what the rule asks for."""

    AUTOMATIC = "automatic"
    SKELETON = "skeleton"
    BY_HAND = "by hand"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule; `summary` is the consequence for the running process, and a `reserved` one is not reported yet."""

    id: str
    name: str
    level: Level
    requires: Requires
    fix: Fix
    reserved: bool
    summary: str


_ERROR, _WARNING, _INFO = Level.ERROR, Level.WARNING, Level.INFO
_NOTHING, _QUIESCE, _TRANSFORMER = Requires.NOTHING, Requires.QUIESCE, Requires.TRANSFORMER
_REVIEW, _RESTART = Requires.REVIEW, Requires.RESTART
_AUTOMATIC, _SKELETON, _BY_HAND, _NONE = Fix.AUTOMATIC, Fix.SKELETON, Fix.BY_HAND, Fix.NONE
_LIVE: Final = False
_RESERVED: Final = True

# A rule takes two lines here, nine as the formatter would have it.
# fmt: off
_TYPES = (
    ("PKT101", "field-added", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "Live objects have no value for the new member until the update writes one"),
    ("PKT102", "field-removed", _ERROR, _REVIEW, _SKELETON, _LIVE,
     "What the removed member held is dropped: memory, a descriptor or a lock may leak with it"),
    ("PKT103", "field-moved", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "New code reads the member at another offset than live objects have it"),
    ("PKT104", "field-widened", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "Live objects hold the member in fewer bytes than new code reads"),
    ("PKT105", "field-narrowed", _ERROR, _REVIEW, _SKELETON, _LIVE,
     "A live value may not fit the new type and would change when it is stored"),
    ("PKT106", "rename-candidate", _ERROR, _REVIEW, _AUTOMATIC, _LIVE,
     "If these two members are one, its value is carried over; if not, it is lost"),
    ("PKT107", "field-kind-changed", _ERROR, _TRANSFORMER, _BY_HAND, _LIVE,
     "Live objects hold a value where new code follows a pointer, or the reverse"),
    ("PKT108", "array-length-changed", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "Live arrays have other bounds than the new code's loops and indices"),
    ("PKT109", "flex-array-owner-changed", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "The size of each live object depends on a length that its type does not say"),
    ("PKT110", "union-changed", _ERROR, _TRANSFORMER, _BY_HAND, _LIVE,
     "Which member of the union is active is unknown, so live values cannot be converted or followed"),
    ("PKT111", "bitfield-repacked", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "New code reads the bit-field from other bits than live objects have it in"),
    ("PKT112", "enum-renumbered", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "Numbers stored in live objects mean something else to the new code"),
    ("PKT113", "enum-value-removed", _ERROR, _REVIEW, _SKELETON, _LIVE,
     "A live object may hold a value that the new code has no name for"),
    ("PKT114", "enum-value-added", _WARNING, _QUIESCE, _NONE, _LIVE,
     "Old code that still runs meets a value that its switch has no case for"),
    ("PKT115", "opaque-pointer", _ERROR, _REVIEW, _SKELETON, _LIVE,
     "A changed type may hide behind an untyped pointer, where it would stay unconverted"),
    ("PKT116", "layout-by-flags", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "The same source is laid out differently because it is compiled differently"),
    ("PKT117", "stale-object", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "An object file that was not rebuilt still uses the old size or offset"),
    ("PKT118", "interior-pointer", _ERROR, _REVIEW, _SKELETON, _LIVE,
     "Pointers to a member go stale when the object around it moves"),
    ("PKT119", "semantic-only-change", _WARNING, _REVIEW, _SKELETON, _LIVE,
     "The bytes stay, but every function that reads them reads them differently"),
    ("PKT120", "type-odr-split", _ERROR, _NOTHING, _BY_HAND, _RESERVED,
     "Two units disagree about one type, so no single conversion is right"),
)

_DATA = (
    ("PKD201", "global-type-changed", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "The variable's bytes have the old layout while new code reads the new one"),
    ("PKD202", "initializer-changed", _WARNING, _REVIEW, _AUTOMATIC, _LIVE,
     "The running process keeps the value it has; the new initial value does not reach it"),
    ("PKD203", "global-removed", _WARNING, _REVIEW, _SKELETON, _LIVE,
     "What the removed variable owns is never released"),
    ("PKD204", "global-added", _WARNING, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "The new variable exists only from the update on and needs its value then"),
    ("PKD205", "static-local-unmatched", _ERROR, _REVIEW, _AUTOMATIC, _LIVE,
     "A function's remembered value may be lost, or given to the wrong successor"),
    ("PKD206", "ops-table-changed", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "Live tables of functions call through slots that are no longer where new code looks"),
    ("PKD207", "tls-changed", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "Each thread has its own copy in the old layout, and only reaches it from itself"),
    ("PKD208", "literal-identity", _WARNING, _REVIEW, _BY_HAND, _RESERVED,
     "Code compares the address of a constant that has another address in the new version"),
    ("PKD209", "once-state", _WARNING, _REVIEW, _AUTOMATIC, _RESERVED,
     "A guard that has fired must stay fired, or initialisation runs twice"),
    ("PKD210", "external-layout", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "A file, a shared mapping or another process holds the type in its old layout"),
)

_FUNCTIONS = (
    ("PKF301", "signature-changed", _ERROR, _QUIESCE, _AUTOMATIC, _LIVE,
     "A caller that stays old would pass arguments in the old way"),
    ("PKF302", "fnptr-signature", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "A stored pointer calls a function whose parameters have changed"),
    ("PKF303", "removed-address-taken", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "A pointer or registration may still call the function that is gone"),
    ("PKF304", "export-changed", _ERROR, _RESTART, _BY_HAND, _RESERVED,
     "A plug-in or library in the process was built against the old declaration"),
    ("PKF305", "inlined-copy", _INFO, _NOTHING, _AUTOMATIC, _LIVE,
     "Copies of the old body live inside other functions, which switch along"),
    ("PKF306", "not-patchable", _ERROR, _RESTART, _AUTOMATIC, _LIVE,
     "The function's entry cannot be redirected, so the old code goes on running"),
    ("PKF307", "line-noise", _INFO, _NOTHING, _AUTOMATIC, _LIVE,
     "Only line numbers, file names or dates differ; nothing behaves otherwise"),
    ("PKF308", "frame-escape", _ERROR, _QUIESCE, _BY_HAND, _RESERVED,
     "A saved context or a pointer into a stack frame leads back into old code"),
    ("PKF309", "signal-handler-changed", _ERROR, _TRANSFORMER, _AUTOMATIC, _LIVE,
     "An installed handler goes on being the old one"),
    ("PKF310", "registered-callback", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "A library holds the address of the old function and will call it"),
    ("PKF312", "ripple", _INFO, _NOTHING, _NONE, _RESERVED, "Objects change although their source did not"),
    ("PKF313", "baked-constant", _WARNING, _REVIEW, _SKELETON, _LIVE,
     "Objects allocated under the old limit are used under the new one"),
)

_CONTROL = (
    ("PKC401", "never-returns", _ERROR, _RESTART, _SKELETON, _LIVE,
     "The old code of a function that never returns would run for ever"),
    ("PKC402", "thread-without-update-point", _ERROR, _QUIESCE, _SKELETON, _LIVE,
     "A thread may never reach a place where the update can happen"),
    ("PKC403", "update-point-under-lock", _ERROR, _QUIESCE, _BY_HAND, _LIVE,
     "A thread would wait for the update with a lock that others need to get there"),
    ("PKC404", "lock-protocol-changed", _ERROR, _QUIESCE, _BY_HAND, _RESERVED,
     "Old and new code take locks in different ways: a deadlock or a race if both run"),
    ("PKC405", "unbounded-block", _WARNING, _QUIESCE, _SKELETON, _RESERVED,
     "A sleeping thread may hold the update up until its time limit"),
    ("PKC406", "switch-together", _INFO, _QUIESCE, _AUTOMATIC, _RESERVED,
     "Caller and callee agree on something new and have to switch at one moment"),
    ("PKC407", "thread-set-changed", _ERROR, _TRANSFORMER, _SKELETON, _LIVE,
     "The new version expects threads or processes that do not exist yet, or no longer expects some that do"),
    ("PKC408", "peer-protocol", _ERROR, _REVIEW, _BY_HAND, _RESERVED,
     "Processes still on the old version exchange the changed type with updated ones"),
    ("PKC409", "user-context", _ERROR, _REVIEW, _BY_HAND, _RESERVED,
     "Stacks that the program switches itself hold old frames that no thread shows"),
    ("PKC410", "tail-call-activeness", _WARNING, _QUIESCE, _AUTOMATIC, _RESERVED,
     "A caller that jumped into its callee is on no stack, though its work is not done"),
)

_INITIALISATION = (
    ("PKI501", "init-only-change", _WARNING, _TRANSFORMER, _SKELETON, _LIVE,
     "The changed code ran at start-up and will not run again, so its effect is missing"),
    ("PKI502", "default-or-option-changed", _WARNING, _REVIEW, _AUTOMATIC, _LIVE,
     "The process keeps the old default; a restart would have taken the new one"),
    ("PKI503", "acquired-resource", _ERROR, _RESTART, _SKELETON, _RESERVED,
     "Something the process got at start-up (socket option, limit, privilege) stays as it was"),
    ("PKI504", "dependency-changed", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The new code needs a library or symbol version that is not in the process"),
    ("PKI505", "hardening-blocks", _ERROR, _RESTART, _BY_HAND, _RESERVED,
     "The process may not map or write code, so no function can be switched"),
)

_TRANSFORMERS = (
    ("PKX601", "transformer-missing", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "Live objects need a conversion that nobody has written"),
    ("PKX602", "transformer-stale", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "The conversion was written for other layouts than these"),
    ("PKX603", "transformer-incomplete", _ERROR, _NOTHING, _SKELETON, _LIVE,
     "A part of each new object would be left without a value"),
    ("PKX604", "ownership", _ERROR, _NOTHING, _BY_HAND, _LIVE, "Memory behind an old pointer is lost or freed twice"),
    ("PKX605", "unsafe-call", _WARNING, _NOTHING, _BY_HAND, _RESERVED,
     "A call inside the conversion may wait for a stopped thread or run code that is being replaced"),
    ("PKX606", "not-reversible", _WARNING, _REVIEW, _SKELETON, _LIVE,
     "After commit there is no way back to the old version without a restart"),
    ("PKX607", "untested", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "Nothing shows yet that this conversion does what it should"),
    ("PKX608", "pause-budget", _WARNING, _NOTHING, _BY_HAND, _RESERVED,
     "Converting all live objects may pause the process longer than is allowed"),
    ("PKX609", "not-retry-safe", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "After an abort a second attempt would give other results than the first"),
    ("PKX610", "shadow-field-discipline", _ERROR, _NOTHING, _BY_HAND, _RESERVED,
     "A value kept outside its object may be lost, leaked or read before it exists"),
    ("PKX611", "transformer-crashes", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The conversion crashes, or uses memory that is not its own, on an object that may exist"),
    ("PKX612", "transformer-endless", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The conversion would keep all threads waiting until the time limit ends the update"),
    ("PKX613", "transformer-gives-up", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The update would end at this object, and nobody would learn why"),
    ("PKX614", "sample-differs", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "A live object would become another one than its author expects"),
    ("PKX615", "round-trip-differs", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "A live object that goes to the new version and back would not be what it was"),
)

_ANALYSIS = (
    ("PKR901", "analysis-incomplete", _ERROR, _NOTHING, _NONE, _LIVE,
     "Part of the program was not read, so nothing vouches for what is in it"),
    ("PKR902", "outside-model", _ERROR, _REVIEW, _NONE, _RESERVED,
     "Part of the program is not C; what it does with changed types is unknown"),
)

_CHAINS = (
    ("PKM701", "stale-update", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "The update in the tree was made for other sources than these"),
    ("PKM702", "edited-after-release", _ERROR, _NOTHING, _BY_HAND, _RESERVED,
     "An update that processes have already taken no longer says what they took"),
    ("PKM703", "no-path", _ERROR, _NOTHING, _SKELETON, _LIVE,
     "A process on a supported version has no way to this one"),
    ("PKM704", "waiver-unused", _ERROR, _NOTHING, _AUTOMATIC, _LIVE, "A waiver excuses nothing, or has run out"),
    ("PKM705", "squash-not-equivalent", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The direct update leaves other state behind than the steps it replaces"),
)

_BUNDLES = (
    ("PKB801", "build-id-mismatch", _ERROR, _NOTHING, _NONE, _LIVE,
     "The process is not the build that the bundle was made for"),
    ("PKB802", "toolchain-mismatch", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "The new code was compiled unlike the running one, so layouts may differ in silence"),
    ("PKB803", "untrusted-signature", _ERROR, _NOTHING, _NONE, _LIVE,
     "Nobody whom this machine trusts vouches for the bundle"),
    ("PKB805", "runtime-capability", _ERROR, _NOTHING, _NONE, _LIVE,
     "The runtime in the process cannot do what the update needs"),
    ("PKB806", "replayed-bundle", _ERROR, _NOTHING, _NONE, _LIVE,
     "The bundle is older than what the process has taken, or out of date"),
    ("PKB807", "no-debug-info", _ERROR, _NOTHING, _AUTOMATIC, _LIVE, "Without debug information layouts are guesses"),
)

_PROCESSES = (
    ("PKL001", "no-runtime", _ERROR, _RESTART, _NONE, _LIVE,
     "The process does not hold patchkit's runtime, so nothing can be asked of it"),
    ("PKL002", "runtime-off", _ERROR, _RESTART, _NONE, _LIVE,
     "The runtime is in the process but does not answer its signal, so it cannot be woken"),
    ("PKL003", "not-reachable", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The runtime was woken but its control socket cannot be reached"),
    ("PKL004", "busy", _ERROR, _NOTHING, _NONE, _LIVE,
     "The runtime is doing something for somebody else"),
    ("PKL005", "no-answer", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The process lives, but its runtime said nothing within the time it was given"),
    ("PKL006", "process-ended", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "The process ended while it was being asked"),
    ("PKL007", "not-permitted", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "Only root and the user whose process it is may ask its runtime"),
    ("PKL008", "unknown-protocol", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The runtime and this patchkit do not understand each other"),
    ("PKL009", "at-another-version", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "Of several processes that go back together, this one is at a version that the update has no part in"),
    ("PKL102", "bundle-damaged", _ERROR, _NOTHING, _AUTOMATIC, _LIVE,
     "The bundle is not whole or contradicts itself, so nothing of it is used"),
    ("PKL103", "out-of-reach", _ERROR, _RESTART, _NONE, _LIVE,
     "No free memory lies close enough to the program's code for the new code to be called"),
    ("PKL104", "out-of-memory", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The process may not have the memory, files or timers that the update takes"),
    ("PKL105", "symbol-not-found", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "No library that the process has loaded defines something that the new code calls"),
    ("PKL106", "object-not-found", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "A function or variable that the new code needs is not in the process"),
    ("PKL107", "quiescence-failed", _ERROR, _QUIESCE, _BY_HAND, _LIVE,
     "Threads did not come to a place where the code under them may change"),
    ("PKL108", "rehearsal-failed", _ERROR, _REVIEW, _BY_HAND, _LIVE,
     "The update failed on a copy of the process, so the process itself was left alone"),
    ("PKL109", "nothing-to-revert", _ERROR, _NOTHING, _NONE, _LIVE,
     "There is no update that could be taken back"),
    ("PKL110", "unsupported", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The bundle is for another kind of machine or a newer runtime"),
    ("PKL111", "table-was-written", _ERROR, _REVIEW, _BY_HAND, _LIVE,
     "A table that the update would replace no longer holds what the program started with"),
    ("PKL112", "bad-request", _ERROR, _NOTHING, _NONE, _LIVE,
     "The runtime was asked for something that it does not know or that is not whole"),
    ("PKL113", "threads-not-listed", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The runtime cannot find or signal all threads of its process, so it stops none of them"),
    ("PKL114", "code-not-writable", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "The system does not let the process change its own code"),
    ("PKL115", "not-its-user", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The runtime was asked by somebody who is neither root nor the user of its process"),
    ("PKL116", "crashed-on-probation", _ERROR, _REVIEW, _BY_HAND, _LIVE,
     "A process of this user crashed in the version's code while the update was on probation"),
    ("PKL121", "state-not-converted", _ERROR, _TRANSFORMER, _BY_HAND, _LIVE,
     "A live object holds what the update cannot convert"),
    ("PKL122", "conversion-failed", _ERROR, _TRANSFORMER, _BY_HAND, _LIVE,
     "The update's own code crashed, did not end, or wrote where it must not"),
    ("PKL123", "object-pinned", _ERROR, _REVIEW, _BY_HAND, _LIVE,
     "Something that no type describes leads to an object which would move"),
    ("PKL201", "attach-not-permitted", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The process must not or may not be traced by this user, so nothing can be put into it"),
    ("PKL202", "attach-static", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "The program is linked statically, so it has no list of libraries for the runtime to go by"),
    ("PKL203", "attach-foreign", _ERROR, _RESTART, _BY_HAND, _LIVE,
     "The process is of another architecture or uses another C library than the runtime is built for"),
    ("PKL204", "attach-unknown-build", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "No recorded build is known to be the one that the process runs"),
    ("PKL205", "attach-no-safe-place", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "No thread was found that could be held for a moment without harm"),
    ("PKL206", "attach-failed", _ERROR, _NOTHING, _BY_HAND, _LIVE,
     "The system refused the process something that the runtime needs, and it goes on without it"),
)
# fmt: on

_FINDINGS = (_TYPES, _DATA, _FUNCTIONS, _CONTROL, _INITIALISATION, _TRANSFORMERS, _ANALYSIS, _CHAINS, _BUNDLES)
_TABLES = (*_FINDINGS, _PROCESSES)

RULES: Mapping[str, Rule] = MappingProxyType({row[0]: Rule(*row) for table in _TABLES for row in table})
_BY_NAME = {rule.name: rule for rule in RULES.values()}


def find_rule(id_or_name: str) -> Rule | None:
    """Return the rule with that id or name, case aside, or None."""
    return RULES.get(id_or_name.upper()) or _BY_NAME.get(id_or_name.lower())


def rule_name(id_or_name: str) -> str:
    """Return the name of a rule, empty where there is no such rule."""
    rule = find_rule(id_or_name)
    return rule.name if rule else ""
