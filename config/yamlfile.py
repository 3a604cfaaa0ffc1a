"""YAML in which every value is a text and knows its place; only a schema decides what is a number, a time or a yes.

So no trap of YAML 1.1 bites: `NO`, `012`, `1e3`, `12:30`, `2026-01-31` and `on` arrive as they were written. Nothing is
constructed (`!!python/object` is refused like every tag), and size, depth and expanded aliases are bounded.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from config.problems import Place, Problem, visible

#: A key or an index for each step from the top: `("connections", "shop", "webhook_secrets", 0)`.
Steps = tuple[str | int, ...]
#: An empty value (`key:`) is None; everything else that is no mapping and no list is the text as written.
Tree = dict[str, "Tree"] | list["Tree"] | str | None

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 16
#: Aliases count each time they are used: nine lines can stand for a billion values.
MAX_VALUES: Final = 20_000
#: Keys are nodes too.
_MAX_NODES: Final = 2 * MAX_VALUES
#: Words of PyYAML's messages -> what usually helps.
_NEXT_STEPS: Final = {
    "mapping values are not allowed": "put a text with `: ` in it into quotes, and look at the indentation",
    "'\\t' that cannot start": "indent with spaces",
    "that cannot start any token": "put a text that begins with %, @ or ` into quotes",
    "could not find expected ':'": "look for a key without its colon here or in the line above",
    "but got '{'": "put ${...} into quotes where it stands inside [ ] or { }",
    "',' or '}', but got": "put a text with , [ or { in it into quotes where it stands inside { }",
    "found another document": "put the second document into a file of its own",
}
_TAG: Final = ("a tag (!...)", "a plain value", "put a text that begins with ! into quotes")
_PLAIN_TAGS: Final = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def path_text(steps: Steps) -> str:
    """`connections.shop.webhook_secrets[0]`, on one line whatever the keys are."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{visible(step)}" if text else visible(step)
    return text


@dataclasses.dataclass(slots=True)
class Document:
    """What one file holds, and where. `tree` is None for an empty file and for one that cannot be read."""

    file: str
    tree: Tree = None
    keys: dict[Steps, Place] = dataclasses.field(default_factory=dict)
    values: dict[Steps, Place] = dataclasses.field(default_factory=dict)
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def refuse(self, place: Place, steps: Steps, found: str, expected: str = "", next_step: str = "") -> None:
        """Note one problem and go on."""
        self.problems.append(Problem(place, path_text(steps), found, expected, next_step))


def read_yaml(path: Path, file: str) -> Document:
    """Read one file; `file` is how messages name it. Whatever is wrong with it stands in `problems`."""
    document = Document(file)
    text = read_text(path, document)
    return document if text is None else _read(text, document)


def read_yaml_text(text: str, file: str) -> Document:
    """The same for a text that is at hand; what stands in a text already is Unicode, and as long as it is."""
    document = Document(file)
    if is_too_long(text):
        document.refuse(Place(file), (), f"more than {MAX_BYTES // 1024} KiB", "a smaller text")
        return document
    return _read(text, document)


def is_too_long(text: str) -> bool:
    """Whether nothing of this text would be read."""
    return len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES


def _read(text: str, document: Document) -> Document:
    root = _compose(text, document)
    if root is not None:
        try:
            document.tree = _Walk(document).value(root, ())
        except _TooMuch as error:
            document.refuse(_place(document, error.mark), (), error.found, error.expected)
    return document


def read_text(path: Path, document: Document) -> str | None:
    """The file's text, for who reads it later; None where it is no such text, which `document` then says."""
    place = Place(document.file)
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        document.refuse(place, (), f"a file that cannot be read ({error.strerror})", "a readable YAML file")
        return None
    if len(body) > MAX_BYTES:
        document.refuse(
            place, (), f"more than {MAX_BYTES // 1024} KiB", "a smaller file", "split it into several files"
        )
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(document.file, body.count(b"\n", 0, error.start) + 1)
        document.refuse(place, (), f"the byte 0x{body[error.start]:02x}, which is not UTF-8", "a file in UTF-8")
        return None


class _TooMuch(Exception):
    """The file goes over a bound; reading it stops there."""

    def __init__(self, mark: yaml.Mark, found: str, expected: str) -> None:
        super().__init__(found)
        self.mark, self.found, self.expected = mark, found, expected


def _too_deep(mark: yaml.Mark) -> _TooMuch:
    return _TooMuch(mark, "values nested too deep, or an alias inside its own anchor", f"at most {MAX_DEPTH} levels")


def _too_many(mark: yaml.Mark) -> _TooMuch:
    return _TooMuch(mark, "too many values", f"at most {MAX_VALUES} in a file, aliases counted each time")


class _Composer(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the tree of nodes: no constructor, and a resolver to which every scalar is a text."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0
        self._seen = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        self._depth += 1
        self._seen += 1
        if parent is not None and self._depth > MAX_DEPTH:
            raise _too_deep(parent.start_mark)
        if parent is not None and self._seen > _MAX_NODES:
            raise _too_many(parent.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _compose(text: str, document: Document) -> Node | None:
    """The tree of nodes. PyYAML's own messages quote the file, which may hold secrets: only parts of them are used."""
    try:
        return _Composer(text).get_single_node()
    except _TooMuch as error:
        document.refuse(_place(document, error.mark), (), error.found, error.expected)
    except ReaderError as error:
        place = Place(document.file, text.count("\n", 0, error.position) + 1)
        document.refuse(place, (), f"the character U+{ord(text[error.position]):04X}", "a character that YAML allows")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(document, mark) if mark else Place(document.file)
        document.refuse(place, (), *_explained(error))
    return None


def _explained(error: yaml.MarkedYAMLError) -> tuple[str, str, str]:
    """Found, expected, next step."""
    problem = error.problem or "it ends too early"
    if "found undefined alias" in problem:
        return "an alias without an anchor above it", "valid YAML", "put a text that begins with * into quotes"
    if "tag handle" in problem:
        return _TAG
    found = f"no valid YAML ({', '.join(part for part in (error.context, problem) if part)})"
    return found, "", next((step for words, step in _NEXT_STEPS.items() if words in problem), "")


def _place(document: Document, mark: yaml.Mark) -> Place:
    return Place(document.file, mark.line + 1, mark.column + 1)


class _Walk:
    """From nodes to texts, lists and mappings, with the place of each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen = 0

    def value(self, node: Node, steps: Steps) -> Tree:
        place = _place(self._document, node.start_mark)
        self._seen += 1
        # An alias inside its own anchor never ends; the depth of the steps is what stops it.
        if len(steps) > MAX_DEPTH:
            raise _too_deep(node.start_mark)
        if self._seen > MAX_VALUES:
            raise _too_many(node.start_mark)
        self._document.values[steps] = place
        if node.tag not in _PLAIN_TAGS:
            self._document.refuse(
                place, steps, "a tag (!...)", "a plain value", "put a text that begins with ! into quotes"
            )
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, steps)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*steps, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, ScalarNode)
        return None if node.style is None and not node.value else str(node.value)

    def _mapping(self, node: MappingNode, steps: Steps) -> Tree:
        tree: dict[str, Tree] = {}
        for key_node, value_node in node.value:
            place = _place(self._document, key_node.start_mark)
            if not isinstance(key_node, ScalarNode) or key_node.tag not in _PLAIN_TAGS:
                self._document.refuse(place, steps, "a key that is no text", "a name followed by a colon")
                continue
            key, below = str(key_node.value), (*steps, str(key_node.value))
            if key in tree:
                first = self._document.keys[below].line
                self._document.refuse(place, below, f"the same key again (first on line {first})", "each key once")
                continue
            self._document.keys[below] = place
            tree[key] = self.value(value_node, below)
        return tree
