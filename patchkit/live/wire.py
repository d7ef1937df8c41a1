"""Messages to and from a runtime, one in each packet. Source: docs/protocol.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PROTOCOL = 1
MOST_BYTES = 65_536  # of one message

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "?")


class Malformed(ValueError):
    """A packet is no message; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """The name of a message and its fields."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a field; raises Malformed where it is missing and there is no default."""
        value = self.fields.get(key, default)
        if value is None:
            raise Malformed(f"`{self.name}` without `{key}`")
        return value

    def number(self, key: str, default: int | None = None) -> int:
        """Return a field that holds a decimal number, not negative; raises Malformed as `text` does."""
        if key not in self.fields and default is not None:
            return default
        value = self.text(key)
        if not value.isascii() or not value.isdigit() or len(value) > 20:
            raise Malformed(f"`{self.name}` with {key}={value!r}, which is no number")
        return int(value)


def encode(message: Message) -> bytes:
    """Return the packet for `message`; raises ValueError for what no packet can hold."""
    parts = [message.name, *(f"{key}={value}" for key, value in message.fields.items())]
    if any("\t" in part or "\n" in part for part in parts):
        raise ValueError("a value holds a tab or a line feed")
    packet = "\t".join(parts).encode()
    if len(packet) > MOST_BYTES:
        raise ValueError(f"a message of {len(packet)} bytes")
    return packet


def decode(packet: bytes) -> Message:
    """Return the message in `packet`; raises Malformed. Control characters, which a terminal would obey, become `?`."""
    try:
        text = packet.decode()
    except UnicodeDecodeError as problem:
        raise Malformed("a packet that is not UTF-8") from problem
    name, *parts = text.removesuffix("\n").split("\t")
    if not name.isascii() or not name.replace("-", "").isalpha():
        raise Malformed(f"a packet that begins with {name[:40]!r}")
    fields: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key or key in fields:
            raise Malformed(f"`{name}` with the field {part[:40]!r}")
        fields[key] = value.translate(_CONTROLS)
    return Message(name, fields)
