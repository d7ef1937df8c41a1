"""What compilers answered, kept beside the texts: the same questions in the same order are asked once.

An answer is found by a digest of all that it follows from: the compiler, its flags, and every word that it is given.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import patchkit
from patchkit.read.replacing import replace_file, seal, unseal
from patchkit.read.source.preamble import Layer
from patchkit.read.source.probe import Answer, Compiler, Question, Refusal, ask

_ANSWERS = 1  # raise it when the same questions are put to the compiler in another way
_MAKER = f"patchkit.answers {_ANSWERS} {patchkit.__version__}"
_KEPT = 64  # sources, the last ones that were asked for

Reply = Answer | Refusal


class Answers:
    """Answers that are known, with those that are asked for meanwhile; threads may ask at once."""

    def __init__(self, known: dict[str, Any] | None = None) -> None:
        self._known: dict[str, Any] = known or {}
        self._compilers: dict[str, str] = {}
        self._used: set[str] = set()
        self._grown = False

    def ask(self, layers: Sequence[Layer], jobs: int) -> list[list[Reply]]:
        """Answer the questions of each layer, `jobs` layers at once. Raises ToolError without a compiler."""
        keys = [self._key(layer.compiler, layer.texts, layer.questions) for layer in layers]
        self._used.update(keys)
        unknown = {key: layer for key, layer in zip(keys, layers, strict=True) if key not in self._known}
        if len(unknown) > 1:
            from concurrent.futures import ThreadPoolExecutor  # dear, and most often there is nothing to ask

            with ThreadPoolExecutor(max(1, jobs)) as pool:
                asked = dict(zip(unknown, pool.map(self._ask, unknown, unknown.values()), strict=True))
        else:
            asked = {key: self._ask(key, layer) for key, layer in unknown.items()}
        return [asked[key] if key in asked else self._recall(key) for key in keys]

    def _recall(self, key: str) -> list[Reply]:
        return [_reply(row) for row in self._known[key]]

    def _ask(self, key: str, layer: Layer) -> list[Reply]:
        replies = ask(layer.compiler, layer.texts, layer.questions)
        # What a compiler left without a word, for want of memory perhaps, is asked again next time.
        if all(isinstance(reply, Answer) or reply.stated for reply in replies):
            self._known[key] = [_row(reply) for reply in replies]
            self._grown = True
        return replies

    def keep(self, path: Path) -> None:
        """Write what is known to `path`, if that is more than was read."""
        if self._grown:
            order = [*(key for key in self._known if key not in self._used), *sorted(self._used & self._known.keys())]
            kept = {key: self._known[key] for key in order[-_KEPT:]}
            replace_file(path, seal(json.dumps(kept, separators=(",", ":")).encode("ascii"), _MAKER))

    def _key(self, compiler: Compiler, preamble: Sequence[str], questions: Sequence[Question]) -> str:
        if compiler.command not in self._compilers:
            self._compilers[compiler.command] = _identity(compiler.command)
        words = [
            self._compilers[compiler.command],
            f"{len(compiler.flags)} {len(preamble)}",
            *compiler.flags,
            *preamble,
        ]
        for question in questions:
            # Their numbers tell where each kind ends.
            words.append(f"{len(question.words)} {len(question.bits)} {len(question.defines)}")
            words += (question.subject, question.setup, *question.words, *question.bits, *question.defines)
        return hashlib.blake2b("\0".join(words).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def open_answers(path: Path) -> Answers:
    """Return the answers that were kept at `path`, none where there are none that can be used."""
    try:
        found = json.loads(unseal(path.read_bytes(), _MAKER))
    except (OSError, ValueError):
        return Answers()
    return Answers(found)


def _identity(command: str) -> str:
    """Return a text that is another one when the compiler that `command` runs was replaced."""
    path = shutil.which(command)
    try:
        status = os.stat(path) if path is not None else None
    except OSError:
        status = None
    return f"{command} {status.st_size} {status.st_mtime_ns}" if status is not None else command


def _row(reply: Reply) -> Any:
    return reply.reason if isinstance(reply, Refusal) else [reply.words, reply.bits]


def _reply(row: Any) -> Reply:
    if isinstance(row, str):
        return Refusal(row)
    words, bits = row
    return Answer(tuple(words), tuple((offset, width) for offset, width in bits))
