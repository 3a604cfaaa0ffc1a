"""Just enough GraphQL to answer a client: the operation, its fragments, and what of a record was asked for.

A field that a record does not have is an error, as in the real shop; types are not known here (the tests hold the
queries against the vendor's schema).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

Json = dict[str, Any]
_TOKEN: Final = re.compile(r'\.\.\.|"(?:[^"\\]|\\.)*"|[_A-Za-z][_0-9A-Za-z]*|-?[0-9]+(?:\.[0-9]+)?|[{}()\[\]:$!=@|]')
_IGNORED: Final = re.compile(r"(?:[\s,]|#[^\n]*)+")
_LITERALS: Final = {"true": True, "false": False, "null": None}


class GraphQLError(Exception):
    """The document cannot be answered; `code` as Shopify would have it."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field that was asked for."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    selection: tuple[Any, ...]
    #: Directive -> its arguments: `@idempotent(key: ...)`.
    directives: Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """`...Name`, or `... on Type {}`."""

    fragment: str
    type: str
    selection: tuple[Any, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """What was sent, with the variables put in."""

    kind: str
    fields: tuple[Field, ...]
    fragments: Mapping[str, tuple[str, tuple[Any, ...]]]


def parse(text: str, variables: Mapping[str, Any]) -> Document:
    """Raises GraphQLError for what is no document."""
    return _Parser(text, variables).document()


class _Parser:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens, self._at, self._variables = list(_tokens(text)), 0, variables

    def document(self) -> Document:
        kind, fields, fragments = "", (), {}
        while self._at < len(self._tokens):
            word = self._take()
            if word == "fragment":
                name, _on, on = self._take(), self._take("on"), self._take()
                fragments[name] = (on, self._selection())
            elif word in {"query", "mutation"}:
                kind = word
                while self._peek() not in {"{", "("}:
                    self._take()
                if self._peek() == "(":
                    self._skip()
                fields = self._selection()
            else:
                raise GraphQLError(f"syntax error, unexpected {word!r}")
        return Document(kind, fields, fragments)

    def _skip(self) -> None:
        """The declarations of variables."""
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(self._take(), 0)
            if depth == 0:
                return

    def _selection(self) -> tuple[Any, ...]:
        if self._peek() != "{":
            return ()
        self._take("{")
        found: list[Any] = []
        while self._peek() != "}":
            found.append(self._spread() if self._peek() == "..." else self._field())
        self._take("}")
        return tuple(found)

    def _spread(self) -> Spread:
        self._take("...")
        if self._peek() == "on":
            self._take()
            return Spread("", self._take(), self._selection())
        return Spread(self._take(), "", ())

    def _field(self) -> Field:
        name = alias = self._take()
        if self._peek() == ":":
            self._take()
            name = self._take()
        arguments = self._arguments()
        directives: dict[str, Mapping[str, Any]] = {}
        while self._peek() == "@":
            self._take()
            directive = self._take()
            directives[directive] = self._arguments()
        return Field(name, alias, arguments, self._selection(), directives)

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._peek() == "(":
            self._take()
            while self._peek() != ")":
                name = self._take()
                self._take(":")
                found[name] = self._value()
            self._take(")")
        return found

    def _value(self) -> Any:
        word = self._take()
        if word == "$":
            return self._variables.get(self._take())
        if word == "{":
            found: Json = {}
            while self._peek() != "}":
                name = self._take()
                self._take(":")
                found[name] = self._value()
            self._take("}")
            return found
        if word == "[":
            values: list[Any] = []
            while self._peek() != "]":
                values.append(self._value())
            self._take("]")
            return values
        if word.startswith('"'):
            return word[1:-1]
        return _LITERALS[word] if word in _LITERALS else int(word) if word.isdigit() else word

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        word = self._peek()
        if not word or (wanted and word != wanted):
            raise GraphQLError(f"syntax error, expected {wanted or 'more'}, found {word or 'the end'}")
        self._at += 1
        return word


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text):
        if skipped := _IGNORED.match(text, at):
            at = skipped.end()
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            raise GraphQLError(f"syntax error, unexpected {text[at]!r}")
        found.append(token[0])
        at = token.end()
    return found


#: A field with arguments of its own inside of a record: `(record, field) -> value`.
Resolver = Callable[[Json, Field], Any]


def project(value: Any, selection: tuple[Any, ...], document: Document, resolve: Resolver) -> Any:
    """What of the record was asked for. Raises GraphQLError for a field that it does not have."""
    if isinstance(value, list):
        return [project(entry, selection, document, resolve) for entry in value]
    if not isinstance(value, dict) or not selection:
        return value
    found: Json = {}
    for wanted in selection:
        if isinstance(wanted, Spread):
            on, inner = document.fragments[wanted.fragment] if wanted.fragment else (wanted.type, wanted.selection)
            if on in {value.get("__typename"), None} or "__typename" not in value:
                found |= project(value, inner, document, resolve)
            continue
        if wanted.name not in value:
            raise GraphQLError(f"Field '{wanted.name}' doesn't exist on type", "undefinedField")
        child = resolve(value, wanted)
        found[wanted.alias] = project(child, wanted.selection, document, resolve)
    return found


def cost_of(selection: tuple[Any, ...], document: Document) -> int:
    """About what Shopify takes: a point an object, and for a list a little more with each doubling of its length."""
    total = 0
    for wanted in selection:
        if isinstance(wanted, Spread):
            inner = document.fragments[wanted.fragment][1] if wanted.fragment else wanted.selection
            total += cost_of(inner, document)
        elif wanted.selection:
            first = wanted.arguments.get("first", len(wanted.arguments.get("ids", ())))
            size = int(first).bit_length() if isinstance(first, int) and first else 0
            total += 1 + size * 2 + (cost_of(wanted.selection, document) if wanted.name != "nodes" or not size else 2)
    return total
