"""Intrusive lists: which heads link which objects, read off how the running version's code links and finds them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from patchkit.diff.pair import Pair
from patchkit.diff.types import is_foreign
from patchkit.model.ctype import CType, Named, Pointer
from patchkit.model.program import Function, Record
from patchkit.transform.code import Call, Code, Tokens
from patchkit.transform.proposal import Proposal, names, strong, weak

_ADDRESS = re.compile(r"&\s+(.+)")


@dataclass(frozen=True, slots=True)
class Head:
    """A link that stands alone: `subject` is `struct server.clients` or a variable's key, `name` how code calls it."""

    subject: str
    name: str
    node: str


class Lists:
    """Heads and links of the running version's lists, as far as its code shows them."""

    def __init__(self, pair: Pair, code: Code) -> None:
        self._pair = pair
        self._types = pair.old_types
        self._usage = pair.old_usage
        self._code = code

    @cached_property
    def nodes(self) -> frozenset[str]:
        """The keys of records that are nothing but pointers to their like."""
        return frozenset(
            key
            for key, record in self._pair.old.records.items()
            if record.members
            and not is_foreign(record.coord)
            and all(self._leads_to(m.type, key) for m in record.members)
        )

    def _leads_to(self, ctype: CType, key: str) -> bool:
        bare = self._types.bare(ctype)
        target = self._types.bare(bare.target) if isinstance(bare, Pointer) else None
        return isinstance(target, Named) and target.key == key

    def links(self, record: Record) -> Iterator[tuple[str, str]]:
        """Yield the members of a record that are nodes, each with the key of the node."""
        for member in record.members:
            inner = self._types.element(member.type)
            if member.name and isinstance(inner, Named) and inner.key in self.nodes:
                yield member.name, inner.key

    @cached_property
    def linkers(self) -> list[Function]:
        """The functions that reach into a node or mention a head."""
        found: dict[str, Function] = {}
        for record in self._pair.old.records.values():
            for name, _ in self.links(record):
                found.update({f.key: f for f in self._usage.accessors(name)})
        for head in self._variable_heads():
            variable = self._pair.old.variables[head.subject]
            found.update({f.key: f for f in self._usage.mentions(variable)})
        return list(found.values())

    @cached_property
    def found_by_offset(self) -> Mapping[tuple[str, str], list[str]]:
        """The links, by record and member, that objects are found from, and the functions that do so."""
        return self._code.offsets(self.linkers)

    @property
    def all_seen(self) -> bool:
        """Whether every function that links anything could be looked at."""
        return self._usage.bodies_seen and self._code.seen(self.linkers)

    def heads(self, wanted: frozenset[str]) -> Iterator[tuple[Head, tuple[str, ...], Proposal]]:
        """Yield the heads of lists that may link objects of the `wanted` records, the links they may be in, and which.

        A head is a node in a variable, or in a record that no object is found from.
        """
        by_node: dict[str, list[str]] = defaultdict(list)
        for key in sorted(wanted):
            for name, node in self.links(self._pair.old.records[key]):
                by_node[node].append(f"{key}.{name}")
        for head in (*self._member_heads(), *self._variable_heads()):
            links = [link for link in by_node.get(head.node, ()) if not self._is_head(link)]
            if links:
                yield head, tuple(links), self._judge(head, links)

    def found_from_birth(self, key: str) -> str:
        """Say which list every object of a record is linked into where it is made, empty where that is not known."""
        makers = {call.function.name for call in self._code.makers(key)}
        if not makers or not self._code.seen(self._usage.naming_type(key)):
            return ""
        for head, links in self._linked.items():
            for link, users in links.items():
                if link.rpartition(".")[0] == key and makers <= set(users):
                    return f"{names(makers)} links each {key} into {head} as it makes it"
        return ""

    def _is_head(self, link: str) -> bool:
        """Whether a node is no link of an object, because code links other objects to it and never finds its own."""
        key, _, name = link.rpartition(".")
        return self.all_seen and (key, name) not in self.found_by_offset

    def _member_heads(self) -> Iterator[Head]:
        for key, record in self._pair.old.records.items():
            if is_foreign(record.coord):
                continue
            for name, node in self.links(record):
                if (key, name) not in self.found_by_offset and self.all_seen:
                    yield Head(f"{key}.{name}", name, node)

    def _variable_heads(self) -> Iterator[Head]:
        for key, variable in self._pair.old.variables.items():
            inner = self._types.element(variable.type)
            if isinstance(inner, Named) and inner.key in self.nodes and not is_foreign(variable.coord):
                yield Head(key, variable.name, inner.key)

    def _judge(self, head: Head, links: list[str]) -> Proposal:
        linked = self._linked.get(head.subject, {})
        together = {link: users for link, users in linked.items() if link in links}
        others = sorted(set(linked) - set(links))
        if len(together) == 1 and not others:
            link, users = next(iter(together.items()))
            return strong(link, f"{link} is linked into it by {names(users)}, and nothing else is")
        if together:
            return weak(next(iter(together)), f"more than one is linked into it: {names((*together, *others))}")
        if others and self.all_seen:
            return strong("-", f"{names(others)} is what is linked into it")
        return weak("", f"no call was found that links one of {names(links)} into {head.name}")

    @cached_property
    def _linked(self) -> dict[str, dict[str, list[str]]]:
        """By head, the links that are handed to a function together with it, or found from it, and who does so."""
        heads = [*self._member_heads(), *self._variable_heads()]
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for function, body in self._code.look(self.linkers):
            known = self._code.declared(function, body)
            for call in self._code.calls((function,)):
                there = [h for h in heads if any(self._means(a, h, known, function) for a in call.arguments)]
                for link in self._links_in(call, known):
                    for head in there:
                        if head.subject != link:
                            found[head.subject][link].append(function.name)
        for head, link, name in self._walked(heads):
            found[head.subject][link].append(name)
        return found

    def _walked(self, heads: list[Head]) -> Iterator[tuple[Head, str, str]]:
        """Yield the heads that a function mentions as the only one, with the only link that it finds objects from."""
        for function, body in self._code.look(self.linkers):
            offsets = self._code.offsets((function,))
            mentioned = [head for head in heads if self._mentions(body, head, function)]
            if len(offsets) == 1 and len(mentioned) == 1:
                (key, name), *_ = offsets
                if self._pair.old.records[key] and self._node_of(key, name) == mentioned[0].node:
                    yield mentioned[0], f"{key}.{name}", function.name

    def _node_of(self, key: str, name: str) -> str:
        return dict(self.links(self._pair.old.records[key])).get(name, "")

    def _mentions(self, body: Tokens, head: Head, function: Function) -> bool:
        if head.subject in self._pair.old.variables:
            variable = self._pair.old.variables[head.subject]
            return head.name in body and function in self._usage.mentions(variable)
        return any(word == head.name and body[at - 1] in (".", "->") for at, word in enumerate(body) if at)

    def _means(self, argument: str, head: Head, known: Mapping[str, CType], function: Function) -> bool:
        """Whether an argument is the address of a head: `& server . clients`, `& queue`."""
        match = _ADDRESS.fullmatch(argument)
        if match is None:
            return False
        words = match.group(1).split()
        if head.subject in self._pair.old.variables:
            return words == [head.name] and function in self._usage.mentions(self._pair.old.variables[head.subject])
        key, _, name = head.subject.rpartition(".")
        return words[-1] == name and len(words) > 2 and self._code.owner(function, words[:-1], known) == key

    def _links_in(self, call: Call, known: Mapping[str, CType]) -> Iterator[str]:
        """Yield the links whose address is an argument: `& client -> link`."""
        for argument in call.arguments:
            match = _ADDRESS.fullmatch(argument)
            words = match.group(1).split() if match is not None else []
            if len(words) > 2 and words[-2] in (".", "->"):
                key = self._code.owner(call.function, words[:-1], known)
                if key and (key, words[-1]) in self.found_by_offset:
                    yield f"{key}.{words[-1]}"
