"""The Redis protocol (RESP2) as a client speaks it."""

import socket

Reply = bytes | int | None | list["Reply"] | Exception


class ServerError(Exception):
    """An error reply."""


class Connection:
    """One connection, speaking RESP2."""

    def __init__(self, address: str | tuple[str, int], timeout: float) -> None:
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
        else:
            self.socket = socket.socket(socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> Reply:
        """Read one reply; an error reply is returned as a ServerError."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        mark, rest = line[:1], line[1:-2]
        match mark:
            case b"+":
                return rest
            case b"-":
                return ServerError(rest.decode(errors="replace"))
            case b":":
                return int(rest)
            case b"$":
                return self._bulk(int(rest))
            case b"*":
                return None if int(rest) < 0 else [self.receive() for _ in range(int(rest))]
        raise ConnectionError(f"not a reply: {line!r}")

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        data = self.file.read(length + 2)
        if len(data) != length + 2 or not data.endswith(b"\r\n"):
            raise ConnectionError("a bulk reply was cut short")
        return data[:-2]

    def call(self, *words: bytes) -> Reply:
        self.send(encode(words))
        return self.receive()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def encode(words: tuple[bytes, ...]) -> bytes:
    """Return a request as an array of bulk strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
