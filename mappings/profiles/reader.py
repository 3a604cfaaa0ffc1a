"""From a profile's text to the profile, or to everything that is wrong with it, each with file, line and column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Final

from config.problems import ConfigError, Place, did_you_mean
from config.problems import shown as shown_value
from config.yamlfile import Document, Steps, Tree, read_yaml_text
from mappings.canonical.words import say
from mappings.profiles.bases import BASES
from mappings.profiles.bounds import MAX_RULES
from mappings.profiles.canonical import SCOPES
from mappings.profiles.model import NONE, Profile, Scope, rules_of
from mappings.profiles.options import WORD_PATTERN
from mappings.profiles.payloads import ERPS, SHOPS, Payload
from mappings.profiles.required import missing_fields
from mappings.profiles.rules import Reading, RuleReader

SECTIONS: Final = ("profile", "extends", "description", "source", "erp", "shop")
#: Keys of a scope that has more than rules.
SCOPE_KEYS: Final = ("each", "from", "where", "rules")


class ProfileError(ConfigError):
    """A text that is no profile; `problems` holds all that is wrong with it."""


def read_profile(text: str, file: str) -> Profile:
    """The profile. `file` is how messages name it. Raises ProfileError with all problems."""
    document = read_yaml_text(text, file)
    profile = None
    if document.tree is not None and not document.problems:
        profile = _ProfileReader(document).profile()
    elif not document.problems:
        document.refuse(_start(document), (), say("nothing"), say("a profile"))
    if document.problems or profile is None:
        raise ProfileError(document.problems)
    return profile


def _start(document: Document) -> Place:
    return Place(document.file, 1, 1)


class _ProfileReader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._rules = RuleReader(document)

    def profile(self) -> Profile | None:
        """The profile; None, or one with gaps, where there are problems."""
        tree = self._mapping(self._document.tree, (), SECTIONS)
        name, extends = self._name(tree), self._extends(tree)
        source = self._source(tree.get("source"), whole=extends == NONE)
        erp = self._systems(tree.get("erp"), "erp", ERPS)
        shop = self._systems(tree.get("shop"), "shop", SHOPS)
        profile = Profile(name, extends, source, erp, shop, _digest(self._document.tree), self._document.file)
        self._check_whole(profile)
        return profile

    # --- the top ------------------------------------------------------------------------------------------------

    def _name(self, tree: Mapping[str, Tree]) -> str:
        name = tree.get("profile")
        if isinstance(name, str) and WORD_PATTERN.fullmatch(name.replace("-", "_")):
            return name
        self._refuse(("profile",), shown_value(name), say("a name such as nordwind-shop"))
        return ""

    def _extends(self, tree: Mapping[str, Tree]) -> str:
        known, extends = (*BASES, NONE), tree.get("extends")
        if isinstance(extends, str) and extends in known:
            return extends
        self._refuse(
            ("extends",),
            shown_value(extends),
            say("one of %(words)s", words=", ".join(known)),
            did_you_mean(extends, known) if isinstance(extends, str) else "",
        )
        return NONE

    def _check_whole(self, profile: Profile) -> None:
        count = sum(1 for _, scope in profile.scopes() for _ in rules_of(scope))
        if count > MAX_RULES:
            self._refuse((), say("%(count)s rules", count=count), say("at most %(most)s", most=MAX_RULES))
        if profile.whole and not self._document.problems:
            for place, found, expected, next_step in missing_fields(profile):
                self._document.refuse(place, ("source",), found, expected, next_step)

    # --- sections -----------------------------------------------------------------------------------------------

    def _source(self, tree: Tree, *, whole: bool) -> dict[str, Scope]:
        scopes: dict[str, Scope] = {}
        for name, below in self._mapping(tree, ("source",), SCOPES).items():
            kind = SCOPES[name]
            reading = Reading(
                fields=kind.fields(whole=whole),
                reads=kind.whole if name != "order" else None,
                roots=("source", "order") if name == "order" else ("source", "order", "item", "this"),
            )
            keys = _keys_of(name, whole=whole)
            scopes[name] = self._rules.scope(below, ("source", name), reading, keys)
        return scopes

    def _systems(
        self, tree: Tree, section: str, known: Mapping[str, Mapping[str, Payload]]
    ) -> dict[str, dict[str, Scope]]:
        found: dict[str, dict[str, Scope]] = {}
        for system, below in self._mapping(tree, (section,), known).items():
            scopes = found[system] = {}
            for name, rules in self._mapping(below, (section, system), known[system]).items():
                payload = known[system][name]
                items = SCOPES["lines"].whole if section == "erp" and name == "lines" else None
                reading = Reading(payload.fields, None, payload.roots, payload=payload, items=items)
                scopes[name] = self._rules.scope(rules, (section, system, name), reading, ())
        return found

    def _mapping(self, tree: Tree, steps: Steps, known: Collection[str]) -> dict[str, Tree]:
        if tree is None and steps:
            return {}
        if not isinstance(tree, dict):
            self._refuse(steps, shown_value(tree), say("a mapping with %(keys)s", keys=", ".join(known)))
            return {}
        for key in [key for key in tree if key not in known]:
            place = self._document.keys[*steps, key]
            expected = say("one of %(keys)s", keys=", ".join(known))
            self._document.refuse(place, (*steps, key), say("an unknown key"), expected, did_you_mean(key, known))
        return {key: tree[key] for key in known if key in tree}

    def _refuse(self, steps: Steps, found: str, expected: str, next_step: str = "") -> None:
        document = self._document
        place = document.values.get(steps) or document.keys.get(steps) or document.values.get((), _start(document))
        document.refuse(place, steps, found, expected, next_step)


def _keys_of(scope: str, *, whole: bool) -> tuple[str, ...]:
    """What a scope may say beside its rules."""
    if scope == "order":
        return ()
    if not SCOPES[scope].many:
        return ("from",) if whole else ()
    return ("each", "where") if whole else ("where",)


def _digest(tree: Tree) -> str:
    """Of what is said; comments, layout and the order of keys say nothing, the order of rules does."""
    return hashlib.sha256(
        json.dumps(tree, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ).hexdigest()
