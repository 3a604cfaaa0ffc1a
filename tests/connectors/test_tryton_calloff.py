"""Goods that are called off in Tryton, against a model of what its shipments and its wizard did on 8.2."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.errors import OutcomeUnknown, RecordRejected, Transient
from connectors.tryton.calloff import CallOff
from tests.connectors.test_tryton_way_back import Masters

SALE, REFUND, BACK = 1, 2, 7


class Server:
    """One sale in process with its shipments; what its shipments lack the server makes anew at each processing."""

    has_login = True
    deadline_s = 60.0

    def __init__(self, ordered, *, state="waiting"):
        self.ordered, self.ids = ordered, iter(range(100, 200))
        self.shipments, self.moves = {}, {}
        self.ignored, self.recreated = set(), set()
        self.returned = "draft"
        self.pressed, self.ended, self.fail = [], 0, {}
        self.process()
        for shipment in self.shipments:
            self.shipments[shipment] = state

    def process(self):
        lacks = {code: quantity - self.counted(code) for code, quantity in self.ordered.items()}
        if any(lacks.values()):
            shipment = next(self.ids)
            self.shipments[shipment] = "waiting"
            for code, quantity in lacks.items():
                if quantity:
                    move = {"product": {"code": code}, "quantity": float(quantity), "state": "draft", "sale": SALE}
                    self.moves[next(self.ids)] = move | {"shipment": shipment}

    def counted(self, code):
        return sum(
            move["quantity"]
            for number, move in self.moves.items()
            if move["product"]["code"] == code and number not in self.recreated
        )

    def planned(self):
        found = {}
        for move in self.moves.values():
            if move["state"] != "cancelled":
                code = move["product"]["code"]
                found[code] = found.get(code, 0) + move["quantity"]
        return {code: quantity for code, quantity in found.items() if quantity}

    @property
    def asks(self):
        """Moves of which the server would ask a person."""
        cancelled = {number for number, move in self.moves.items() if move["state"] == "cancelled"}
        return cancelled - self.ignored - self.recreated

    # What the connector calls

    def search(self, model, domain, fields):
        if model == "stock.shipment.out.return":
            return [{"id": BACK, "state": self.returned, "incoming_moves": [{"sale": REFUND}]}]
        if domain == [["id", "=", REFUND]]:
            return [{"id": REFUND, "shipments": [], "lines": []}]
        shipments = [
            {"id": shipment, "state": state, "outgoing_moves": [self.row(n) for n in self.of(shipment)]}
            for shipment, state in self.shipments.items()
        ]
        moves = [self.row(number) for number in self.moves]
        line = {"moves": moves, "moves_ignored": [*self.ignored], "moves_recreated": [*self.recreated]}
        return [{"id": SALE, "shipments": shipments, "lines": [line]}]

    def of(self, shipment):
        return [number for number, move in self.moves.items() if move["shipment"] == shipment]

    def row(self, number):
        return {"id": number, **self.moves[number]}

    def press(self, model, record, button, fields, **_):
        if error := self.fail.pop(button, None):
            raise error
        self.pressed.append((model.rpartition(".")[2], button))
        if model == "stock.shipment.out.return":
            self.returned = "cancelled"
            return
        self.shipments[record] = {"draft": "draft", "wait": "waiting", "cancel": "cancelled"}[button]
        for number in self.of(record):
            if button == "cancel":
                self.moves[number]["state"] = "cancelled"

    def update(self, model, record, values, fields, **_):
        shipment = self.moves[record]["shipment"]
        assert (model, self.shipments[shipment]) == ("stock.move", "draft")
        self.moves[record]["quantity"] = values["quantity"]

    def call(self, method, params, **_):
        step = method.rpartition(".")[2]
        if step == "delete":
            self.ended += 1
        if step == "execute":
            ask, context = params[1]["ask"], params[3]
            assert {*ask["ignore_moves"], *ask["recreate_moves"]} == {*ask["domain_moves"]}
            if context["active_id"] == SALE:
                self.ignored |= {*ask["ignore_moves"]}
                self.recreated |= {*ask["recreate_moves"]}
                self.process()
        return [5, "ask", "end"]


def called_off(server, **pieces):
    CallOff(server, Masters()).run(str(SALE), {code: Decimal(each) for code, each in pieces.items()}, [str(BACK)])


@given(ordered=st.dictionaries(st.sampled_from("ABC"), st.integers(1, 5), min_size=1), data=st.data())
def test_what_is_called_off_is_not_sent_and_the_rest_is(ordered, data):
    gone = {code: data.draw(st.integers(0, quantity)) for code, quantity in ordered.items()}
    server = Server(ordered)
    called_off(server, **gone)
    left = {code: quantity - gone[code] for code, quantity in ordered.items() if quantity != gone[code]}
    assert server.planned() == left
    assert server.asks == set(), "the server waits for nobody"
    assert server.returned == "cancelled"
    server.process()
    assert server.planned() == left, "nor is anything made anew when the rest leaves"


@pytest.mark.parametrize("state", ["assigned", "picked", "packed", "shipped", "done"])
def test_goods_that_somebody_may_have_in_their_hands_are_left_alone(state):
    server = Server({"A": 2}, state=state)
    with pytest.raises(RecordRejected, match="1 x A is being picked already"):
        called_off(server, A=1)
    assert server.pressed == []


def test_a_shipment_with_goods_of_other_sales_is_left_to_people():
    server = Server({"A": 2, "B": 1})
    next(move for move in server.moves.values() if move["product"]["code"] == "B")["sale"] = 99
    with pytest.raises(RecordRejected, match="holds goods of other sales"):
        called_off(server, A=1)
    assert server.pressed == []


def test_without_a_login_nothing_is_sent():
    server = Server({"A": 2})
    server.has_login = False
    with pytest.raises(RecordRejected, match=r"auth\.login"):
        called_off(server, A=1)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RecordRejected("no"), RecordRejected),
        (Transient("away"), OutcomeUnknown),
        (OutcomeUnknown("?"), OutcomeUnknown),
    ],
)
def test_what_stops_half_way_has_begun_and_a_second_try_goes_on(error, told):
    server = Server({"A": 3})
    server.fail["wait"] = error
    with pytest.raises(told):
        called_off(server, A=1)
    # Whoever looks now sees 2 planned and 1 on its way back, of 3: nothing is left to be taken out.
    assert server.planned() == {"A": 2}
    called_off(server)
    assert (server.planned(), server.asks, server.returned) == ({"A": 2}, set(), "cancelled")
    server.process()
    assert server.planned() == {"A": 2}
