"""Every error has one shape, says what to do, and quotes nothing of what went wrong inside."""

from __future__ import annotations

import pytest

from sync.store.engine import DatabaseBusy

MEMBERS = {"type", "id", "title", "status", "detail", "next_step"}


def problem(answer, status, kind):
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.json.keys() >= MEMBERS
    assert answer.json["status"] == status
    assert answer.json["id"] == kind
    assert answer.json["type"] == f"urn:crossdock:problem:{kind}"
    return answer.json


def test_a_call_without_a_token_is_told_how_to_get_one(app):
    answer = app.test_client().get("/api/v1/orders")
    assert "crossdock token add" in problem(answer, 401, "token_missing")["next_step"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="crossdock"'


@pytest.mark.parametrize("sent", ["Basic YTpi", "Bearer", "bearer  ", "Token cdk_x", "cdk_x", "Bearer\tx", "\x00"])
def test_what_is_no_bearer_token_is_no_token(app, sent):
    answer = app.test_client().get("/api/v1/orders", headers={"Authorization": sent})
    assert problem(answer, 401, answer.json["id"])["id"] in {"token_missing", "token_invalid"}


def test_a_scope_that_is_missing_is_named(program):
    found = problem(program("orders:write").get("/orders"), 403, "scope_missing")
    assert (found["expected"], found["found"]) == ("orders:read", "orders:write")


def test_who_tries_tokens_is_slowed_down_and_a_good_one_beside_him_is_not(app, program):
    good, bad = program(), program()
    bad.token = good.token[:-1]
    statuses = [bad.get("/orders").status_code for _ in range(25)]
    assert statuses == [401] * 20 + [429] * 5
    answer = bad.get("/orders")
    problem(answer, 429, "too_many_wrong_tokens")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600
    assert good.get("/orders").status_code == 200


def test_what_is_not_there_and_what_takes_no_such_method(program):
    someone = program()
    problem(someone.get("/nowhere"), 404, "not_found")
    problem(someone.get("/orders/web/1"), 404, "not_found")
    problem(someone.get("/orders/a%00b/c%00d"), 404, "not_found")
    answer = someone.call("DELETE", "/orders")
    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]
    problem(someone.client.get("/api/"), 404, "not_found")


def test_a_body_that_is_too_large_or_no_json(make_app, program):
    someone = program()
    problem(someone.call("POST", "/orders/web/1/skip", data="a=b"), 415, "not_json")
    kind = {"Content-Type": "application/json"}
    for body in ("{", "\xff".encode("latin-1"), "[" * 100_000, "1" * 5_000, ""):
        answer = someone.call("POST", "/orders/web/1/skip", data=body, headers=kind)
        assert answer.status_code in {400, 422}, (body[:10], answer.text)
        assert answer.mimetype == "application/problem+json"
    problem(someone.call("POST", "/orders/web/1/skip", data=b" " * 50_000_000, headers=kind), 413, "too_large")


def test_each_field_that_is_wrong_is_named(program):
    found = problem(program().get("/orders?tab=mine&limit=0&colour=red&since=yesterday&low=1,5"), 422, "invalid")
    assert {one["field"] for one in found["errors"]} == {
        *("query:tab", "query:limit", "query:colour", "query:since", "query:low"),
    }
    found = problem(program().post("/orders/web/1/skip", {"reason": "", "x": 1}), 422, "invalid")
    assert {one["field"] for one in found["errors"]} == {"/reason", "/x"}


@pytest.mark.parametrize("text", ["a\x00b", "a\x1eb", "\ud800"])
def test_text_that_no_database_takes_is_refused(program, text):
    found = problem(program().post("/orders/web/1/skip", {"reason": text}), 422, "invalid")
    assert [one["field"] for one in found["errors"]] == ["/reason"]


def test_a_defect_shows_nothing_of_itself(app, program, monkeypatch):
    def broken(*_args, **_options):
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("webapp.api.orders.list_page", broken)
    answer = program().get("/orders")
    problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_a_database_that_is_away_is_said_so(app, program, monkeypatch):
    someone = program()

    def busy(*_args, **_options):
        raise DatabaseBusy("x")

    monkeypatch.setattr("webapp.api.access.authenticate", busy)
    answer = someone.get("/orders")
    problem(answer, 503, "database_busy")
    assert answer.headers["Retry-After"] == "5"


def test_the_answers_carry_the_headers_of_all_answers(program):
    answer = program().get("/orders")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
