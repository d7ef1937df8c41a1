"""Objects that belong to the C library or the system, which may not be copied like data (T27)."""

from patchkit.diff.types import Types
from patchkit.model.ctype import CType, Function, Pointer

# POSIX.1-2017: the effect of using a copy of one of these is undefined (pthread.h, semaphore.h, regex.h).
_QUIET_WHEN_UNUSED = frozenset(
    {
        "pthread_mutex_t",
        "pthread_rwlock_t",
        "pthread_cond_t",
        "pthread_spinlock_t",
        "pthread_barrier_t",
        "pthread_attr_t",
        "pthread_once_t",
        "sem_t",
        "mtx_t",
        "cnd_t",
        "once_flag",
        "regex_t",
        "mbstate_t",
    }
)
# These hold addresses of stack frames or of themselves.
_NEVER = frozenset({"jmp_buf", "sigjmp_buf", "va_list", "__builtin_va_list", "ucontext_t", "FILE", "DIR"})


def library_object(types: Types, ctype: CType) -> str:
    """Return the name of the library's object that an object of type `ctype` is or consists of, else an empty text."""
    if isinstance(types.element(ctype), Pointer | Function):
        return ""
    spelled = {typedef.key for typedef in types.typedefs_in(ctype)}
    for names in (_NEVER, _QUIET_WHEN_UNUSED):
        found = sorted(spelled & names)
        if found:
            return found[0]
    return ""


def never_moves(name: str) -> bool:
    """Whether a library's object cannot be moved even when nobody uses it."""
    return name in _NEVER
