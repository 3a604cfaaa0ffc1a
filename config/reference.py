"""Writes docs/configuration.md from what the loader itself uses: `python -m config.reference`.

A test compares the page with `page()`, so it cannot fall behind the schemas.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from marshmallow import Schema

from config import schemas
from config.fields import ConfigField, ListOf, MapOf
from config.model import (
    DEFAULT_OWNERS,
    DEFAULT_RULES,
    DEFAULT_STATUS,
    SALE_STATES,
    AfterImport,
    AlertChannel,
    Auth,
    Channel,
    Connection,
    CrmPolicy,
    Policies,
    Routing,
    RoutingRule,
    Schedules,
    Secret,
    StockPolicy,
    Watch,
)
from config.variables import PREFIX, VARIABLES

PAGE: Final = Path(__file__).parent.parent / "docs" / "configuration.md"

#: Verify rule -> what makes it speak up.
RULES: Final[Mapping[str, str]] = {
    "totals": "Lines, shipping, fees and tax differ from the shop's total by more than `totals_threshold`.",
    "duplicate_order": "The same customer ordered the same lines at the same total within `duplicate_window_min`.",
    "unknown_sku": "A line's SKU is empty or not known in the ERP.",
    "unit": "A quantity does not fit the unit of the product in the ERP (half a piece).",
    "price": "A line's price differs from the ERP's list price by more than `price_tolerance`.",
    "tax": "The tax of a line is not the one that the ERP has for it.",
    "payment_method": "The payment method has no row in the look-up table.",
    "address": "Name, street, town or country is missing, or the ERP does not know the country.",
    "test_order": "The shop marks the order as a test.",
    "value_limit": "The total is above the `value_limits` of its currency: a person approves or rejects the order.",
}

_INTRO: Final = f"""\
<!-- Written by `python -m config.reference`; change the schemas, not this page. -->

# Configuration

Two things tell Crossdock what to do: the **environment** of its processes says where things are on this machine, and
the YAML files of the **configuration folder** say what is connected and how. `config/example/crossdock.yaml` is a
whole configuration to copy from. Everything is checked at the start, and all problems are shown at once, each with its
place, what was found, what was expected and what to do:

```
config/local/shop.yaml:4:5: connections.shop.ulr: found an unknown key, expected one of system, url, ...;
did you mean 'url'?
```

## Environment

A variable that is set but empty counts as not set. Those marked * may hold a password: they are never shown, and a file
with the value can be named instead by the same name with `_FILE` behind it. Names that begin with `{PREFIX}` and nearly
match one of these are refused, so that a slip of the pen does not end in an empty database.
"""

_FOLDER: Final = """\
## The configuration folder

All `*.yaml` and `*.yml` files of the folder (not of folders in it) are read as one; each has one or more of the keys
`connections`, `channels`, `policies`, `schedules` and `alerts`. The same name twice is an error.

- **Every value is text until its key says otherwise.** `NO`, `012`, `1e3`, `2026-01-31`, `12:30` and `on` stay as they
  are written; numbers are written plainly (`10`, `2.5`), times like `90`, `90s`, `5m`, `6h` or `1d`.
- **Secrets come from outside.** `${env:NAME}` is a variable of the environment, `${file:PATH}` a file (a relative path
  starts at the configuration folder; line ends behind the text are dropped). A secret written into a file is refused.
  Both work in other texts too, also in the middle; `$${` stands for the two characters themselves. Inside `[ ]` and
  `{ }` YAML wants quotes around them: `["${env:NAME}"]`.
- **A key that is left empty counts as left out.** Unknown keys are errors.
- YAML anchors and aliases work; tags (`!...`) and merge keys (`<<`) do not. To share values, use `extends`.
"""

_STATUS: Final = """\
### Status policy

What happens to an order that the ERP does not have yet, by its state and payment state in the shop: `import` it, let it
`wait`, `skip` it, or treat it as cancelled (`cancel`). A key is `STATE/PAYMENT`, `STATE` or `*/PAYMENT`, and counts in
this order. The channel's own keys are laid over the defaults below; a key for a whole `STATE` or `*/PAYMENT` takes the
place of the narrower defaults under it, except that an order whose money went back is only imported by a key that
names `refunded`.
"""


def page() -> str:
    """The whole page."""
    parts = [_INTRO, _environment(), _FOLDER]
    parts += _section("connections", schemas.ConnectionSection(), Connection)
    parts += ["### auth", "", "Below `auth` of a connection.", "", _fields(schemas.AuthSection(), Auth)]
    parts += _section("channels", schemas.ChannelSection(), Channel)
    parts += ["### after_import", "", "Below `after_import` of a channel; docs/way-back.md explains it.", ""]
    parts += [_fields(schemas.AfterImportSection(), AfterImport), _OWNERS]
    parts += [_table(("Field", "Owner"), ((f"`{field}`", str(owner)) for field, owner in DEFAULT_OWNERS.items()))]
    parts += [_STATE_BACK.format(states=", ".join(f"`{state}`" for state in SALE_STATES))]
    parts += ["### stock", "", "Below `stock` of a channel; docs/stock.md explains it.", ""]
    parts += [_fields(schemas.StockSection(), StockPolicy)]
    parts += ["### routing", "", "Below `routing` of a channel; docs/routing.md explains it.", ""]
    parts += [_fields(schemas.RoutingSection(), Routing)]
    parts += ["### rules", "", "Below `rules` of `routing`, each item.", ""]
    parts += [_fields(schemas.RoutingRuleSection(), RoutingRule)]
    parts += ["### crm", "", "Below `crm` of a channel; docs/crm.md explains it.", ""]
    parts += [_fields(schemas.CrmSection(), CrmPolicy)]
    parts += ["### watch", "", "Below `watch` of a channel; docs/alerts.md explains it.", ""]
    parts += [_fields(schemas.WatchSection(), Watch)]
    parts += _section("policies", schemas.PoliciesSection(), Policies)
    parts += [_EXTENDS.format(section="policies"), _STATUS]
    parts += [_table(("State", "Action"), ((f"`{key}`", str(action)) for key, action in DEFAULT_STATUS.items()))]
    parts += ["### Verify rules", ""]
    parts += [_table(("Rule", "Default", "Speaks up when"), _rules())]
    parts += _section("schedules", schemas.SchedulesSection(), Schedules)
    parts += [_EXTENDS.format(section="schedules")]
    parts += _section("alerts", schemas.AlertSection(), AlertChannel)
    return "\n".join(parts).rstrip() + "\n"


_OWNERS: Final = """\
### Whose word counts

Whose word counts for a field of a sale that was changed in the shop after the import. What the ERP's people changed
meanwhile is never overwritten without a word: where both changed it and the field is the `shop`'s, a person is asked.
"""

_STATE_BACK: Final = """\
### States on the way back

How a sale may stand in the ERP: {states}. What the shop's order becomes then is said in the words of its system, and
so is what a silent channel tells it: [the way back](way-back.md#states) has both for each. A word that the system does
not have is refused.
"""

_EXTENDS: Final = """\
Below a channel, `{section}` is either a mapping with these keys, or the name of a top-level entry, or a mapping with
`extends: NAME`, which is laid over that entry.
"""


def _rules() -> Iterator[tuple[str, str, str]]:
    for rule, mode in DEFAULT_RULES.items():
        yield f"`{rule}`", str(mode), RULES[rule]


def _environment() -> str:
    rows = []
    for variable in VARIABLES:
        default = variable.default_shown or f"`{variable.default}`"
        default = default.replace("{state}", "<state folder>")
        example = variable.example if "`" in variable.example else f"`{variable.example}`"
        rows.append((f"`{variable.name}`" + " *" * variable.secret, variable.description, default, example))
    return _table(("Variable", "Meaning", "Default", "Example"), rows)


def _section(name: str, schema: Schema, model: type) -> list[str]:
    return [f"## {name}", "", schemas.SECTIONS[name].metadata["description"], "", _fields(schema, model)]


def _fields(schema: Schema, model: type) -> str:
    defaults = {field.name: field for field in dataclasses.fields(model)}
    rows = []
    for name, field in schema.fields.items():
        assert isinstance(field, ConfigField)
        example = field.metadata["example"]
        rows.append(
            (
                f"`{name}`",
                field.metadata["description"],
                _value(field),
                "**required**" if field.required else field.metadata["default"] or _default(defaults[name]),
                f"`{example}`" if example else "",
            )
        )
    return _table(("Key", "Meaning", "Value", "Default", "Example"), rows)


def _value(field: ConfigField[Any]) -> str:
    if isinstance(field, ListOf):
        return f"a list, each item {field.item.expected}"
    if isinstance(field, MapOf) and not field.metadata["default"].startswith("see"):
        return f"a mapping of {field.key.expected}, to {field.item.expected}"
    return field.expected


def _default(field: dataclasses.Field[Any]) -> str:
    value = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    if isinstance(value, enum.Enum):
        return f"`{value.value}`"
    if isinstance(value, float):
        return f"`{_time(value)}`"
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(map(str, value))}]`"
    if isinstance(value, int | Decimal) or (isinstance(value, str) and value):
        return f"`{value}`"
    if not value or isinstance(value, Secret | Auth):
        return "none"
    # Policies and schedules of a channel: each of their keys has its own.
    return "the defaults of its keys"


def _time(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
