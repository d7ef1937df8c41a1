"""Closed questions that only ask whether something is fine as it is: what the code says to them."""

from difflib import SequenceMatcher

from patchkit.diff.pair import Pair
from patchkit.model.program import Function, Macro
from patchkit.transform.code import Code, Tokens
from patchkit.transform.proposal import NOTHING, Proposal, names, strong, weak

_SHOWN = 3


class Acceptance:
    """Looks at what differs between the bodies of both versions."""

    def __init__(self, pair: Pair, old: Code, new: Code) -> None:
        self._pair = pair
        self._old = old
        self._new = new

    def of_running(self, old: Function, new: Function) -> Proposal:
        """Return whether a function that goes on in its old body misses nothing that the new one does."""
        before, after = self._old.body(old), self._new.body(new)
        if not before or not after:
            return NOTHING
        differing = _differing(before, after)
        if all(_is_text(one) and _is_text(other) for one, other in differing):
            shown = "; ".join(f"{' '.join(a)} → {' '.join(b)}" for a, b in differing[:_SHOWN])
            return strong("yes", f"nothing differs but texts: {shown}")
        called = sorted(name for name in set(new.references) - set(old.references) if name in self._pair.new.functions)
        gone = sorted(name for name in set(old.references) - set(new.references) if name in self._pair.old.functions)
        evidence = [f"the new one calls {names(called)}"] * bool(called) + [f"it calls {names(gone)} no more"] * bool(
            gone
        )
        more = [f"`{' '.join(a)}` became `{' '.join(b)}`" for a, b in differing[:_SHOWN] if len(a) + len(b) < 40]
        return weak("", *evidence, *more)

    def of_size(self, old: Macro, new: Macro) -> Proposal:
        """Return whether a constant only sizes what lives on the stack; it is known of those that a
        source defines for itself.
        """
        if not old.coord.file.endswith(".c"):
            return NOTHING
        users: list[str] = []
        for key, other in self._pair.functions.forward.items():
            function = self._pair.old.functions[key]
            after = self._pair.new.functions[other]
            if function.file != old.coord.file or function.body == after.body:
                continue
            for one, another in _differing(self._old.body(function), self._new.body(after), around=2):
                if str(old.value) in one and str(new.value) in another:
                    if not _sizes_local(one, str(old.value)):
                        return weak("yes", f"{function.name} uses it beyond the size of an array of its own")
                    users.append(function.name)
        if not users:
            return NOTHING
        return strong("yes", f"it only sizes arrays on the stack, in {names(users)}")


def _differing(before: Tokens, after: Tokens, around: int = 0) -> list[tuple[Tokens, Tokens]]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [
        (before[max(0, a - around) : b + around], after[max(0, c - around) : d + around])
        for word, a, b, c, d in matcher.get_opcodes()
        if word != "equal"
    ]


def _is_text(words: Tokens) -> bool:
    return all(word.startswith('"') for word in words)


def _sizes_local(words: Tokens, value: str) -> bool:
    """Whether a number stands between the brackets of a declaration: `[ 256 ] ;`, `[ 256 ] ,`, `[ 256 ] =`."""
    at = list(words).index(value)
    return at >= 2 and words[at - 1] == "[" and words[at + 1 : at + 2] == ("]",)
