"""A connection's settings as they were written: references to secrets stay references, so all of it may be shown."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from config.model import Config
from config.problems import visible
from config.yamlfile import Steps, Tree, path_text, read_yaml

#: Keys whose values are secrets, wherever they stand in a connection.
_SECRETS: Final = frozenset({"key", "secret", "password", "refresh_token", "webhook_secrets"})
_REFERENCE: Final = re.compile(r"\$\{(env|file):[^}]*\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """One setting: its name within the connection, what stands there, and where."""

    name: str
    value: str
    #: `file:line`.
    where: str


def written_settings(config: Config, connection: str) -> list[Written]:
    """Everything that the files say about a connection, in their order; empty when they changed beyond reading.

    Reads the files anew: they are kept nowhere, because what is loaded holds the secrets themselves.
    """
    for path in sorted(config.folder.glob("*.y*ml")):
        document = read_yaml(path, str(path))
        sections = document.tree.get("connections") if isinstance(document.tree, dict) else None
        tree = sections.get(connection) if isinstance(sections, dict) else None
        if isinstance(tree, dict):
            return list(_flat(config, ("connections", connection), tree))
    return []


def _flat(config: Config, steps: Steps, tree: Tree) -> Iterator[Written]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flat(config, (*steps, key), value)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from _flat(config, (*steps, index), value)
    elif tree is not None:
        path = path_text(steps)
        yield Written(path_text(steps[2:]), _shown(steps, str(tree)), config.where(path))


def _shown(steps: Steps, text: str) -> str:
    """A secret is only ever a reference; should a file hold one in clear after all, it is said to be set."""
    if _SECRETS.intersection(map(str, steps[2:])) and not _REFERENCE.fullmatch(text):
        return "set"
    return visible(text)
