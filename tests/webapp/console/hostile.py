"""Texts that nobody should be able to do anything with, put into every field that people see.

`spoil` goes over the whole database: every text column is spoiled unless it is named here as one that means something
to the program. A column that is added later is hostile from its first day.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import String, Text, select, update

from sync.store import said
from sync.store.bodies import dump_json, load_json, pack, unpack
from sync.store.tables import metadata

#: A script, an attribute, a template, a formula; text from right to left; one that never breaks; signs beyond ASCII.
TEXTS = (
    "\"'><img src=x onerror=alert(1)><script>alert(2)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>=cmd('/C calc')",
    "Rechnung \u202efdp.exe\u202c ندى \u200f12",
    "W" * 300,
    "🧨👩‍👩‍👧‍👦 \"quoted\" 'single' `back` \\ & &amp; &lt;b&gt;",
    "javascript:alert(3)//\"onmouseover='alert(4)'",
    "</title></textarea></pre><svg onload=alert(5)>",
)

#: Table -> columns that the program reads: states, keys, names from the configuration, numbers as text, JSON, hashes.
_MEANT = {
    "alembic_version": {"version_num"},
    "switches": {"scope", "name"},
    "channel_states": {"channel", "canary_print"},
    "events": {"connection", "kind", "external_id", "source", "digest"},
    "payloads": {"hash"},
    "work_items": {
        *("channel", "kind", "external_id", "facets", "state", "lease_token", "event_version", "event_digest"),
        *("done_digest", "done_canonical", "approved", "approved_digest"),
    },
    "leases": {"token", "channel", "kind", "connection"},
    "intents": {"channel", "connection", "kind", "action", "lease_token", "outcome"},
    "attempts": {"lease_token", "outcome"},
    "orders": {
        *("channel", "external_id", "currency", "grand", "placed_on", "likeness", "material", "customer_folded"),
        "mapping_version",
    },
    "bindings": {"connection", "kind", "total", "tax", "external_id"},
    "order_routes": {"parts", "given_up"},
    "documents": {"connection", "kind", "external_id", "currency", "total"},
    "files": {"token", "facts", "sha256"},
    "checkpoints": {"connection", "stream", "value"},
    "schedules": {"name"},
    "singletons": {"name", "token"},
    # What an issue is about is spoiled by the shop: its orders' articles have these texts for a number.
    "issues": {
        *("fingerprint", "cause", "subject", "channel", "connection", "owner", "step", "code", "assignee", "due_on"),
    },
    "issue_documents": {"details"},
    "lookups": {"table_name", "scope", "conditions"},
    "lookup_tables": {"name"},
    "customers": {"connection", "found_by"},
    "customer_orders": {"refunded"},
    "told_accounts": {"connection", "digest", "figures"},
    "told_entries": {"connection", "kind", "state"},
    "matches": {"connection", "rung", "answer"},
    "profile_revisions": {"channel", "text", "digest"},
    "profile_drafts": {"channel", "text"},
    "users": {"login", "password_hash", "role", "timezone"},
    "sessions": {"token_hash"},
    "api_tokens": {"token_hash", "scopes", "channels"},
    "api_answers": {"key", "request_hash"},
    "imports": {"token", "connection", "encoding", "delimiter", "state", "report", "seen"},
    "order_skus": set(),
    "corrections": {"basis"},
    "order_cares": {"assignee", "due_on"},
    "bulk_runs": {"outcome", "action", "using", "selection", "mark", "channel"},
    "saved_views": {"page", "query"},
    "default_views": {"page"},
    "reports": {"kind", "subject", "body"},
    "audit": set(),
    "alerts": {"cause", "scope", "place", "severity"},
    "alert_messages": {"uid", "channel", "body"},
    "alert_news": {"channel"},
    "volumes": {"channel", "verdict"},
}
#: What is JSON inside, with the keys whose texts mean something to the program.
_JSON = {
    "issue_documents": ("details", set()),
    "matches": ("sides", {"same", "id", "channel", "order"}),
    "reports": (
        "body",
        {
            *("at", "since", "until", "level", "check", "title", "section", "kind", "channel", "currency", "day"),
            *("total", "table", "mapped"),
        },
    ),
}
#: What is a number in the body of a document.
_AMOUNTS = {"amount", "currency", "quantity", "net", "tax", "total", "open"}
#: Table -> the column that is compressed JSON, and the keys whose texts mean something to the program.
_PACKED: dict[str, tuple[str, set[str]]] = {
    "documents": ("body", _AMOUNTS),
    "events": ("body", set()),
    "payloads": ("body", set()),
    "corrections": ("changes", {"path"}),
}
#: One row in so many stays as it is: pages must be readable between the hostile ones too.
_SPARED = 4


def spoil(store) -> None:
    """Put TEXTS everywhere in a database, once its life is over."""
    store.write(_spoil)


def _spoil(connection) -> None:
    turn = 0
    for table in metadata.sorted_tables:
        keys = list(table.primary_key.columns)
        columns = [
            column
            for column in table.columns
            if isinstance(column.type, String | Text) and column.name not in _MEANT.get(table.name, set())
        ]
        for number, row in enumerate(connection.execute(select(table).order_by(*keys)).mappings().all()):
            if number % _SPARED == _SPARED - 1:
                continue
            values: dict[str, Any] = {}
            for column in columns:
                turn += 1
                values[column.name] = _fits(TEXTS[turn % len(TEXTS)], column, number)
            if table.name in _JSON:
                name, kept = _JSON[table.name]
                values[name] = json.dumps(_leaves(json.loads(row[name]), kept, turn), ensure_ascii=False)
            values |= _packed(table.name, row, turn)
            if values:
                here = [key == row[key.name] for key in keys]
                connection.execute(update(table).where(*here).values(**values))


def _packed(table: str, row: Any, turn: int) -> dict[str, bytes]:
    """What stands in it compressed."""
    if table == "exchanges":
        return {"body": pack(json.dumps(_exchanges(json.loads(unpack(row["body"])), turn)).encode())}
    name, kept = _PACKED.get(table, ("", set()))
    return {name: pack(dump_json(_leaves(load_json(unpack(row[name])), kept, turn)))} if name and row[name] else {}


def _fits(text: str, column, number: int) -> str:
    """As long as the column takes, and its own where it is part of a key."""
    if column.primary_key or column.unique:
        text = f"{number} {text}"
    return text[: column.type.length] if column.type.length else text


def _leaves(value: Any, kept: set[str], turn: int) -> Any:
    if isinstance(value, dict) and set(value) == {said._MARK}:
        # What we say ourselves stays; what others put into it does not.
        [[*ours, theirs]] = value.values()
        return {said._MARK: [*ours, _leaves(theirs, kept, turn)]}
    if isinstance(value, dict):
        return {
            name: one if name in kept else _leaves(one, kept, turn + at) for at, (name, one) in enumerate(value.items())
        }
    if isinstance(value, list):
        return [_leaves(one, kept, turn + at) for at, one in enumerate(value)]
    return f"{value} {TEXTS[turn % len(TEXTS)]}" if isinstance(value, str) else value


def _exchanges(entries: list[dict[str, Any]], turn: int) -> list[dict[str, Any]]:
    text, other = TEXTS[turn % len(TEXTS)], TEXTS[(turn + 1) % len(TEXTS)]
    return [
        {
            **entry,
            "url": f"{entry['url']}?{text}",
            "request_headers": {**entry["request_headers"], "X-Odd": other},
            "response_headers": {**(entry["response_headers"] or {}), "X-Odd": text},
            "response_body": f"{entry['response_body']}{text}",
            "error": other,
        }
        for entry in entries
    ]
