"""What holds for the accounts of every CRM, whatever it speaks to: one suite over all of them, by capability."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from connectors.kit import crm
from connectors.kit.crm import AccountMark
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected, Transient
from connectors.registry import CONNECTORS, has
from mappings.canonical.records import Address
from mappings.crm import Buyer, Entry
from mappings.registry import CRM_FACETS
from tests.contract.crm_fakes import CRMS
from tests.shared import wait_until

pytestmark = pytest.mark.loopback

#: Capability -> the kind of records that it makes.
KINDS = {crm.CreatesAccounts: "account", crm.TakesContacts: "contact", crm.TellsAccounts: "entry"}
#: A stand-in serves the whole module: each test has customers of its own.
NUMBERS = itertools.count(1)


def every(capability):
    """Run the test for each CRM that declares this capability."""
    able = sorted(system for system in CRMS if has(CONNECTORS[system], capability))
    return pytest.mark.parametrize("served", able, indirect=True, scope="module")


@pytest.fixture(scope="module")
def served(request):
    with CRMS[request.param]() as running:
        yield running


@pytest.fixture
def fake(served):
    served.mend()
    return served


@pytest.fixture
def connector(fake):
    return fake.connect()


def buyer(**more):
    number = next(NUMBERS)
    values = {
        "company": f"Teehaus {number} GmbH",
        "first_name": "Anna",
        "last_name": "Müller",
        "email": f"anna{number}@tee.example",
        "phone": "+49 30 1234",
        "vat_id": f"DE{number:09}",
        "address": Address(street="Am Markt 1", city="Berlin", postal_code="10115", country="DE"),
    }
    return Buyer(**(values | more))


def payload(fake, who):
    return CRM_FACETS[fake.system].account(who)


def create(fake, connector, key, who):
    return connector.create_accounts({key: payload(fake, who)})[key]


def test_every_crm_takes_part_and_has_a_mapping_for_what_it_makes():
    able = {name for name in CONNECTORS if any(has(CONNECTORS[name], each) for each in KINDS)}
    assert able == CRMS.keys()
    assert all(CRM_FACETS[name].account is not None for name in able)
    tells = {name for name in able if has(CONNECTORS[name], crm.TellsAccounts)}
    assert tells == {name for name in able if CRM_FACETS[name].entry is not None}
    contacts = {name for name in able if has(CONNECTORS[name], crm.TakesContacts)}
    assert contacts == {name for name in able if CRM_FACETS[name].contact is not None}


@every(crm.KeepsAccounts)
def test_each_kind_of_record_declares_how_it_is_kept_single(connector):
    assert connector.crm_keys.keys() == {kind for each, kind in KINDS.items() if has(connector, each)}
    for declared in connector.crm_keys.values():
        assert declared.key_field
        assert declared.same_call


# Accounts


@every(crm.CreatesAccounts)
def test_an_account_is_made_once_and_found_by_what_it_was_made_of(fake, connector):
    who, key = buyer(), f"k{next(NUMBERS)}"
    first = create(fake, connector, key, who)
    again = create(fake, connector, key, buyer(company="Somebody else"))
    assert connector.takes_accounts()
    assert (first.new, first.error, again.new, again.error) == (True, None, False, None)
    assert again.external_id == first.external_id
    assert fake.accounts(key) == [first.external_id]
    found = connector.find_accounts([AccountMark(vat_id=who.vat_id), AccountMark(name=who.company)])
    assert [[each["id"] for each in rows] for rows in found] == [[first.external_id]] * 2


@every(crm.CreatesAccounts)
def test_several_are_made_in_one_call_and_one_that_stands_is_left_alone(fake, connector):
    keys = [f"k{next(NUMBERS)}" for _ in range(3)]
    there = create(fake, connector, keys[1], buyer())
    made = connector.create_accounts({key: payload(fake, buyer()) for key in keys})
    assert [made[key].new for key in keys] == [True, False, True]
    assert made[keys[1]].external_id == there.external_id
    assert len({each.external_id for each in made.values()}) == 3


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_then_commit", "html", "reset"])
@every(crm.CreatesAccounts)
def test_an_answer_that_is_lost_leaves_one_account(fake, connector, kind):
    who, key = buyer(), f"k{next(NUMBERS)}"
    fake.break_next("account", kind=kind, after_s=0.2)
    first = create(fake, connector, key, who)
    assert first.error is None or isinstance(first.error, OutcomeUnknown)
    if kind.endswith("commit"):
        wait_until(lambda: fake.accounts(key))
    again = create(fake, connector, key, who)
    assert again.error is None
    assert fake.accounts(key) == [again.external_id]


@every(crm.CreatesAccounts)
def test_a_crm_that_is_away_says_so_and_makes_nothing(fake, connector):
    key = f"k{next(NUMBERS)}"
    fake.break_next("account", kind="status", status=503, count=None)
    try:
        made = create(fake, connector, key, buyer())
    except Transient:
        made = None
    assert made is None or isinstance(made.error, OutcomeUnknown)
    assert fake.accounts(key) == []


# Contacts


@every(crm.TakesContacts)
def test_several_people_buy_for_one_account_and_each_stands_once(fake, connector):
    account = create(fake, connector, f"k{next(NUMBERS)}", buyer()).external_id
    people = [buyer(), buyer(first_name="Jörg", last_name=""), buyer(first_name="", last_name="")]
    contact = CRM_FACETS[fake.system].contact
    told = {who.email: contact(who, account) for who in people}
    first, again = connector.create_contacts(told), connector.create_contacts(told)
    assert [each.new for each in first.values()] == [True] * 3
    assert [(each.new, each.error) for each in again.values()] == [(False, None)] * 3
    assert [each.external_id for each in again.values()] == [each.external_id for each in first.values()]
    found = connector.find_accounts([AccountMark(email=who.email.upper()) for who in people])
    assert [[each["id"] for each in rows] for rows in found] == [[account]] * 3


@every(crm.TakesContacts)
def test_a_contact_of_another_account_stays_there(fake, connector):
    mine, theirs = [create(fake, connector, f"k{next(NUMBERS)}", buyer()).external_id for _ in range(2)]
    who, contact = buyer(), CRM_FACETS[fake.system].contact
    connector.create_contacts({who.email: contact(who, theirs)})
    refused = connector.create_contacts({who.email: contact(who, mine)})[who.email]
    assert isinstance(refused.error, AlreadyExists)
    assert refused.error.code == "elsewhere"
    assert [each["id"] for each in connector.find_accounts([AccountMark(email=who.email)])[0]] == [theirs]


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_then_commit", "html"])
@every(crm.TakesContacts)
def test_a_contact_whose_answer_is_lost_stands_once(fake, connector, kind):
    account = create(fake, connector, f"k{next(NUMBERS)}", buyer()).external_id
    who = buyer()
    told = {who.email: CRM_FACETS[fake.system].contact(who, account)}
    fake.break_next("contact", kind=kind, after_s=0.2)
    connector.create_contacts(told)
    if kind.endswith("commit"):
        wait_until(lambda: fake.contacts(who.email))
    made = connector.create_contacts(told)[who.email]
    assert made.error is None
    assert fake.contacts(who.email) == [made.external_id]


# Entries of the history


def told(fake, connector, account):
    """The keys of the entries at an account."""
    return [CRM_FACETS[fake.system].entry_key(each) for each in connector.list_entries(account)]


def add(fake, connector, account, key):
    entry = Entry(key=key, title="Order 17", lines=("2026-11-22 | 12.30 EUR", "1 x Tee", "2 x Kanne"))
    return connector.add_entry(account, CRM_FACETS[fake.system].entry(entry))


@every(crm.TellsAccounts)
def test_entries_stand_at_their_account_oldest_first_and_say_what_happened(fake, connector):
    mine, theirs = [create(fake, connector, f"k{next(NUMBERS)}", buyer()).external_id for _ in range(2)]
    keys = [f"e{next(NUMBERS)}" for _ in range(3)]
    made = [add(fake, connector, mine, key) for key in keys]
    assert connector.takes_entries()
    assert told(fake, connector, mine) == keys
    assert told(fake, connector, theirs) == []
    assert [each["id"] for each in connector.list_entries(mine)] == [each["id"] for each in made]
    text = "\n".join(map(str, connector.list_entries(mine)[0].values()))
    assert all(part in text for part in ("Order 17", "12.30 EUR", "2 x Kanne"))
    now = dt.datetime.now(dt.UTC)
    assert told_since(fake, connector, mine, now - dt.timedelta(hours=1)) == keys


def told_since(fake, connector, account, since):
    return [CRM_FACETS[fake.system].entry_key(each) for each in connector.list_entries(account, since=since)]


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_then_commit", "html"])
@every(crm.TellsAccounts)
def test_an_entry_whose_answer_is_lost_is_found_by_its_key_before_another_is_written(fake, connector, kind):
    account, key = create(fake, connector, f"k{next(NUMBERS)}", buyer()).external_id, f"e{next(NUMBERS)}"
    fake.break_next("entry", kind=kind, after_s=0.2)
    with pytest.raises(OutcomeUnknown):
        add(fake, connector, account, key)
    if kind == "html":
        assert told(fake, connector, account) == []
        add(fake, connector, account, key)
    else:
        wait_until(lambda: told(fake, connector, account))
    assert told(fake, connector, account) == [key]


@every(crm.TellsAccounts)
def test_nobody_writes_to_an_account_that_is_gone(fake, connector):
    with pytest.raises(RecordRejected) as caught:
        add(fake, connector, fake.unknown_account, f"e{next(NUMBERS)}")
    assert caught.value.code == crm.GONE
