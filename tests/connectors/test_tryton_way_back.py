"""Tryton's way back without a server: what its answers mean, what is sent how often, and what a pull may call read."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.answers import Response
from connectors.kit.base import ConnectorSettings, Rank
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.facets import (
    BooksFees,
    ChangesSales,
    FollowsSales,
    GivesFiles,
    PostsInvoices,
    RefundsSales,
    TakesPayments,
)
from connectors.kit.stock import StockSource
from connectors.tryton import Tryton, stamps
from connectors.tryton.changes import Changes
from connectors.tryton.client import _locked, _not_printed, _refused
from connectors.tryton.fees import Fees
from connectors.tryton.follow import Follow, number
from connectors.tryton.invoices import Invoices
from connectors.tryton.payments import Payments
from connectors.tryton.refunds import Refunds
from connectors.tryton.sales import refunded
from connectors.tryton.stamps import Source

START = dt.datetime(2026, 11, 22, 8, 0, tzinfo=dt.UTC)


class Masters:
    """What a connection knows of its company."""

    def web_shop(self):
        return {"id": 1}

    def company(self):
        return {"id": 1, "currency": "EUR"}

    def context(self):
        return {"company": 1}

    def has(self, model, field):
        return (model, field) == ("stock.package", "shipping_reference")


class Client:
    """Answers what a test says, by what is called; an exception is raised. Keeps what was called."""

    has_login = True
    deadline_s = 60.0

    def __init__(self, **answers):
        self._answers = {name: list(given) for name, given in answers.items()}
        self.calls = []

    def _answer(self, name, *told):
        self.calls.append((name, *told))
        given = self._answers[name].pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    def search(self, model, domain, fields, **_):
        return self._answer("search", model)

    def press(self, model, record, button, fields, *, context=None, **_):
        return self._answer("press", model, record, button, *filter(None, [context]))

    def update(self, model, record, values, fields, **_):
        return self._answer("update", model, record, values)

    def create(self, model, values, fields, **_):
        return self._answer("create", model, values)

    def call(self, method, params, **_):
        return self._answer(method.rpartition(".")[2], *params)

    def report(self, name, record, **_):
        return self._answer("report", record)

    def named(self, name):
        return [call[1:] for call in self.calls if call[0] == name]


def test_the_connector_offers_the_whole_way_back():
    target = Tryton(ConnectorSettings(name="erp", url="http://erp.example", key="k", options={"database": "erp"}))
    for facet in (
        FollowsSales,
        RefundsSales,
        TakesPayments,
        BooksFees,
        PostsInvoices,
        GivesFiles,
        ChangesSales,
        StockSource,
    ):
        assert isinstance(target, facet)
    assert (target.figure, target.reserves_at) == ("forecast_quantity", Rank.CONFIRMED)


# Answers


def page_of(status, text):
    body = f"<!doctype html>\n<title>{status}</title>\n<h1>Service Unavailable</h1>\n<p>{text}</p>\n".encode()
    return Response(
        method="POST", path="/model/account.invoice/1/post", write=True, status=status, headers={}, body=body
    )


def test_a_row_that_another_transaction_holds_was_not_written():
    """As recorded, when four invoices were posted at once."""
    held = page_of(503, "could not obtain lock on row in relation &#34;ir_sequence_strict&#34;")
    assert [type(judge(held)) for judge in (_locked, _refused)] == [Transient, Transient]


@pytest.mark.parametrize("text", ["server closed the connection unexpectedly", ""])
def test_any_other_503_may_have_come_after_the_commit(text):
    assert (_locked(page_of(503, text)), _refused(page_of(503, text))) == (None, None)


def test_a_report_that_the_server_refuses_is_that_documents_trouble():
    refusal = {"status": 400, "message": "No report engine", "description": ""}
    answer = Response(method="GET", path="/report/x/1", write=False, status=400, headers={}, body=b"{}", data=refusal)
    assert type(_not_printed(answer)) is RecordRejected


@pytest.mark.parametrize("text", ["", "x", "1a", "-1", "\u0661"])
def test_an_id_that_is_no_number_is_refused_before_anything_is_sent(text):
    with pytest.raises(RecordRejected, match="whole number"):
        number(text)


def test_only_a_sale_is_what_a_return_sale_refunds():
    assert [refunded(origin) for origin in ("sale.sale,17", "sale.opportunity,3", None)] == ["17", "", ""]


# Reading what changed


@pytest.mark.parametrize("text", ["", "{}", "[]", "now", '{"v": 2, "read_to": "2026-11-22T08:00:00+00:00"}'])
def test_a_checkpoint_that_is_none_of_ours_breaks_the_connection(text):
    with pytest.raises(ConnectionBroken, match="checkpoint"):
        stamps.read_checkpoint(text)


@pytest.mark.parametrize("text", ['{"v": 1, "read_to": "2026-11-22T08:00:00"}', '{"v": 1, "read_to": 5}'])
def test_a_checkpoint_without_an_aware_time_breaks_the_connection(text):
    with pytest.raises(ConnectionBroken):
        stamps.read_checkpoint(text)


class Table:
    """Records with times, searched as Tryton searches them: `write_date` is null until the first write."""

    def __init__(self, rows):
        self.rows, self.calls = rows, 0

    def search(self, model, domain, fields, *, order=None, limit=None):
        self.calls += 1
        found = [row for row in self.rows if all(_matches(clause, row) for clause in domain)]
        for field, _ in reversed(order):
            found.sort(key=lambda row: row[field])
        return found[:limit]


def _matches(clause, row):
    if clause[0] == "OR":
        return any(_matches(each, row) for each in clause[1:])
    if isinstance(clause[0], list):
        return all(_matches(each, row) for each in clause)
    field, operator, value = clause
    mine = row[field]
    if operator == "=":
        return mine == value
    return mine is not None and (mine >= value if operator == ">=" else mine > value)


def moment(second):
    return None if second is None else START + dt.timedelta(seconds=second)


seconds = st.integers(0, 6)
records = st.lists(st.tuples(seconds, st.none() | seconds), max_size=12).map(
    lambda pairs: [
        {"id": index, "create_date": moment(made), "write_date": moment(written)}
        for index, (made, written) in enumerate(pairs, 1)
    ]
)


@given(records, seconds, st.integers(1, 4))
def test_every_change_since_a_moment_is_read_once_and_oldest_first(rows, since, size):
    table, source = Table(rows), Source("x", (), (), lambda row: [str(row["id"])])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stamps, "_PAGE", size)
        pages = list(stamps.changes(table, [source, source], moment(since)))
    read = [change for page in pages for change in page]
    expected = sorted(row["id"] for row in rows if stamps.stamp(row) >= moment(since))
    assert sorted(int(change.names[0]) for change in read) == sorted(expected * 2)
    assert [change.at for change in read] == sorted(change.at for change in read)
    assert all(len(page) <= size for page in pages)


def follow(*lists):
    """Of the five lists, the first ones have rows."""
    return Follow(Client(search=[*lists, *[[]] * (5 - len(lists))]), Masters(), 0.0)


def test_nothing_that_is_stamped_after_the_pull_began_counts_as_read():
    """A sale can change unseen while the list of shipments is still being walked."""
    late = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    row = {"id": 7, "create_date": START, "write_date": late, "origin": None}
    [page] = follow([row]).pull(stamps.write_checkpoint(START), None)
    assert [each.external_id for each in page.envelopes] == ["7"]
    assert START < stamps.read_checkpoint(page.checkpoint) < late


def test_a_sale_is_named_once_a_page_under_its_newest_change_and_a_refund_names_what_it_refunds():
    sale = {"id": 7, "create_date": START, "write_date": None, "origin": None}
    back = {"id": 8, "create_date": moment(2), "write_date": None, "origin": "sale.sale,7"}
    parcel = {"id": 1, "create_date": START, "write_date": moment(3), "outgoing_moves": [{"sale": None}]}
    other = {
        "id": 2,
        "create_date": moment(1),
        "write_date": None,
        "outgoing_moves": [{"sale": {"id": 9, "origin": None}}],
    }
    [page] = follow([sale, back], [parcel, other]).pull(None, None)
    assert [(each.external_id, each.version) for each in page.envelopes] == [
        ("9", "2026-11-22T08:00:01.000000+00:00"),
        ("7", "2026-11-22T08:00:02.000000+00:00"),
    ]
    assert stamps.read_checkpoint(page.checkpoint) == moment(3)


def test_a_pull_that_is_to_begin_later_has_read_no_further_than_now():
    """Else what happens until then would never be read."""
    begin = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    [page] = follow().pull(None, begin)
    assert page.envelopes == ()
    assert stamps.read_checkpoint(page.checkpoint) < begin


def test_an_empty_checkpoint_is_no_beginning():
    with pytest.raises(ConnectionBroken):
        list(follow().pull("", None))


def test_a_checkpoint_never_goes_back_though_the_overlap_is_read_again():
    follower = Follow(
        Client(search=[[{"id": 7, "create_date": START, "write_date": None, "origin": None}], [], [], [], []]),
        Masters(),
        300.0,
    )
    [page] = follower.pull(stamps.write_checkpoint(moment(60)), None)
    assert page.envelopes
    assert stamps.read_checkpoint(page.checkpoint) == moment(60)


def test_a_survey_has_the_refunds_at_the_sale_and_leaves_out_what_is_gone():
    sale = {"id": 7, "origin": None, "sale_date": dt.date(2026, 11, 22), "__name__": "sale.sale", "invoices": []}
    rows = [
        sale,
        {"id": 8, "origin": "sale.sale,7", "sale_date": None},
        {"id": 9, "origin": "sale.sale,70", "sale_date": None},
    ]
    found = Follow(Client(search=[rows]), Masters(), 0.0).survey(["7", "6", "7"])
    assert found == {
        "7": {
            "id": 7,
            "origin": None,
            "sale_date": "2026-11-22",
            "invoices": [],
            "refunds": [{"id": 8, "origin": "sale.sale,7", "sale_date": None}],
            "credits": [],
        }
    }


def invoiced(number, invoice, *, line):
    """A sale with one posted invoice."""
    billed = {"id": invoice, "state": "posted", "lines": [{"id": 10 * invoice, "origin": f"sale.line,{line}"}]}
    return {"id": number, "origin": None, "lines": [{"id": line}], "invoices": [billed]}


def test_what_people_credit_of_an_invoice_is_found_by_the_lines_that_it_was_made_from():
    credit = {"id": 99, "lines": [{"id": 1, "origin": "account.invoice.line,60"}, {"id": 2, "origin": None}]}
    client = Client(search=[[invoiced(7, 5, line=70), invoiced(8, 6, line=80)], [credit]])
    found = Follow(client, Masters(), 0.0).survey(["7", "8"])
    assert {sale: [each["refund"] for each in row["credits"]] for sale, row in found.items()} == {
        "7": [],
        "8": ["invoice-99"],
    }
    assert client.named("search") == [("sale.sale",), ("account.invoice",)]


def test_a_credit_note_of_an_invoice_has_its_sale_looked_at():
    """It names none itself: a second question says which, and that of a refund is the sale that was refunded."""
    credit = {
        "id": 99,
        "create_date": moment(2),
        "write_date": None,
        "sales": [],
        "lines": [{"id": 1, "origin": "account.invoice.line,60"}],
    }
    named = {"id": 60, "invoice": {"id": 6, "sales": [{"id": 8, "origin": "sale.sale,7"}]}}
    client = Client(search=[[], [], [], [credit], [named], []])
    [page] = Follow(client, Masters(), 0.0).pull(None, None)
    assert [each.external_id for each in page.envelopes] == ["7"]


# Payments

INVOICE = {"id": 5, "number": "INV-1", "state": "posted", "party": 3, "account": 39, "company": 1, "currency": 1}
PAYMENT = {
    "invoice": 5,
    "payment_method": 1,
    "amount": Decimal("1.00"),
    "date": START.date(),
    "description": "shop:1:pay:a",
}
MOVE = {
    "id": 2,
    "number": "2",
    "state": "posted",
    "description": "shop:1:pay:a",
    "company": {"currency": {"code": "EUR"}},
    "lines": [
        {
            "debit": Decimal(0),
            "credit": Decimal("1.00"),
            "amount_second_currency": None,
            "second_currency": None,
            "account": {"type": {"receivable": 1}},
        },
        {
            "debit": Decimal("1.00"),
            "credit": Decimal(0),
            "amount_second_currency": None,
            "second_currency": None,
            "account": {"type": {"receivable": 0}},
        },
    ],
}


def payments(**answers):
    usual = {"search": [[INVOICE], [MOVE]], "create": [[9, "start", "end"]], "execute": [{}], "delete": [None]}
    client = Client(**(usual | answers))
    return Payments(client, Masters(), threading.Lock()), client


def test_a_payment_is_one_call_of_the_wizards_last_page_and_read_back():
    registrar, client = payments()
    document = registrar.register(PAYMENT)
    assert (document.key, document.total, document.currency, document.rank) == (
        "shop:1:pay:a",
        Decimal("1.00"),
        "EUR",
        Rank.CONFIRMED,
    )
    [(session, forms, page, context)] = client.named("execute")
    assert (session, page, context["active_id"]) == (9, "pay", 5)
    assert forms["ask"] == {"type": "partial"}
    assert forms["start"]["description"] == "shop:1:pay:a"
    assert client.named("delete") == [(9, {"company": 1})]


def test_money_that_is_paid_out_is_negative_and_in_the_invoices_currency():
    line = {**MOVE["lines"][0], "amount_second_currency": Decimal("7.50"), "second_currency": {"code": "USD"}}
    registrar, _ = payments(search=[[{**MOVE, "lines": [line]}]])
    [document] = registrar.find(["shop:1:pay:a"])["shop:1:pay:a"]
    assert (document.total, document.currency) == (Decimal("-7.50"), "USD")


@pytest.mark.parametrize(
    ("answers", "error", "executed"),
    [
        # Beginning the wizard pays nothing, whatever becomes of it.
        ({"create": [OutcomeUnknown("reset")]}, Transient, 0),
        ({"execute": [{"view": {"state": "ask"}}]}, RecordRejected, 1),
        ({"execute": [RecordRejected("greater than the amount to pay")]}, RecordRejected, 1),
        ({"execute": [RecordRejected("KeyError", rolled_back=False)]}, OutcomeUnknown, 1),
        ({"execute": [OutcomeUnknown("reset")]}, OutcomeUnknown, 1),
        ({"execute": [Transient("locked")]}, Transient, 1),
        ({"search": [[INVOICE], []]}, OutcomeUnknown, 1),
        ({"search": [[INVOICE], Transient("away")]}, OutcomeUnknown, 1),
        ({"search": [[{**INVOICE, "state": "draft"}]]}, RecordRejected, 0),
        ({"search": [[]]}, RecordRejected, 0),
    ],
)
def test_an_error_says_whether_the_payment_can_have_been_booked(answers, error, executed):
    registrar, client = payments(**answers)
    with pytest.raises(error) as caught:
        registrar.register(PAYMENT)
    assert type(caught.value) is error
    assert len(client.named("execute")) == executed


def test_a_wizard_that_cannot_be_ended_does_not_undo_the_payment():
    registrar, _ = payments(delete=[OutcomeUnknown("reset")])
    assert registrar.register(PAYMENT).external_id == "2"


def drafts(**answers):
    """What is asked for before a draft is made: invoice, method, currency, accounts, period."""
    asked = [
        [INVOICE],
        [{"id": 4, "journal": 2, "debit_account": 21, "credit_account": 22}],
        [{"id": 5, "currency": {"code": "EUR"}}],
        [{"id": INVOICE["account"], "party_required": True}, {"id": 21, "party_required": False},
         {"id": 22, "party_required": False}],
        [{"id": 6}],
    ]  # fmt: skip
    return payments(**{"search": asked, "create": [MOVE | {"state": "draft"}], **answers})


@pytest.mark.parametrize(
    ("amount", "customer", "counter"),
    [("1.00", ("0", "1.00"), (21, "1.00", "0")), ("-1.00", ("1.00", "0"), (22, "0", "1.00"))],
)
def test_a_draft_has_both_sides_of_what_the_wizard_would_book(amount, customer, counter):
    registrar, client = drafts()
    document = registrar.draft(PAYMENT | {"amount": Decimal(amount)})
    assert document.rank is Rank.DRAFT
    [(model, move)] = client.named("create")
    assert (model, move["origin"], move["description"]) == ("account.move", "account.invoice,5", "shop:1:pay:a")
    assert (move["journal"], move["period"], move["date"]) == (2, 6, START.date())
    [[_, lines]] = move["lines"]
    told = [(each["account"], each["party"], str(each["debit"]), str(each["credit"])) for each in lines]
    assert told == [(INVOICE["account"], INVOICE["party"], *customer), (counter[0], None, *counter[1:])]


def test_no_draft_is_made_where_a_rate_would_have_to_be_chosen_or_no_period_is_open():
    _, usual = drafts()
    rows = usual._answers["search"]
    foreign = [*rows[:2], [{"id": 5, "currency": {"code": "USD"}}]]
    for asked, told in ((foreign, "currency"), ([*rows[:4], []], "no open period")):
        registrar, client = drafts(search=asked)
        with pytest.raises(RecordRejected, match=told):
            registrar.draft(PAYMENT)
        assert client.named("create") == []


def test_without_a_login_nothing_is_sent():
    registrar, client = payments()
    client.has_login = False
    with pytest.raises(RecordRejected, match=r"`auth\.login`"):
        registrar.register(PAYMENT)
    assert client.calls == []


# Invoices


def invoices(**answers):
    client = Client(**answers)
    return Invoices(client, threading.Lock()), client


@pytest.mark.parametrize("state", ["posted", "paid"])
def test_a_posted_invoice_is_left_alone(state):
    poster, client = invoices(search=[[{"state": state}]])
    poster.post("5")
    assert client.named("press") == []


def test_nobody_is_asked_whether_the_taxes_that_were_charged_may_be_billed():
    """A delivery abroad has other taxes than its articles have by default; the server would refuse with a warning."""
    poster, client = invoices(search=[[{"state": "draft"}]], press=[{"id": 5, "state": "posted"}])
    poster.post("5")
    assert client.named("press") == [("account.invoice", 5, "post", {"_skip_warnings": True})]


def test_a_refusal_is_none_where_a_person_was_quicker():
    poster, _ = invoices(search=[[{"state": "draft"}], [{"state": "posted"}]], press=[RecordRejected("no")])
    poster.post("5")


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"search": [[{"state": "cancelled"}]]}, RecordRejected),
        ({"search": [[]]}, RecordRejected),
        ({"search": [[{"state": "draft"}]] * 2, "press": [RecordRejected("no period")]}, RecordRejected),
        ({"search": [[{"state": "draft"}], Transient("away")], "press": [RecordRejected("no")]}, OutcomeUnknown),
        ({"search": [[{"state": "draft"}]], "press": [OutcomeUnknown("reset")]}, OutcomeUnknown),
        ({"search": [[{"state": "draft"}]], "press": [Transient("locked")]}, Transient),
    ],
)
def test_an_error_says_whether_the_invoice_can_have_been_posted(answers, error):
    poster, _ = invoices(**answers)
    with pytest.raises(error) as caught:
        poster.post("5")
    assert type(caught.value) is error


def printed(**headers):
    return Response(method="GET", path="/report", write=False, status=200, headers=headers, body=b"%PDF-1.7")


def test_a_file_keeps_the_servers_name_and_type():
    headers = {
        "Content-Disposition": 'attachment; filename="Invoice-INV-1.pdf"',
        "Content-Type": "application/pdf; x=y",
    }
    given_, _ = invoices(search=[[{"state": "paid"}]], report=[printed(**headers)])
    file = given_.file("invoice", "5", 100)
    assert (file.name, file.content_type, file.body) == ("Invoice-INV-1.pdf", "application/pdf", b"%PDF-1.7")


def test_a_file_without_a_name_is_called_after_its_document():
    given_, _ = invoices(search=[[{"state": "paid"}]], report=[printed()])
    file = given_.file("invoice", "5", 100)
    assert (file.name, file.content_type) == ("invoice-5", "application/octet-stream")


@pytest.mark.parametrize(
    ("kind", "answers", "error"),
    [
        ("order", {}, RecordRejected),
        ("invoice", {"search": [[{"state": "draft"}]]}, RecordRejected),
        ("invoice", {"search": [[{"state": "paid"}]], "report": [Transient("big", code="too_large")]}, RecordRejected),
        ("invoice", {"search": [[{"state": "paid"}]], "report": [Transient("away")]}, Transient),
    ],
)
def test_there_is_no_file_of_a_draft_of_anything_else_or_beyond_the_cap(kind, answers, error):
    given_, _ = invoices(**answers)
    with pytest.raises(error) as caught:
        given_.file(kind, "5", 100)
    assert type(caught.value) is error


# Changes


def sale_row(state, **hanging):
    row = {"id": 7, "web_id": "1", "number": "1", "reference": "1", "state": state, "origin": None}
    money = {"untaxed_amount": Decimal(1), "tax_amount": Decimal(0), "total_amount": Decimal(1)}
    dates = {"create_date": START, "write_date": None, "sale_date": START.date()}
    pieces = {"shipments": [], "shipment_returns": [], "invoices": []}
    return {**row, **money, **dates, **pieces, "currency": {"code": "EUR"}, "party": 3, **hanging}


def changes(**answers):
    client = Client(**answers)
    return Changes(client), client


def test_a_quotation_is_a_draft_while_it_is_written():
    changer, client = changes(
        search=[[sale_row("quotation")]],
        press=[sale_row("draft"), sale_row("quotation")],
        update=[sale_row("draft")],
    )
    assert changer.change("7", {"comment": "x"}).rank is Rank.QUOTED
    assert [call[0] for call in client.calls] == ["search", "press", "update", "press"]
    assert [press[2] for press in client.named("press")] == ["draft", "quote"]


def test_a_quotation_whose_change_is_refused_is_quoted_again():
    changer, client = changes(
        search=[[sale_row("quotation")]],
        press=[sale_row("draft"), sale_row("quotation")],
        update=[RecordRejected("no such product")],
    )
    with pytest.raises(RecordRejected, match="no such product"):
        changer.change("7", {"comment": "x"})
    assert [press[2] for press in client.named("press")] == ["draft", "quote"]


@pytest.mark.parametrize("state", ["confirmed", "processing", "done", "cancelled"])
def test_a_later_sale_is_not_written_to_and_its_state_is_said(state):
    changer, client = changes(search=[[sale_row(state)]])
    with pytest.raises(RecordRejected, match=f"state {state}"):
        changer.change("7", {"comment": "x"})
    assert len(client.calls) == 1


def test_of_a_sale_in_process_only_what_is_still_open_is_cancelled_shipments_first():
    states = ("draft", "waiting", "assigned", "picked", "packed", "shipped", "done", "cancelled")
    hanging = {
        "shipments": [{"id": index, "state": state} for index, state in enumerate(states)],
        "invoices": [
            {"id": index, "state": state} for index, state in enumerate(("draft", "posted", "paid", "validated"))
        ],
    }
    row = sale_row("processing", **hanging)
    changer, client = changes(search=[[row], [row]], press=[{}] * 7)
    assert changer.cancel("7").state == "processing"
    assert client.named("press") == [
        *(("stock.shipment.out", number, "cancel") for number in range(5)),
        ("account.invoice", 0, "cancel"),
        ("account.invoice", 3, "cancel"),
    ]


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_what_is_done_or_cancelled_is_left_alone(state):
    changer, client = changes(search=[[sale_row(state)]])
    assert changer.cancel("7").state == state
    assert len(client.calls) == 1


@pytest.mark.parametrize(
    ("presses", "error"),
    [
        ([RecordRejected("gone")], RecordRejected),
        ([{}, RecordRejected("gone")], OutcomeUnknown),
        ([{}, Transient("away")], OutcomeUnknown),
        ([OutcomeUnknown("reset")], OutcomeUnknown),
    ],
)
def test_a_cancellation_that_ends_half_way_is_unknown(presses, error):
    row = sale_row("processing", shipments=[{"id": 1, "state": "waiting"}, {"id": 2, "state": "waiting"}])
    changer, _ = changes(search=[[row]], press=presses)
    with pytest.raises(error) as caught:
        changer.cancel("7")
    assert type(caught.value) is error


# Refunds


def test_a_refund_that_names_no_sale_is_not_sent():
    class Sales:
        def create(self, payloads):
            raise AssertionError("sent")

    for origin in (None, "sale.opportunity,1"):
        [result] = Refunds(None, None, Sales()).create([{"web_id": "1:refund:2", "origin": origin}])
        assert isinstance(result.error, RecordRejected)


# Fees

FEE = {
    "payment_method": 4,
    "account": 71,
    "amount": Decimal("0.68"),
    "date": START.date(),
    "description": "s:1:pay:a:fee",
}
DRAFT_FEE = {
    "id": 9, "number": None, "state": "draft", "description": "s:1:pay:a:fee", "date": START.date(),
    "company": {"currency": {"code": "EUR"}},
    "lines": [{"debit": Decimal("0.68")}, {"debit": Decimal(0)}],
}  # fmt: skip
POSTED_FEE = {**DRAFT_FEE, "state": "posted", "number": "17"}
METHOD = {"id": 4, "journal": 2, "debit_account": 11}


def fees(**answers):
    client = Client(**answers)
    return Fees(client, Masters(), threading.Lock()), client


def test_a_fee_is_a_draft_move_of_its_own_with_its_reference_in_the_creating_call():
    books, client = fees(search=[[METHOD], [{"id": 6}]], create=[DRAFT_FEE])
    document = books.book(FEE)
    assert (document.external_id, document.total, document.currency) == ("9", Decimal("0.68"), "EUR")
    assert (document.rank, document.key) == (Rank.DRAFT, "s:1:pay:a:fee")
    [(model, move)] = client.named("create")
    assert (model, move["description"], move["journal"], move["period"]) == ("account.move", "s:1:pay:a:fee", 2, 6)
    assert "origin" not in move, "by an origin it would be another document's"
    [[_, lines]] = move["lines"]
    told = [(each["account"], str(each["debit"]), str(each["credit"])) for each in lines]
    assert told == [(71, "0.68", "0"), (11, "0", "0.68")]


@pytest.mark.parametrize(("asked", "code"), [([[METHOD], []], "period"), ([[]], "gone")])
def test_no_fee_is_made_where_the_books_are_closed_or_its_method_is_gone(asked, code):
    books, client = fees(search=asked)
    with pytest.raises(RecordRejected) as caught:
        books.book(FEE)
    assert (caught.value.code, client.named("create")) == (code, [])


def test_a_draft_fee_is_posted_and_a_posted_one_left_alone():
    books, client = fees(search=[[DRAFT_FEE]], press=[POSTED_FEE])
    assert books.post("9").rank is Rank.CONFIRMED
    assert client.named("press") == [("account.move", 9, "post")]
    books, client = fees(search=[[POSTED_FEE]])
    assert (books.post("9").number, client.named("press")) == ("17", [])


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"search": [[]]}, RecordRejected),
        ({"search": [[DRAFT_FEE]], "press": [DRAFT_FEE]}, OutcomeUnknown),
        ({"search": [[DRAFT_FEE]], "press": [OutcomeUnknown("reset")]}, OutcomeUnknown),
        ({"search": [[DRAFT_FEE]], "press": [Transient("locked")]}, Transient),
    ],
)
def test_what_came_of_a_posting_is_said_by_its_error(answers, error):
    books, _ = fees(**answers)
    with pytest.raises(error) as caught:
        books.post("9")
    assert type(caught.value) is error
