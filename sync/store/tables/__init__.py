"""The tables: the system of record. Every query on them stands in a module of `sync.store`.

Times are aware UTC (`UtcDateTime`), money is exact text, bodies are zlib-compressed bytes. The schema is changed by
Alembic migrations only (`sync/store/migrations`); `metadata` here is what they must arrive at; a test compares both.
"""

from __future__ import annotations

from sync.store.tables.alerts import alert_messages, alert_news, alerts, volumes
from sync.store.tables.api import api_answers, api_tokens
from sync.store.tables.corrections import corrections, order_cares
from sync.store.tables.crm import customer_orders, customers, told_accounts, told_entries
from sync.store.tables.documents import (
    bindings,
    document_links,
    documents,
    files,
    order_routes,
    order_skus,
    orders,
    tracking_numbers,
)
from sync.store.tables.erasures import erasures
from sync.store.tables.imports import imports
from sync.store.tables.matches import matches
from sync.store.tables.metadata import metadata
from sync.store.tables.people import (
    audit,
    bulk_run_items,
    bulk_runs,
    comments,
    default_views,
    issue_documents,
    issue_hours,
    issue_sums,
    issues,
    lookup_tables,
    lookups,
    reports,
    saved_views,
    sessions,
    users,
)
from sync.store.tables.profiles import profile_drafts, profile_revisions
from sync.store.tables.stock import captured_lines, shown_stock, stock_levels, touched_stock
from sync.store.tables.work import (
    attempts,
    channel_states,
    checkpoints,
    events,
    exchanges,
    intents,
    leases,
    payloads,
    schedules,
    singletons,
    switches,
    work_items,
)

__all__ = [
    "alert_messages",
    "alert_news",
    "alerts",
    "api_answers",
    "api_tokens",
    "attempts",
    "audit",
    "bindings",
    "bulk_run_items",
    "bulk_runs",
    "captured_lines",
    "channel_states",
    "checkpoints",
    "comments",
    "corrections",
    "customer_orders",
    "customers",
    "default_views",
    "document_links",
    "documents",
    "erasures",
    "events",
    "exchanges",
    "files",
    "imports",
    "intents",
    "issue_documents",
    "issue_hours",
    "issue_sums",
    "issues",
    "leases",
    "lookup_tables",
    "lookups",
    "matches",
    "metadata",
    "order_cares",
    "order_routes",
    "order_skus",
    "orders",
    "payloads",
    "profile_drafts",
    "profile_revisions",
    "reports",
    "saved_views",
    "schedules",
    "sessions",
    "shown_stock",
    "singletons",
    "stock_levels",
    "switches",
    "told_accounts",
    "told_entries",
    "touched_stock",
    "tracking_numbers",
    "users",
    "volumes",
    "work_items",
]
