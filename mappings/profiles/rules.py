"""Reading rules and scopes: one rule is one small mapping with `to:` and one verb."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from marshmallow import ValidationError

from config.problems import Place, did_you_mean
from config.problems import shown as shown_value
from config.yamlfile import Document, Steps, Tree, path_text
from mappings.canonical.fields import Nested
from mappings.canonical.words import say
from mappings.profiles import canonical
from mappings.profiles.bounds import Failed
from mappings.profiles.engine import compiled
from mappings.profiles.expressions import Expression, ExpressionError, Path, compile_expression
from mappings.profiles.fields import Field, Fields, Typed, UnknownField, flag_word, reasons
from mappings.profiles.model import Concatenate, Constant, Copy, Drop, MapRecords, Rule, Scope, Step, Verb
from mappings.profiles.options import FACTS, MOST_FACTS, WORD, WORD_PATTERN
from mappings.profiles.payloads import Payload, PayloadFields
from mappings.profiles.steps import STEPS

#: Verb -> what it does, for the reference page and the schema.
VERBS: Final[Mapping[str, str]] = {
    "copy": say("Carries what a path selects, as it is; the only way for amounts. Calls no functions."),
    "set": say("What an expression makes, functions included. Not for amounts."),
    "default": say("Like `set`, but only where the field is still empty."),
    "constant": say("Always this text."),
    "concatenate": say("The texts of several expressions, with `with` between them; what is empty is left out."),
    "map": say("One record for each element of a list: `each`, `where`, `rules`."),
    "drop": say("The field becomes empty."),
}
#: What a rule may say beside its verb.
RULE_KEYS: Final[Mapping[str, str]] = {
    "to": say("The field that is written."),
    "when": say("Only if this expression is true: not null, not false, not empty."),
    "then": say("Steps that change the value, one after the other."),
    "with": say("What `concatenate` writes between the texts; a blank if it is not said."),
    "as": say("In a payload: the type that the other system is to get."),
    "note": say("Why; for people."),
}
_MAP_KEYS: Final = ("each", "where", "rules")


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What the rules of one scope write and read."""

    fields: Fields | PayloadFields
    #: The fields of `this`; None in a scope without.
    reads: Fields | None
    #: What expressions begin with.
    roots: tuple[str, ...]
    #: The same for the list of which the scope's records are made.
    outer: tuple[str, ...] = ("source", "order")
    payload: Payload | None = None
    #: The fields of `item`, where it is a canonical record.
    items: Fields | None = None

    def behind(self, root: str) -> Fields | None:
        """The fields under a root; None for JSON of which nothing is known."""
        return {"order": canonical.ORDER, "this": self.reads, "item": self.items}.get(root)


class RuleReader:
    """Reads scopes of one document; what is wrong with them is noted in it."""

    def __init__(self, document: Document) -> None:
        self._document = document

    # --- scopes -------------------------------------------------------------------------------------------------

    def scope(self, tree: Tree, steps: Steps, reading: Reading, keys: Sequence[str]) -> Scope:
        """A list of rules, or a mapping with these keys and `rules`."""
        place, name = self._document.values[steps], str(steps[-1])
        if isinstance(tree, list):
            if "each" in keys:
                self._refuse(steps, say("a list of rules"), say("a mapping with each and rules"))
            return Scope(name, place, self._rules(tree, steps, reading))
        if not isinstance(tree, dict) or not keys:
            self._refuse(steps, shown_value(tree), say("a list of rules"))
            return Scope(name, place, ())
        known = (*keys, "rules")
        self._known_keys(tree, steps, known)
        outer = dataclasses.replace(reading, roots=reading.outer, reads=None)
        # Elements are chosen before there is a record; of a base mapping the records are there already.
        chosen = dataclasses.replace(reading, roots=(*reading.outer, "item"), reads=None)
        inner = chosen if "each" in keys else reading
        source = next((key for key in ("each", "from") if key in keys), "")
        each = self._expression(tree.get(source), (*steps, source), outer) if source in tree else None
        if "each" in keys and "each" not in tree:
            self._refuse(steps, say("no `each`"), say("the list of which records are made, such as source.items"))
        where = self._expression(tree["where"], (*steps, "where"), inner) if "where" in tree else None
        rules = tree.get("rules")
        if rules is not None and not isinstance(rules, list):
            self._refuse((*steps, "rules"), shown_value(rules), say("a list of rules"))
            rules = None
        return Scope(name, place, self._rules(rules or [], (*steps, "rules"), reading), each, where)

    def _rules(self, items: Sequence[Tree], steps: Steps, reading: Reading) -> tuple[Rule, ...]:
        read = (self._rule(item, (*steps, index), reading) for index, item in enumerate(items))
        return tuple(rule for rule in read if rule is not None)

    # --- one rule -----------------------------------------------------------------------------------------------

    def _rule(self, tree: Tree, steps: Steps, reading: Reading) -> Rule | None:
        if not isinstance(tree, dict):
            self._refuse(steps, shown_value(tree), say("a rule: `to` and one of %(verbs)s", verbs=", ".join(VERBS)))
            return None
        before = len(self._document.problems)
        self._known_keys(tree, steps, (*VERBS, *RULE_KEYS))
        field, word = self._field(tree, steps, reading), self._word(tree, steps)
        written_as = self._written_as(tree, steps, reading)
        if field is not None and written_as and reading.payload:
            field = dataclasses.replace(field, kind="typed", checked_by=Typed(reading.payload.types[written_as]))
        when = self._expression(tree["when"], (*steps, "when"), reading) if "when" in tree else None
        then = self._steps(tree.get("then"), (*steps, "then"), reading)
        if field is None or not word:
            return None
        verb = self._verb(word, tree, steps, reading, field)
        if verb is None or len(self._document.problems) > before:
            return None
        place = self._document.values[steps]
        rule = Rule(place, path_text(steps), field, word, verb, when, then, written_as)
        self._check(rule, steps, reading)
        return dataclasses.replace(rule, run=compiled(rule))

    def _field(self, tree: Mapping[str, Tree], steps: Steps, reading: Reading) -> Field | None:
        to = tree.get("to")
        if not isinstance(to, str):
            self._refuse((*steps, "to"), shown_value(to), say("the name of a field"))
            return None
        try:
            return reading.fields.find(to)
        except UnknownField as error:
            self._refuse((*steps, "to"), error.found, error.expected, error.next_step)
            return None

    def _word(self, tree: Mapping[str, Tree], steps: Steps) -> str:
        words = [word for word in VERBS if word in tree]
        if len(words) == 1:
            return words[0]
        found = say("the verbs %(words)s", words=", ".join(words)) if words else say("no verb")
        self._refuse(steps, found, say("one of %(words)s", words=", ".join(VERBS)))
        return ""

    def _verb(self, word: str, tree: Mapping[str, Tree], steps: Steps, reading: Reading, field: Field) -> Verb | None:
        value, below = tree[word], (*steps, word)
        if word in {"copy", "set", "default"}:
            expression = self._expression(value, below, reading)
            return None if expression is None else Copy(expression, only_if_empty=word == "default")
        if word == "constant":
            return self._constant(value, below, field)
        if word == "concatenate":
            return self._concatenate(value, tree, steps, reading)
        if word == "map":
            return self._map(value, below, reading, field)
        if value not in {"yes", "true"}:
            self._refuse(below, shown_value(value), say("`drop: yes`"))
        if not field.droppable:
            self._refuse(
                below,
                say("`drop` of %(field)s", field=field.path),
                say("a field that may be empty"),
                say("give it a value instead"),
            )
            return None
        return Drop()

    def _constant(self, value: Tree, steps: Steps, field: Field) -> Constant | None:
        if not isinstance(value, str):
            self._refuse(steps, shown_value(value), say("a text"), say('write "" for the empty text'))
            return None
        try:
            return Constant(field.read(flag_word(value) if field.kind == "flag" else value))
        except (ValidationError, Failed) as error:
            reason = reasons(error) if isinstance(error, ValidationError) else str(error.args[0])
            self._refuse(steps, shown_value(value), reason.rpartition("expected ")[2])
            return None

    def _concatenate(self, value: Tree, tree: Mapping[str, Tree], steps: Steps, reading: Reading) -> Concatenate | None:
        below, between = (*steps, "concatenate"), tree.get("with", " ")
        if not isinstance(value, list) or not value:
            self._refuse(below, shown_value(value), say("a list of expressions"))
            return None
        parts = [self._expression(part, (*below, index), reading) for index, part in enumerate(value)]
        if not isinstance(between, str):
            self._refuse((*steps, "with"), shown_value(between), say("a text"))
            return None
        return Concatenate(tuple(part for part in parts if part is not None), between)

    def _map(self, value: Tree, steps: Steps, reading: Reading, field: Field) -> MapRecords | None:
        schema = field.checked_by.schema if isinstance(field.checked_by, Nested) else None
        if schema is None:
            self._refuse(
                steps,
                say("`map` for %(field)s", field=field.path),
                say("a field that is a list of records"),
                say("select a list of values by `copy`"),
            )
            return None
        fields = Fields(schema, refused={})
        outer = tuple(root for root in reading.roots if root != "this")
        inner = Reading(fields, fields, tuple(dict.fromkeys((*outer, "item", "parent", "this"))), outer)
        return MapRecords(self.scope(value, steps, inner, _MAP_KEYS[:2]))

    def _written_as(self, tree: Mapping[str, Tree], steps: Steps, reading: Reading) -> str:
        written_as = tree.get("as")
        if written_as is None:
            return ""
        known = reading.payload.types if reading.payload else ()
        if isinstance(written_as, str) and written_as in known:
            return written_as
        expected = say("one of %(words)s", words=", ".join(known)) if known else say("no `as`: the field has its type")
        self._refuse((*steps, "as"), shown_value(written_as), expected)
        return ""

    # --- steps --------------------------------------------------------------------------------------------------

    def _steps(self, tree: Tree, steps: Steps, reading: Reading) -> tuple[Step, ...]:
        if tree is None:
            return ()
        items = tree if isinstance(tree, list) else [tree]
        below = [(*steps, index) if isinstance(tree, list) else steps for index in range(len(items))]
        read = (self._step(item, place, reading) for item, place in zip(items, below, strict=True))
        return tuple(step for step in read if step is not None)

    def _step(self, tree: Tree, steps: Steps, reading: Reading) -> Step | None:
        """A name alone, or a name with its options."""
        name, given = self._named(tree)
        if name not in STEPS:
            expected = say("one step: %(names)s", names=", ".join(STEPS))
            self._refuse(steps, shown_value(name or tree), expected, did_you_mean(name, STEPS))
            return None
        kind, below = STEPS[name], steps if isinstance(tree, str) else (*steps, name)
        bare = given is not None and not isinstance(given, dict) and bool(kind.bare)
        if bare:
            given = {kind.bare: given}
        if given is not None and not isinstance(given, dict):
            keys = say("a mapping with %(keys)s", keys=", ".join(kind.options)) if kind.options else say("nothing")
            self._refuse(below, shown_value(given), keys)
            return None
        options = self._options(given or {}, below, name, None if bare else reading)
        return None if options is None else Step(name, self._document.values[steps], options, kind.make(options))

    @staticmethod
    def _named(tree: Tree) -> tuple[str, Tree]:
        if isinstance(tree, str):
            return tree, None
        return next(iter(tree.items())) if isinstance(tree, dict) and len(tree) == 1 else ("", None)

    def _options(
        self, given: Mapping[str, Tree], steps: Steps, name: str, reading: Reading | None
    ) -> dict[str, Any] | None:
        # Without `reading` one option stands for the whole step, and is no expression.
        known, before = STEPS[name].options, len(self._document.problems)
        if reading:
            self._known_keys(given, steps, tuple(known))
        options = {key: option.default for key, option in known.items()}
        for key, option in known.items():
            if key in given and option.kind is FACTS and reading:
                options[key] = self._facts(given[key], (*steps, key), reading)
            elif key in given:
                try:
                    options[key] = option.kind.read(given[key])
                except ValueError:
                    below = (*steps, key) if reading else steps
                    self._refuse(below, shown_value(given[key]), option.kind.expected)
            elif option.required:
                self._refuse(steps, say("no `%(key)s`", key=key), option.kind.expected, option.meaning)
        if name == "replace" and bool(options["any"]) == bool(options["text"]):
            self._refuse(steps, say("`text` and `any` together, or neither"), say("one of them"))
        return options if len(self._document.problems) == before else None

    def _facts(self, tree: Tree, steps: Steps, reading: Reading) -> dict[str, Expression]:
        """What a look-up is told beside its value, by name."""
        if not isinstance(tree, dict) or not 0 < len(tree) <= MOST_FACTS:
            self._refuse(steps, shown_value(tree), say("1 to %(most)s names with expressions", most=MOST_FACTS))
            return {}
        found: dict[str, Expression] = {}
        for name, value in tree.items():
            if not WORD_PATTERN.fullmatch(name):
                self._refuse((*steps, name), shown_value(name), WORD.expected)
            if (expression := self._expression(value, (*steps, name), reading)) is None:
                continue
            found[name] = expression
            if expression.plain and _kind_read(expression.paths[0], reading) in {"texts", "records"}:
                self._refuse((*steps, name), shown_value(expression.text), say("one value, not a list"))
        return found

    # --- expressions and kinds ----------------------------------------------------------------------------------

    def _expression(self, tree: Tree, steps: Steps, reading: Reading) -> Expression | None:
        if not isinstance(tree, str):
            self._refuse(steps, shown_value(tree), say("an expression such as source.billing.company"))
            return None
        try:
            expression = compile_expression(tree)
        except ExpressionError as error:
            self._refuse(steps, error.found, error.expected, error.next_step)
            return None
        for path in expression.paths:
            self._check_path(path, steps, reading)
        return expression

    def _check_path(self, path: Path, steps: Steps, reading: Reading) -> None:
        root, names = path[0], path[1:]
        if root not in reading.roots:
            expected = say("a path that begins with %(roots)s", roots=", ".join(reading.roots))
            self._refuse(steps, shown_value(".".join(path)), expected, did_you_mean(root, reading.roots))
            return
        fields = reading.behind(root)
        if fields is None:
            return
        if not names:
            self._refuse(
                steps,
                shown_value(root),
                say("one of its fields, such as %(root)s.%(name)s", root=root, name=next(iter(fields)).path),
            )
        elif fields.kind_of(names) is None:
            known = [field.path for field in fields]
            hint = did_you_mean(".".join(names), known, prefix=f"{root}.") or say(
                "see the list of fields in docs/profiles.md"
            )
            self._refuse(steps, shown_value(".".join(path)), say("a field of the canonical record"), hint)

    def _check(self, rule: Rule, steps: Steps, reading: Reading) -> None:
        """What the kinds forbid: computing with money, above all."""
        verb, word = rule.verb, rule.word
        if isinstance(verb, Copy):
            if word == "copy" and not verb.value.selects:
                self._refuse(
                    (*steps, word),
                    shown_value(verb.value.text),
                    say("a path, without functions and literals"),
                    say("use `set` for what is computed"),
                )
            kinds = {_kind_read(path, reading) for path in verb.value.paths}
            if "money" in kinds and any(not STEPS[step.name].carries for step in rule.steps):
                self._refuse(
                    (*steps, "then"), say("a step that changes an amount"), say("no step but trim and amount"), _CARRIED
                )
        if rule.field.kind == "money":
            self._check_money(rule, steps, reading)

    def _check_money(self, rule: Rule, steps: Steps, reading: Reading) -> None:
        verb, word = rule.verb, rule.word
        if word in {"set", "concatenate"} or (isinstance(verb, Copy) and not verb.value.selects):
            self._refuse((*steps, word), say("`%(word)s` for an amount", word=word), say("copy or constant"), _CARRIED)
        elif isinstance(verb, Copy):
            for path in verb.value.paths:
                if path[0] in {"order", "this"} and not (verb.value.plain and _kind_read(path, reading) == "money"):
                    self._refuse(
                        (*steps, word),
                        shown_value(verb.value.text),
                        say("an amount of the source, or an amount field"),
                        _CARRIED,
                    )
        for step in rule.steps:
            if not STEPS[step.name].carries:
                self._refuse(
                    (*steps, "then"),
                    say("the step %(name)s for an amount", name=step.name),
                    say("trim or amount"),
                    _CARRIED,
                )

    # --- small things -------------------------------------------------------------------------------------------

    def _known_keys(self, tree: Mapping[str, Tree], steps: Steps, known: Sequence[str]) -> None:
        for key in tree:
            if key not in known:
                expected = say("one of %(keys)s", keys=", ".join(known))
                self._document.refuse(
                    self._document.keys[*steps, key],
                    (*steps, key),
                    say("an unknown key"),
                    expected,
                    did_you_mean(key, known),
                )

    def _refuse(self, steps: Steps, found: str, expected: str = "", next_step: str = "") -> None:
        self._document.refuse(self._place(steps), steps, found, expected, next_step)

    def _place(self, steps: Steps) -> Place:
        document = self._document
        while steps not in document.values and steps not in document.keys and steps:
            steps = steps[:-1]
        return document.values[steps] if steps in document.values else document.keys[steps]


_CARRIED: Final = say("money is carried, never computed: copy the amount that the source states")


def _kind_read(path: Path, reading: Reading) -> str | None:
    fields = reading.behind(path[0])
    return None if fields is None or len(path) == 1 else fields.kind_of(path[1:])
