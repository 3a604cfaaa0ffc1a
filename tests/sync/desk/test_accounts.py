"""Users, their passwords and roles, and that every change of them is written down."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading

import pytest
from sqlalchemy import select, update

from sync.desk import accounts
from sync.desk.accounts import AccountRefused
from sync.store.audit import Actor
from sync.store.tables import audit, sessions
from tests.shared import PATIENCE_S

PASSWORD = "correct horse battery"
BY = Actor("root", "terminal box")


@pytest.fixture
def ada(store):
    accounts.add_user(store, "Ada@Example.org", PASSWORD, "admin", actor=BY)
    return "ada@example.org"


def signed_in(store, login, password=PASSWORD):
    found = accounts.sign_in(store, login, password, address="192.0.2.1", agent="Browser")
    return None if found is None else accounts.load_signed_in(store, found[0])


def written(store):
    columns = (audit.c.actor, audit.c.origin, audit.c.action, audit.c.subject, audit.c.before, audit.c.after)
    return [tuple(row) for row in store.read(lambda c: c.execute(select(*columns).order_by(audit.c.id)).all())]


def test_a_role_covers_the_ones_before_it_and_no_later_one():
    for number, role in enumerate(accounts.ROLES):
        assert [accounts.covers(role, other) for other in accounts.ROLES] == [
            place <= number for place in range(len(accounts.ROLES))
        ]


def test_a_user_is_added_once_whatever_the_capitals(store, ada):
    with pytest.raises(AccountRefused, match=f"There is a user {ada} already"):
        accounts.add_user(store, " ADA@example.org ", PASSWORD, "viewer", actor=BY)
    assert [user.login for user in accounts.list_users(store)] == [ada]
    assert written(store) == [("root", "terminal box", "user add", f"user:{ada}", "", "admin")]


@pytest.mark.parametrize("login", ["", "?", "a b", ".ada", "ada.", "ada/eve", "ada\n", "ädä", "a:b", "-", "<b>"])
def test_a_login_is_plain(store, login):
    with pytest.raises(AccountRefused, match="A login has letters a-z"):
        accounts.add_user(store, login.replace("\n", "\nx"), PASSWORD, "viewer", actor=BY)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12 characters or more"),
        ("x" * 257, "256 characters or less"),
        ("aaaaaaaaaaaaaaaa", "first that anybody would try"),
        ("ada@example.org-1", "first that anybody would try"),
    ],
)
def test_a_password_is_neither_short_nor_endless_nor_obvious(store, password, why):
    with pytest.raises(AccountRefused, match=why):
        accounts.add_user(store, "ada@example.org", password, "viewer", actor=BY)


def test_a_short_login_may_stand_in_a_password(store):
    accounts.add_user(store, "a", "a sentence that has an a", "viewer", actor=BY)
    assert signed_in(store, "a", "a sentence that has an a")


def test_a_role_that_does_not_exist_is_refused(store, ada):
    with pytest.raises(AccountRefused, match="viewer, operator, integrator, admin"):
        accounts.set_role(store, ada, "root", actor=BY)


def test_a_made_password_is_accepted_and_never_the_same(store):
    made = {accounts.new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        accounts._demand_password("ada", password)


def test_a_password_of_256_characters_works_whole(store):
    long = "ab cd ef" * 32
    accounts.add_user(store, "ada", long, "viewer", actor=BY)
    assert signed_in(store, "ada", long)
    assert not signed_in(store, "ada", long[:-1] + "x")
    assert not signed_in(store, "ada", long + "x")


def test_the_only_admin_stays_one(store, ada):
    with pytest.raises(AccountRefused, match="the only admin"):
        accounts.set_role(store, ada, "viewer", actor=BY)
    with pytest.raises(AccountRefused, match="the only admin"):
        accounts.set_active(store, ada, active=False, actor=BY)
    accounts.add_user(store, "eve", PASSWORD, "admin", actor=BY)
    accounts.set_active(store, "eve", active=False, actor=BY)
    with pytest.raises(AccountRefused, match="the only admin"):
        accounts.set_role(store, ada, "viewer", actor=BY)


def test_two_admins_who_demote_each_other_at_once_leave_one(store, ada, monkeypatch):
    accounts.add_user(store, "eve", PASSWORD, "admin", actor=BY)
    both_counted, refused = threading.Barrier(2), []
    count_users = accounts.users.count_users

    def count_and_linger(*args, **options):
        found = count_users(*args, **options)
        # Whoever is let through alone waits in vain.
        with contextlib.suppress(threading.BrokenBarrierError):
            both_counted.wait(1)
        return found

    def demote(login):
        try:
            accounts.set_role(store, login, "viewer", actor=BY)
        except AccountRefused:
            refused.append(login)

    monkeypatch.setattr(accounts.users, "count_users", count_and_linger)
    threads = [threading.Thread(target=demote, args=(login,)) for login in (ada, "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(refused) == 1
    assert [user.role for user in accounts.list_users(store)].count("admin") == 1


def test_every_change_is_written_down_with_who_and_from_where(store, ada):
    accounts.add_user(store, "eve", PASSWORD, "viewer", actor=BY)
    accounts.set_role(store, "eve", "operator", actor=BY)
    accounts.set_role(store, "eve", "operator", actor=BY)
    who = signed_in(store, "eve")
    accounts.set_timezone(store, who, "Europe/Berlin", actor=Actor("eve", "console 192.0.2.1"))
    accounts.set_language(store, who, "en", ["en"], actor=Actor("eve", "console 192.0.2.1"))
    accounts.set_password(store, "eve", "another good sentence", actor=BY)
    accounts.set_active(store, "eve", active=False, actor=BY)
    accounts.set_active(store, "eve", active=True, actor=BY)
    accounts.end_sessions(store, "eve", actor=BY)
    assert [entry[2:] for entry in written(store)[1:]] == [
        ("user add", "user:eve", "", "viewer"),
        ("user role", "user:eve", "viewer", "operator"),
        ("sign in", "user:eve", "", ""),
        ("user timezone", "user:eve", "", "Europe/Berlin"),
        ("user language", "user:eve", "", "en"),
        ("user password", "user:eve", "", "1 sessions ended"),
        ("user disable", "user:eve", "", ""),
        ("user enable", "user:eve", "", ""),
        ("sign out everywhere", "user:eve", "", "0 sessions ended"),
    ]
    assert PASSWORD not in repr(written(store))


def test_a_refused_change_leaves_no_trace(store, ada):
    before = written(store)
    with pytest.raises(AccountRefused, match="There is no user 'nobody'"):
        accounts.set_role(store, "nobody", "admin", actor=BY)
    assert written(store) == before


@pytest.mark.parametrize("meanwhile", ["password", "disable"])
def test_who_is_locked_out_while_the_password_is_looked_at_is_not_let_in(store, ada, monkeypatch, meanwhile):
    accounts.add_user(store, "bob", PASSWORD, "admin", actor=BY)
    verify = accounts._verify

    def slow(password_hash, password):
        good = verify(password_hash, password)
        if meanwhile == "password":
            accounts.set_password(store, ada, "another good one, and longer", actor=BY)
        else:
            accounts.set_active(store, ada, active=False, actor=BY)
        return good

    monkeypatch.setattr(accounts, "_verify", slow)
    assert accounts.sign_in(store, ada, PASSWORD, address="192.0.2.1", agent="Browser") is None
    assert "sign in" not in [action for _, _, action, *_ in written(store)]


def test_where_one_is_signed_in_is_listed_until_it_ends(store, ada):
    first, second = signed_in(store, ada), signed_in(store, ada)
    assert {one.token_hash for one in accounts.sessions_of(store, ada)} == {
        first.session.token_hash,
        second.session.token_hash,
    }
    accounts.sign_out(store, first, actor=BY)
    assert [one.token_hash for one in accounts.sessions_of(store, ada)] == [second.session.token_hash]
    store.write(lambda c: c.execute(update(sessions).values(seen_at=dt.datetime.now(dt.UTC) - accounts.IDLE * 2)))
    assert accounts.sessions_of(store, ada) == []


def test_sessions_of_long_ago_are_forgotten_at_a_sign_in(store, ada):
    signed_in(store, ada)
    ages = {"ended_at": dt.datetime.now(dt.UTC) - dt.timedelta(days=31)}
    store.write(lambda c: c.execute(update(sessions).values(**ages)))
    who = signed_in(store, ada)
    assert store.read(lambda c: c.execute(select(sessions.c.token_hash)).scalars().all()) == [who.session.token_hash]


def test_a_session_is_touched_at_most_once_a_minute(store, ada):
    who = signed_in(store, ada)
    assert not who.stale
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=90)
    store.write(lambda c: c.execute(update(sessions).values(seen_at=past)))
    token_hash = who.session.token_hash
    found = store.read(
        lambda c: accounts.sessions.load_session(c, token_hash, idle=accounts.IDLE, longest=accounts.LONGEST)
    )
    assert found[2]


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "UTC+1", "<script>"])
def test_a_time_zone_is_one_that_exists(store, ada, zone):
    with pytest.raises(AccountRefused, match="no time zone"):
        accounts.set_timezone(store, signed_in(store, ada), zone, actor=BY)


def test_the_hash_never_shows(store, ada):
    user = accounts.find_user(store, ada)
    assert "argon2" not in repr(user)
    assert signed_in(store, ada).session.token_hash not in repr(signed_in(store, ada).session)


def test_an_unknown_login_is_verified_against_a_hash_of_todays_cost():
    assert not accounts._HASHER.check_needs_rehash(accounts._NOBODY)
