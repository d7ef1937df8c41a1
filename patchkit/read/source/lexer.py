"""Tokens of one declaration for pycparser, with everything set aside that a declaration's type does not need.

GNU C is made standard C here, at the level of tokens: attributes, asm labels and `__extension__` are dropped
(attributes are noted), other spellings become the standard's. Constant expressions, initialisers and `typeof`
operands are folded into one token each and kept as text, so that no extension inside an expression can ever fail to
parse: their values are asked of the compiler.
"""

from collections.abc import Callable, Iterator

from pycparser.c_lexer import Dialect, Token

from patchkit.read.source.tokens import TOKEN

_KEYWORDS = {
    word: kind or word.upper()
    for word, kind in {
        **dict.fromkeys(
            "auto char const double enum extern float inline int long register restrict short signed static struct"
            " typedef union unsigned void volatile".split(),
            "",
        ),
        "_Bool": "_BOOL",
        "_Complex": "_COMPLEX",
        "_Noreturn": "_NORETURN",
        "_Thread_local": "_THREAD_LOCAL",
        "_Atomic": "_ATOMIC",
        "__int128": "__INT128",
    }.items()
}
_SPELLINGS = {
    "__const": "const",
    "__const__": "const",
    "__volatile": "volatile",
    "__volatile__": "volatile",
    "__restrict": "restrict",
    "__restrict__": "restrict",
    "__inline": "inline",
    "__inline__": "inline",
    "__signed": "signed",
    "__signed__": "signed",
    "__thread": "_Thread_local",
    "__complex__": "_Complex",
    "__complex": "_Complex",
    "_Imaginary": "_Complex",
    "constexpr": "const",
    "thread_local": "_Thread_local",
    "noreturn": "_Noreturn",
}
_DROPPED = frozenset({"__extension__", "_Pragma"})
_WITH_ARGUMENT = frozenset({"asm", "__asm", "__asm__", "_Pragma", "__declspec", "_Alignas", "alignas"})
_ATTRIBUTE = frozenset({"__attribute__", "__attribute"})
_TYPEOF = frozenset({"typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__"})
_STATIC_ASSERT = frozenset({"_Static_assert", "static_assert"})
_BOUND_WORDS = frozenset({"static", "const", "volatile", "restrict", "__restrict", "__restrict__"})
_PUNCTUATION = {
    "(": "LPAREN",
    ")": "RPAREN",
    "[": "LBRACKET",
    "]": "RBRACKET",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ";": "SEMI",
    ":": "COLON",
    "*": "TIMES",
    "=": "EQUALS",
    "...": "ELLIPSIS",
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
TYPEOF_PREFIX = "__typeof__ ("


class DeclarationLexer:
    """A lexer that `pycparser.CParser` can be given; after a parse its lists hold what was set aside.

    `folded[n]` is the text of a folded token with the value n; `attributes` are (place among the tokens given out,
    text); `aggregates[place]` is the text of the specifier whose struct, union or enum keyword is the token at that
    place. A token's line is its place. `is_typedef` tells whether the declaration is one.
    """

    def __init__(self, error_func: Callable[[str, int, int], None], *, dialect: Dialect = "legacy") -> None:
        del dialect  # both dialects read alike here
        self._error = error_func
        self.filename = ""
        self.folded: list[str] = []
        self.attributes: list[tuple[int, str]] = []
        self.aggregates: dict[int, str] = {}
        self._stream: Iterator[Token] = iter(())
        self.is_typedef = False

    def input(self, text: str, filename: str = "") -> None:
        """Begin with `text`."""
        self.filename = filename
        self.folded, self.attributes, self.aggregates = [], [], {}
        self._words = TOKEN.findall(text)
        self.is_typedef = "typedef" in self._words[:8]
        self._next = 0
        self._given = 0
        self._stream = self._tokens()

    def token(self) -> Token | None:
        """Return the next token, None at the end."""
        return next(self._stream, None)

    def _make(self, kind: str, value: str) -> Token:
        token = Token(kind, value, self._given, 1, self.filename)
        self._given += 1
        return token

    def _fold(self, words: list[str]) -> Token:
        self.folded.append(" ".join(words))
        return self._make("INT_CONST_DEC", str(len(self.folded) - 1))

    def _balanced(self) -> list[str]:
        """Consume a bracketed group whose opening token comes next; return what stands inside."""
        begin = self._next
        words = self._words
        if begin >= len(words) or words[begin] not in _CLOSERS:
            return []
        depth, position = 0, begin
        while position < len(words):
            word = words[position]
            if word in _CLOSERS:
                depth += 1
            elif word in (")", "]", "}"):
                depth -= 1
                if depth == 0:
                    self._next = position + 1
                    return words[begin + 1 : position]
            position += 1
        self._error(f"'{words[begin]}' is never closed", self._given, 1)
        self._next = len(words)
        return []

    def _until(self, stops: tuple[str, ...]) -> list[str]:
        """Consume up to a word of `stops` outside brackets, leaving that word."""
        begin = position = self._next
        words, depth = self._words, 0
        while position < len(words):
            word = words[position]
            if depth == 0 and word in stops:
                break
            if word in _CLOSERS:
                depth += 1
            elif word in (")", "]", "}"):
                depth -= 1
                if depth < 0:
                    break
            position += 1
        self._next = position
        return words[begin:position]

    def _tokens(self) -> Iterator[Token]:
        words = self._words
        blocks: list[tuple[str, int, int]] = []  # keyword of the aggregate, its place, where its text begins
        last: tuple[str, int, int] = ("", -1, -1)
        while self._next < len(words):
            word = words[self._next]
            word = _SPELLINGS.get(word, word)
            begin = self._next
            self._next += 1
            if word in ("struct", "union", "enum"):
                last = (word, self._given, begin)
                yield self._make(_KEYWORDS[word], word)
            elif (kind := _KEYWORDS.get(word)) is not None:
                yield self._make(kind, word)
            elif word in _ATTRIBUTE:
                self.attributes.append((self._given, " ".join(self._balanced())))
            elif word in _TYPEOF:
                yield self._make("ID", f"{TYPEOF_PREFIX}{' '.join(self._balanced())})")
            elif word in _WITH_ARGUMENT:
                inside = self._balanced()
                if word in ("_Alignas", "alignas"):
                    self.attributes.append((self._given, f"aligned ( {' '.join(inside)} )"))
                elif word.startswith(("asm", "__asm")) and words[self._next : self._next + 1] == ["volatile"]:
                    self._next += 1
            elif word in _DROPPED:
                continue
            elif word in _STATIC_ASSERT:
                self._until((";",))
                self._next += 1
            elif word[0].isalpha() or word[0] in "_$":
                yield self._make("ID", word)
            elif word == "[":
                yield from self._bound()
            elif word == "{":
                blocks.append(last)
                yield self._make("LBRACE", word)
            elif word == "}":
                yield self._make("RBRACE", word)
                if blocks:
                    self._close(*blocks.pop())
            elif word == "=":
                yield self._make("EQUALS", word)
                in_enum = bool(blocks) and blocks[-1][0] == "enum"
                yield self._fold(self._until((",", "}") if in_enum else (",", ";")))
            elif word == ":" and blocks and blocks[-1][0] in ("struct", "union") and not self._is_enum_base():
                yield self._make("COLON", word)
                yield self._fold(self._width())
            elif (kind := _PUNCTUATION.get(word)) is not None:
                yield self._make(kind, word)
            else:
                self._error(f"'{word}' cannot stand in a declaration", self._given, 1)

    def _is_enum_base(self) -> bool:
        """Whether the colon just read begins the underlying type of an enumeration (C23)."""
        ahead = self._words[self._next : self._next + 6]
        return "{" in ahead and ";" not in ahead[: ahead.index("{")] and "," not in ahead[: ahead.index("{")]

    def _width(self) -> list[str]:
        words = self._until((",", ";"))
        if "__attribute__" in words:
            words = words[: words.index("__attribute__")]
        return words

    def _bound(self) -> Iterator[Token]:
        if self._words[self._next : self._next + 1] == ["["]:  # [[attribute]]
            self._next -= 1
            inside = self._balanced()
            self.attributes.append((self._given, " ".join(inside[1:-1])))
            return
        self._next -= 1
        inside = self._balanced()
        while inside and inside[0] in _BOUND_WORDS:
            inside = inside[1:]
        yield self._make("LBRACKET", "[")
        if inside and inside != ["*"]:
            yield self._fold(inside)
        yield self._make("RBRACKET", "]")

    def _close(self, keyword: str, place: int, begin: int) -> None:
        """Keep the whole text of an aggregate specifier, with the attributes that follow its closing brace."""
        end = self._next
        while self._words[end : end + 1] and self._words[end] in _ATTRIBUTE:
            here = self._next
            self._next = end + 1
            text = " ".join(self._balanced())
            self.attributes.append((place, text))
            end = self._next
            self._next = here
        if keyword and place not in self.aggregates:
            self.aggregates[place] = " ".join(self._words[begin:end])
