#!/usr/bin/env python3
"""Load for a DNS server with the records that `records` tells: every answer checked, over UDP and over TCP.

A runner asks over UDP or, every fourth of them, over TCP connections on which it asks many times. A datagram that has
no answer within the timeout counts as lost. One line of JSON says what was seen (`corpora/programs/load.py`).
"""

import argparse
import random
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from corpora.programs.load import Silence, Stop, Tally, add_arguments, finish, persevere, run_all

HOSTS = 10
ON_ONE_CONNECTION = 40  # dnsmasq ends one after 100 questions

Question = tuple[str, str]  # name and type


def records() -> Mapping[Question, str]:
    """Return what the server has to answer, as text; what is not there does not exist."""
    found = {}
    for number in range(1, HOSTS + 1):
        name = f"host{number}.test."
        found[name, "A"] = f"10.0.0.{number}"
        found[name, "AAAA"] = f"fd00::{number:x}"
        found[name, "TXT"] = f'"text of host {number}"'
        found[f"{number}.0.0.10.in-addr.arpa.", "PTR"] = name
    return found


class Runner:
    """Asks over UDP, or over TCP, until told to stop."""

    def __init__(self, options: argparse.Namespace, number: int, silence: Silence) -> None:
        self.options = options
        self.silence = silence
        self.tally = Tally()
        self.random = random.Random(options.seed + number)
        self.records = list(records().items())
        self.stream = number % 4 == 3

    async def run(self, stop: Stop) -> None:
        await persevere(self.tally, self.options.reconnect, lambda: self._session(stop))

    async def _session(self, stop: Stop) -> None:
        while not stop(self.tally.requests):
            if self.stream:
                await self._on_connection(stop)
            else:
                await self._ask(None)

    async def _on_connection(self, stop: Stop) -> None:
        backend: Any = dns.asyncbackend.get_default_backend()
        place = self.options.host, self.options.port
        connection = await backend.make_socket(socket.AF_INET, socket.SOCK_STREAM, 0, None, place, self.options.timeout)
        async with connection:
            for _ in range(ON_ONE_CONNECTION):
                if stop(self.tally.requests):
                    return
                await self._ask(connection)

    async def _ask(self, connection: Any) -> None:
        (name, kind), expected = self._question()
        query = dns.message.make_query(name, kind)
        begin = time.monotonic()
        try:
            if connection is None:
                answer = await dns.asyncquery.udp(query, self.options.host, self.options.timeout, self.options.port)
            else:
                answer = await dns.asyncquery.tcp(query, self.options.host, self.options.timeout, sock=connection)
        except dns.exception.Timeout:
            self.tally.lost += 1
            self.tally.note(f"{name} {kind}: no answer")
            return
        except dns.exception.DNSException as problem:
            self.tally.wrong += 1
            self.tally.note(f"{name} {kind}: {problem}")
            return
        self.tally.answered(begin, self.silence)
        if not _is_right(answer, kind, expected):
            self.tally.wrong += 1
            self.tally.note(f"{name} {kind} -> {answer.to_text()[:200]!r}")

    def _question(self) -> tuple[Question, str]:
        if self.random.random() < 0.1:
            return (f"none{self.random.randrange(1000)}.test.", "A"), ""
        return self.random.choice(self.records)


def _is_right(answer: "dns.message.Message", kind: str, expected: str) -> bool:
    if not expected:
        return answer.rcode() == dns.rcode.NXDOMAIN and not answer.answer
    found = [str(item) for rows in answer.answer for item in rows if rows.rdtype == dns.rdatatype.from_text(kind)]
    return answer.rcode() == dns.rcode.NOERROR and found == [expected]


def load(arguments: list[str] | None = None, stop: threading.Event | None = None) -> dict[str, object]:
    """Ask as the arguments say, or until `stop`, and return what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, port=53, connections=8, requests=1000)
    parser.set_defaults(timeout=3.0)
    options = parser.parse_args(arguments)
    silence = Silence()
    runners = [Runner(options, number, silence) for number in range(options.connections)]
    return run_all(options, runners, silence, stop)


if __name__ == "__main__":
    sys.exit(finish(load()))
