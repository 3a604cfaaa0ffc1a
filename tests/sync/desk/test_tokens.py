"""Tokens of programs: made once, kept as a hash, ended at once."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select, update

from sync.desk import tokens
from sync.desk.tokens import SCOPES, TokenRefused, authenticate, keep_used, looks_like_one, make_token, revoke_token
from sync.store.audit import Actor, AuditFilter, list_audit
from sync.store.migrate import migrate
from sync.store.tables import api_tokens
from tests.databases import open_store

ACTOR = Actor("ada", "terminal here")


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


def make(store, name="shop", scopes=("orders:read",), **options):
    return make_token(store, name, scopes, actor=ACTOR, **options)


def test_what_is_kept_is_not_the_token(store):
    token = make(store)
    assert re.fullmatch(r"cdk_[0-9A-Za-z]{42}", token)
    row = store.read(lambda c: c.execute(select(api_tokens)).mappings().one())
    assert token[4:] not in str(dict(row))
    assert row["hint"] == token[:8]


def test_a_good_token_says_what_it_may(store):
    caller = authenticate(
        store, make(store, scopes=("orders:read", "issues:read"), channels=["de"], known=["de", "at"])
    )
    assert (caller.may("orders:read"), caller.may("orders:write")) == (True, False)
    assert (caller.sees("de"), caller.sees("at")) == (True, False)
    assert str(caller.actor("192.0.2.1")) == "token:shop"


def test_a_token_without_channels_reaches_all(store):
    assert authenticate(store, make(store)).sees("whatever")


def test_a_revoked_token_is_nobody_at_once(database_url):
    store = open_store(database_url)
    migrate(store)
    token = make(store)
    revoke_token(store, "shop", actor=ACTOR)
    assert authenticate(store, token) is None
    again = make(store)
    assert authenticate(store, again)
    assert authenticate(store, token) is None
    store.close()


def test_an_expired_token_is_nobody(database_url):
    store = open_store(database_url)
    migrate(store)
    token = make(store, days=1)
    assert authenticate(store, token)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    store.write(lambda c: c.execute(update(api_tokens).values(expires_at=past)))
    assert authenticate(store, token) is None
    store.close()


def test_a_token_that_was_cut_or_mistyped_is_not_looked_up(store):
    token = make(store)
    assert looks_like_one(token)
    swapped = token[:10] + token[11] + token[10] + token[12:]
    for wrong in (token[:-1], token + "0", token.swapcase(), "", "cdk_", token.replace("cdk_", "sk_"), token + "\n"):
        assert not looks_like_one(wrong)
    assert swapped == token or not looks_like_one(swapped)


def test_the_last_use_is_not_written_with_every_call(store):
    token = make(store)
    caller = authenticate(store, token)
    assert caller.stale
    keep_used(store, caller)
    assert not authenticate(store, token).stale
    [row] = tokens.list_tokens(store)
    assert row.used_at is not None


def test_two_good_tokens_never_have_one_name(store):
    make(store)
    with pytest.raises(TokenRefused, match="There is a token shop already"):
        make(store)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name": "Über"}, "is none"),
        ({"name": "a" * 65}, "is none"),
        ({"scopes": ()}, "at least one scope"),
        ({"scopes": ("orders:everything",)}, "There is no scope 'orders:everything'; there are orders:read"),
        ({"channels": ["nowhere"], "known": ["de"]}, "There is no channel 'nowhere'"),
        ({"days": 0}, "1 to 3650 days"),
        ({"days": 10**9}, "1 to 3650 days"),
    ],
)
def test_what_is_no_token_is_refused_in_plain_words(store, options, why):
    with pytest.raises(TokenRefused, match=why):
        make(store, **options)
    assert tokens.list_tokens(store) == []


def test_making_and_revoking_stand_in_the_audit_and_the_token_does_not(store):
    token = make(store, channels=["de"], known=["de"], days=7)
    revoke_token(store, "shop", actor=ACTOR)
    with pytest.raises(TokenRefused, match="There is no token 'shop' that is not revoked"):
        revoke_token(store, "shop", actor=ACTOR)
    entries = store.read(lambda c: list_audit(c, AuditFilter(), limit=10))
    assert [(one.actor, one.action, one.subject, one.after) for one in entries] == [
        ("ada", "token revoke", "token:shop", ""),
        ("ada", "token add", "token:shop", "orders:read, channel:de, 7 days"),
    ]
    assert token not in str(entries)


def test_every_scope_says_what_it_lets_do():
    assert all(re.fullmatch(r"[a-z]+:(read|write)", scope) and meaning for scope, meaning in SCOPES.items())
