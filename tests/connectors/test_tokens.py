"""One access token for all threads and processes: fetched once, sealed on the shelf, forgotten when it is refused."""

from __future__ import annotations

import threading

import pytest

from connectors.kit.errors import Transient
from connectors.kit.tokens import Token, Tokens


class Shelf:
    """What Redis would keep, for as many processes as a test makes."""

    def __init__(self, *, away=False):
        self.kept, self.turns, self.away, self.lock = {}, {}, away, threading.Lock()

    def get(self, name):
        return None if self.away else self.kept.get(name)

    def put(self, name, value, ttl_s):
        assert ttl_s > 0
        if not self.away:
            self.kept[name] = value

    def claim(self, name, ttl_s):
        with self.lock:
            if self.away:
                return ""
            if name in self.turns:
                return None
            self.turns[name] = "mark"
            return "mark"

    def give_up(self, name, mark):
        with self.lock:
            if self.turns.get(name) == mark:
                del self.turns[name]


class Accounts:
    """Gives tokens, and counts them."""

    def __init__(self, lives_s=3600.0):
        self.given, self.lives_s, self.now = 0, lives_s, 1000.0

    def fetch(self):
        self.given += 1
        return Token(f"token-{self.given}", self.now, self.now + self.lives_s)

    def clock(self):
        return self.now


def process(shelf, accounts, secret="s"):
    return Tokens("crm", secret, shelf=shelf, clock=accounts.clock, sleep=lambda _s: None)


def test_many_processes_and_threads_fetch_one_token():
    shelf, accounts = Shelf(), Accounts()
    processes = [process(shelf, accounts) for _ in range(4)]
    got, start = [], threading.Barrier(12)

    def work(index):
        start.wait()
        got.append(processes[index % 4].current(accounts.fetch, patience_s=1e9).value)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (set(got), accounts.given) == ({"token-1"}, 1)


def test_a_token_is_fetched_anew_before_it_ends():
    shelf, accounts = Shelf(), Accounts()
    tokens = process(shelf, accounts)
    assert tokens.current(accounts.fetch).value == "token-1"
    accounts.now += 3541
    assert tokens.current(accounts.fetch).value == "token-2"
    assert process(shelf, accounts).current(accounts.fetch).value == "token-2"


def test_a_refused_token_is_forgotten_by_all_and_another_ones_is_not():
    shelf, accounts = Shelf(), Accounts()
    one, other = process(shelf, accounts), process(shelf, accounts)
    first = one.current(accounts.fetch)
    assert other.current(accounts.fetch) == first
    one.refuse(first)
    second = one.current(accounts.fetch)
    assert second != first
    # The other one finds out later: what has been fetched since stays.
    other.refuse(first)
    assert other.current(accounts.fetch) == second
    assert accounts.given == 2


def test_the_shelf_shows_nothing_to_who_does_not_know_the_secret():
    shelf, accounts = Shelf(), Accounts()
    process(shelf, accounts).current(accounts.fetch)
    [(name, sealed)] = shelf.kept.items()
    assert b"token-1" not in sealed
    assert "token-1" not in repr(process(shelf, accounts).current(accounts.fetch))
    stranger = process(shelf, accounts, "another secret")
    assert stranger.current(accounts.fetch).value == "token-2"
    shelf.kept[name] = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert process(shelf, accounts).current(accounts.fetch).value == "token-3"


def test_without_a_shelf_each_process_has_its_own():
    shelf, accounts = Shelf(away=True), Accounts()
    assert process(shelf, accounts).current(accounts.fetch).value == "token-1"
    assert process(shelf, accounts).current(accounts.fetch).value == "token-2"
    alone = Tokens("crm", "s", clock=accounts.clock)
    assert [alone.current(accounts.fetch).value for _ in range(2)] == ["token-3", "token-3"]


def test_who_waits_for_another_ends_as_transient():
    shelf, accounts = Shelf(), Accounts()
    waiting = Tokens("crm", "s", shelf=shelf, clock=accounts.clock, sleep=lambda _s: pass_time(accounts))
    shelf.turns[waiting._name] = "somebody else"
    with pytest.raises(Transient, match="another process"):
        waiting.current(accounts.fetch)
    assert accounts.given == 0


def pass_time(accounts):
    accounts.now += 1.0


def test_a_login_that_fails_gives_its_turn_to_the_next():
    shelf, accounts = Shelf(), Accounts()

    def fail():
        raise Transient("away")

    with pytest.raises(Transient):
        process(shelf, accounts).current(fail)
    assert process(shelf, accounts).current(accounts.fetch).value == "token-1"
