"""The same unsafe call with the same key is done once."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from config.model import Config
from sync.desk.erasing import erase_customer
from sync.desk.tokens import authenticate, make_token
from sync.store import answers
from sync.store.answers import Answer, Standing, begin_answer, drop_answer, keep_answer
from sync.store.migrate import migrate
from sync.store.tables import api_answers
from tests.databases import open_store
from tests.shared import PATIENCE_S
from tests.webapp.api.conftest import ACTOR

HASH, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def database(database_url):
    store = open_store(database_url)
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def token(database):
    return authenticate(database, make_token(database, "shop", ["orders:write"], actor=ACTOR)).token.id


def age(store, by):
    begun = dt.datetime.now(dt.UTC) - by
    store.write(lambda c: c.execute(update(api_answers).values(begun_at=begun)))


def test_of_many_at_once_exactly_one_has_its_turn(database, token):
    gate, found = threading.Barrier(4), []

    def ask():
        gate.wait(PATIENCE_S)
        found.append(begin_answer(database, token, "k", HASH))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(one.name for one in found) == ["FREE", "RUNNING", "RUNNING", "RUNNING"]


def test_the_answer_is_given_again_for_a_day(database, token):
    assert begin_answer(database, token, "k", HASH) is Standing.FREE
    database.write(lambda c: keep_answer(c, token, "k", Answer(200, b"{}")))
    assert begin_answer(database, token, "k", HASH) == Answer(200, b"{}")
    assert begin_answer(database, token, "k", OTHER) is Standing.OTHER
    age(database, answers.KEPT + dt.timedelta(seconds=1))
    assert begin_answer(database, token, "k", OTHER) is Standing.FREE
    assert begin_answer(database, token, "k", OTHER) is Standing.RUNNING


def test_a_call_whose_process_was_killed_may_be_repeated_and_only_that(database, token):
    begin_answer(database, token, "k", HASH)
    age(database, answers.OVER + dt.timedelta(seconds=1))
    assert begin_answer(database, token, "k", OTHER) is Standing.OTHER
    assert begin_answer(database, token, "k", HASH) is Standing.FREE
    assert begin_answer(database, token, "k", HASH) is Standing.RUNNING


def test_a_key_that_was_dropped_is_free_and_an_answer_that_was_kept_is_not_dropped(database, token):
    begin_answer(database, token, "k", HASH)
    database.write(lambda c: drop_answer(c, token, "k"))
    assert begin_answer(database, token, "k", OTHER) is Standing.FREE
    database.write(lambda c: keep_answer(c, token, "k", Answer(200, b"1")))
    database.write(lambda c: drop_answer(c, token, "k"))
    assert begin_answer(database, token, "k", OTHER) == Answer(200, b"1")


def test_an_answer_that_may_name_somebody_who_is_erased_keeps_only_that_it_was_done(database, token):
    begin_answer(database, token, "k", HASH)
    begin_answer(database, token, "runs", HASH)
    database.write(lambda c: keep_answer(c, token, "k", Answer(202, b'{"by": "Erika"}')))
    erase_customer(database, Config(folder=Path(), connections={}, channels={}), "erika@example.org", actor=ACTOR)
    assert begin_answer(database, token, "k", HASH) == Answer(202, b"{}\n")
    assert begin_answer(database, token, "runs", HASH) is Standing.RUNNING


def test_keys_belong_to_their_token(database, token):
    second = authenticate(database, make_token(database, "erp", ["orders:write"], actor=ACTOR)).token.id
    assert begin_answer(database, token, "k", HASH) is Standing.FREE
    assert begin_answer(database, second, "k", OTHER) is Standing.FREE


# --- through the API --------------------------------------------------------------------------------------------


@pytest.fixture
def counted(app, monkeypatch):
    """How often a retry was really done."""
    done = []

    def release(order, change):
        done.append(order)
        return {"channel": "web", "external_id": "1", "done": True, "message": f"call {len(done)}"}

    monkeypatch.setattr("webapp.api.orders.found_order", lambda channel, external_id: external_id)
    monkeypatch.setattr("webapp.api.orders._release", release)
    return done


def test_the_same_call_is_done_once_and_says_so(program, counted):
    someone = program()
    first = someone.post("/orders/web/1/again", {"seen": ""}, key="k1")
    again = someone.post("/orders/web/1/again", {"seen": ""}, key="k1")
    assert len(counted) == 1
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert someone.post("/orders/web/1/again", {"seen": ""}, key="k2").json["message"] == "call 2"
    assert someone.post("/orders/web/1/again", {"seen": ""}).json["message"] == "call 3"


def test_a_key_is_good_for_one_request(program, counted):
    someone = program()
    someone.post("/orders/web/1/again", {"seen": ""}, key="k")
    for path, body in (("/orders/web/1/again", {"seen": "1"}), ("/orders/web/2/again", {"seen": ""})):
        answer = someone.post(path, body, key="k")
        assert (answer.status_code, answer.json["id"]) == (422, "idempotency_key_reused")
    assert len(counted) == 1


def test_a_second_call_while_the_first_runs_is_told_to_wait(program, counted, store):
    someone = program()
    someone.post("/orders/web/1/again", {"seen": ""}, key="k")
    store.write(lambda c: c.execute(update(api_answers).values(status=None, body=None)))
    answer = someone.post("/orders/web/1/again", {"seen": ""}, key="k")
    assert (answer.status_code, answer.json["id"]) == (409, "idempotency_key_running")
    assert answer.headers["Retry-After"] == "1"


def test_a_refusal_and_a_defect_keep_nothing(program, counted, store, monkeypatch):
    someone = program()
    assert someone.post("/orders/web/1/again", {"seen": 1}, key="k").status_code == 422

    def broken(order, change):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("webapp.api.orders._release", broken)
        assert someone.post("/orders/web/1/again", {"seen": ""}, key="k").status_code == 500
    assert store.read(lambda c: c.execute(select(func.count()).select_from(api_answers)).scalar_one()) == 0
    assert someone.post("/orders/web/1/again", {"seen": ""}, key="k").status_code == 200


@pytest.mark.parametrize("key", ["a b", "x" * 256, "\xe4", " "])
def test_a_key_that_is_none_is_refused(program, counted, key):
    answer = program().post("/orders/web/1/again", {"seen": ""}, key=key)
    assert (answer.status_code, answer.json["field"]) == (422, "Idempotency-Key")
    assert counted == []


def test_somebody_without_the_scope_learns_no_answer(program, counted):
    program("orders:write").post("/orders/web/1/again", {"seen": ""}, key="k")
    assert program("orders:read").post("/orders/web/1/again", {"seen": ""}, key="k").status_code == 403
