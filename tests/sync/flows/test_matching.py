"""Customers who might be several of the ERP's: held once, decided once, and carried by that decision from then on."""

from __future__ import annotations

import pytest

from config.model import MatchPolicy
from sync.desk.bulk import advance
from sync.desk.matches import MatchRefused, decide_match, match_detail, match_page, undo_match
from sync.store import marking
from sync.store.audit import Actor
from sync.store.matches import Answer
from tests.sync.flows.world import World

BO = Actor("bo", "console")
MAIL = "ann@example.test"


@pytest.fixture
def world(sqlite_store):
    world = World(sqlite_store)
    world.sold_to = []
    world.erp.watch = lambda payload: world.sold_to.append(str(payload["party"]))
    return world


def ordered(world, customer="ann", company="", **changes):
    order = world.shop.place(customer=customer, **changes)
    if company:
        world.shop.orders[order]["billing"]["company"] = company
    return order


def matches(world, **kw):
    return [match for match, _ in match_page(world.store, world.config, **kw).entries]


def decided(world, answer, chosen="", match=None):
    match = match or matches(world)[0]
    found = decide_match(world.store, world.config, match.id, answer, chosen, actor=BO, reason="asked them")
    advance(world.store)
    world.drain()
    return found


@pytest.fixture
def twins(world):
    """Two customers of the ERP have one mailbox."""
    return world.erp.know("Ann", "C1", MAIL), world.erp.know("Ann's sister", "C2", MAIL)


def test_no_number_of_customers_is_the_customer_and_one_word_lets_all_their_orders_go(world, twins):
    first, second, other = ordered(world), ordered(world), ordered(world, customer="joe")
    world.carry()
    assert [world.item(order).state for order in (first, second, other)] == ["parked", "parked", "done"]
    [(match, blocked)] = match_page(world.store, world.config).entries
    assert (match.key, match.rung, match.connection) == (f"email:{MAIL}", "email", "erp")
    assert [(each.id, each.same) for each in match.candidates] == [(twins[0], ("email",)), (twins[1], ("email",))]
    assert (blocked.orders, blocked.money) == (2, {"EUR": 40})
    assert match.customer.number == "WC-1"
    done = decided(world, Answer.SAME, twins[1])
    assert done.released.orders == 2
    assert world.causes() == {}
    assert world.sold_to[1:] == [twins[1], twins[1]]
    # From then on nobody is asked.
    third = ordered(world)
    world.carry()
    assert world.sales(third)
    assert world.sold_to[3:] == [twins[1]]
    assert matches(world) == []


def test_a_customer_who_is_kept_apart_is_made_once(world, twins):
    ordered(world)
    world.carry()
    decided(world, Answer.APART)
    ordered(world)
    world.carry()
    assert list(world.erp.parties) == [f"email:{MAIL}"]
    assert len(world.sold_to) == 2
    assert len(set(world.sold_to)) == 1
    assert world.sold_to[0] not in twins


def test_a_chosen_customer_who_is_gone_is_asked_for_again_with_the_reason(world, twins):
    ordered(world)
    world.carry()
    decided(world, Answer.SAME, twins[1])
    world.erp.people = [each for each in world.erp.people if str(each["id"]) != twins[1]]
    late = ordered(world)
    world.carry()
    assert world.causes() == {"ambiguous_party": 1}
    [match] = matches(world)
    assert match.why == "Ann's sister (C2), which was chosen, is not there any more"
    assert [each.id for each in match.candidates] == [twins[0]]
    # Looking again changes nothing of it: a person had another opinion than the ladder has now.
    world.write(lambda c: marking.release(c, [world.item(late).id]))
    world.drain()
    assert not world.sales(late)
    decided(world, Answer.SAME, twins[0])
    assert world.sold_to == [twins[1], twins[0]]


def test_what_the_erp_knows_by_now_is_in_doubt_no_longer(world, twins):
    order = ordered(world)
    world.carry()
    world.erp.people.pop()
    world.write(lambda c: marking.release(c, [world.item(order).id]))
    world.drain()
    assert world.sold_to == [twins[0]]
    assert matches(world) == matches(world, decided=True) == []


def test_a_decision_that_is_taken_back_counts_for_no_later_order(world, twins):
    ordered(world)
    world.carry()
    match = matches(world)[0]
    decided(world, Answer.SAME, twins[0])
    undo_match(world.store, match.id, actor=BO)
    ordered(world)
    world.carry()
    assert world.causes() == {"ambiguous_party": 1}
    assert matches(world)[0].id == match.id
    with pytest.raises(MatchRefused, match="nobody has decided it"):
        undo_match(world.store, match.id, actor=BO)
    actions = [entry.action for entry in match_detail(world.store, world.systems, match.id).history]
    assert actions == ["match decision taken back", "match decided"]


def test_an_email_alone_is_no_word_for_a_company_that_is_called_otherwise(world):
    ann = world.erp.know("Ann Gruber", "C1", MAIL)
    ordered(world, company="Bar GmbH")
    private = ordered(world)
    world.carry()
    assert world.causes() == {"ambiguous_party": 1}
    assert world.sales(private)
    [match] = matches(world)
    assert match.key == f"email:{MAIL}#bar"
    decided(world, Answer.APART)
    # The same company, written otherwise.
    ordered(world, company="BAR Ges.m.b.H. & Co. KG")
    ordered(world)
    world.carry()
    assert list(world.erp.parties) == [f"email:{MAIL}#bar"]
    [bar] = map(str, world.erp.parties[f"email:{MAIL}#bar"])
    assert world.sold_to == [ann, bar, bar, ann]


def test_a_company_that_the_erp_knows_under_its_name_is_known_by_its_email(world):
    known = world.erp.know("Bar", "C1", MAIL)
    ordered(world, company="Bar GmbH")
    world.carry()
    assert world.sold_to == [known]


def test_a_channel_may_trust_the_email(sqlite_store):
    world = World(sqlite_store, match=MatchPolicy.TRUST_EMAIL)
    world.erp.know("Ann Gruber", "C1", MAIL)
    order = ordered(world, company="Bar GmbH")
    world.carry()
    assert world.sales(order)


@pytest.mark.parametrize(
    ("answer", "chosen", "told"),
    [(Answer.SAME, "4711", r"one of .*Ann.*, not '4711'"), (Answer.SAME, "", "not ''")],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(world, twins, answer, chosen, told):
    ordered(world)
    world.carry()
    [match] = matches(world)
    with pytest.raises(MatchRefused, match=told):
        decide_match(world.store, world.config, match.id, answer, chosen, actor=BO)
    with pytest.raises(LookupError):
        decide_match(world.store, world.config, 4711, answer, chosen, actor=BO)
    assert matches(world) == [match]
    decided(world, Answer.SAME, twins[0])
    with pytest.raises(MatchRefused, match="bo has decided it already"):
        decide_match(world.store, world.config, match.id, Answer.APART, "", actor=BO)


def test_customers_with_our_own_key_cannot_be_kept_apart(world):
    world.erp.know("Ann", f"email:{MAIL}")
    world.erp.know("Ann again", f"email:{MAIL}")
    ordered(world)
    world.carry()
    [match] = matches(world)
    assert match.rung == "code"
    with pytest.raises(MatchRefused, match="our own key"):
        decide_match(world.store, world.config, match.id, Answer.APART, "", actor=BO)
