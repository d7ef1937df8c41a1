"""Why a process could not be asked, or what it refused."""

from dataclasses import dataclass
from signal import Signals

from patchkit.errors import ExitCode, PatchkitError


@dataclass(frozen=True, slots=True)
class Holdup:
    """A thread that held an update up: what the runtime says of it and its stack, innermost frame first."""

    tid: int
    comm: str
    where: str
    reason: str
    frames: tuple[str, ...] = ()


class LiveError(PatchkitError):
    """Something that a process, its runtime or the way to it stood against; `code` is a rule's id."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        exit_code: ExitCode = ExitCode.USAGE,
        holdups: tuple[Holdup, ...] = (),
    ) -> None:
        super().__init__(f"{message} ({code})" if code else message, hint=hint)
        self.code = code
        self.exit_code = exit_code
        self.holdups = holdups


class Refused(LiveError):
    """The runtime answered and said no: the process goes on as before."""

    def __init__(self, code: str, message: str, *, hint: str = "", holdups: tuple[Holdup, ...] = ()) -> None:
        super().__init__(code, message, hint=hint, exit_code=ExitCode.REFUSED, holdups=holdups)


class Ended(LiveError):
    """The process ended while it was asked; `status` is its exit code, or a signal's number, negative, if known."""

    def __init__(self, named: str, status: int | None) -> None:
        how = (
            "" if status is None else f": exit code {status}" if status >= 0 else f": killed by {Signals(-status).name}"
        )
        super().__init__(
            "PKL006", f"{named} ended while it was asked{how}", hint="its own log says why; start it again"
        )
        self.status = status
