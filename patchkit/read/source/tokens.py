"""The tokens of C, for everything that looks at text without parsing it."""

import re

# The most frequent kinds come first, and nothing backtracks: this runs over every byte of the program's own text.
TOKEN = re.compile(
    r"\s*("
    r"[A-Za-z_$][\w$]*+(?!['\"])"
    r"|::|[(){};,\[\]?:~]"
    r"|\.(?![.\d])"
    r"|->|\+\+|--|&&|\|\||<<=|>>=|<<|>>|[<>=!*/%+\-&^|]=|[=*+\-<>!/%&^|]"
    r"|\.?\d(?:[eEpP][+-]|[\w.]|'(?=\w))*+"
    r'|(?:u8|[LuU])?"(?:[^"\\\n]|\\.)*+"'
    r"|(?:u8|[LuU])?'(?:[^'\\\n]|\\.)*+'"
    r"|\.\.\.|[A-Za-z_$][\w$]*|\S)",
    re.S,
)
