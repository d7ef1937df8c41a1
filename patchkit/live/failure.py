"""Why a process could not be asked, or what it refused."""

from dataclasses import dataclass

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
