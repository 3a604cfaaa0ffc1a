"""What holds for the accounts of every CRM: who is made stands once, and what an account is told stands there."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any, Final

import pytest

from connectors.kit import crm
from connectors.kit.crm import AccountMark, Made
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected, Transient
from connectors.registry import has
from connectors.sandbox.patience import wait_until
from mappings.canonical.money import Money
from mappings.canonical.records import Address
from mappings.crm import Buyer, CrmFacets, Entry, History
from mappings.registry import CRM_FACETS
from sync.contract.base import ServedContract

#: Capability -> the kind of records that it makes, as `crm_keys` calls it.
KINDS: Final[dict[type, str]] = {
    crm.CreatesAccounts: "account",
    crm.TakesContacts: "contact",
    crm.TellsAccounts: "entry",
}
#: A stand-in serves several tests: each has customers of its own.
_NUMBERS: Final = itertools.count(1)


def _buyer(**more: Any) -> Buyer:
    number = next(_NUMBERS)
    values: dict[str, Any] = {
        "company": f"Teehaus {number} GmbH",
        "first_name": "Anna",
        "last_name": "Müller",
        "email": f"anna{number}@tee.example",
        "phone": "+49 30 1234",
        "vat_id": f"DE{number:09}",
        "address": Address(street="Am Markt 1", city="Berlin", postal_code="10115", country="DE"),
    }
    return Buyer(**(values | more))


def _key() -> str:
    return f"k{next(_NUMBERS)}"


class CrmContract(ServedContract):
    """With a CRM that serves several tests, and what its mapping writes."""

    @pytest.fixture
    def target(self, fake: Any) -> Any:
        """One connector."""
        return fake.connect()

    @pytest.fixture
    def facets(self, fake: Any) -> CrmFacets:
        """What its mapping writes."""
        return CRM_FACETS[fake.system]


class KeepsAccountsContract(CrmContract):
    """`KeepsAccounts`: absolute values, and an account that cannot be told keeps no other from it."""

    def told(self, facets: CrmFacets, value: str) -> Any:
        """What an account shows of somebody who bought for so much."""
        bought, day = Money(Decimal(value), "EUR"), dt.date(2026, 11, 22)
        return facets.history(History(orders=2, value=bought, last_number="17", last_on=day, open=bought))

    def test_each_kind_of_record_declares_how_it_is_kept_single(self, target: Any) -> None:
        kinds = {kind for capability, kind in KINDS.items() if has(target, capability)}
        assert getattr(target, "crm_keys", {}).keys() == kinds
        for kind in kinds:
            assert target.crm_keys[kind].key_field
            assert target.crm_keys[kind].same_call

    def test_the_surest_mark_that_finds_anything_decides(self, fake: Any, target: Any) -> None:
        mine, theirs = (fake.account(f"Teehaus {next(_NUMBERS)}") for _ in range(2))
        by_name = f"Teehaus {next(_NUMBERS)}"
        named = fake.account(by_name)
        marks = [
            AccountMark(account_id=mine, name=by_name),
            AccountMark(account_id=theirs),
            AccountMark(name=by_name),
            AccountMark(vat_id="DE999999999", email="nobody@tee.example", name="Nobody Ltd"),
            AccountMark(),
        ]
        found = target.find_accounts(marks)
        assert [[row["id"] for row in rows] for rows in found] == [[mine], [theirs], [named], [], []]

    def test_the_newest_figures_stand_and_twice_is_once(self, fake: Any, target: Any, facets: CrmFacets) -> None:
        there = fake.account(f"Teehaus {next(_NUMBERS)}")
        assert target.update_accounts({there: self.told(facets, "12.30")}) == {}
        for _ in range(2):
            assert target.update_accounts({there: self.told(facets, "1130.50")}) == {}
            assert fake.bought(there) == Decimal("1130.50")

    def test_an_account_that_is_gone_keeps_no_other_from_being_told(
        self, fake: Any, target: Any, facets: CrmFacets
    ) -> None:
        there = [fake.account(f"Teehaus {next(_NUMBERS)}") for _ in range(2)]
        payload = self.told(facets, "12.30")
        wrong = target.update_accounts({there[0]: payload, fake.unknown_account: payload, there[1]: payload})
        assert {name: (type(error), error.code) for name, error in wrong.items()} == {
            fake.unknown_account: (RecordRejected, crm.GONE)
        }
        assert [fake.bought(each) for each in there] == [Decimal("12.30")] * 2


class _MakesAccounts(CrmContract):
    """What every kind of record needs: an account."""

    def create(self, target: Any, facets: CrmFacets, key: str, who: Buyer) -> Made:
        """What becomes of an account under this key."""
        assert facets.account is not None
        made: Made = target.create_accounts({key: facets.account(who)})[key]
        return made

    @pytest.fixture
    def account(self, target: Any, facets: CrmFacets) -> str:
        """Of somebody."""
        return self.create(target, facets, _key(), _buyer()).external_id

    @pytest.fixture
    def another(self, target: Any, facets: CrmFacets) -> str:
        """Of somebody else."""
        return self.create(target, facets, _key(), _buyer()).external_id


class CreatesAccountsContract(_MakesAccounts):
    """`CreatesAccounts`: one under each key, whatever is lost on the way."""

    def test_one_is_made_once_and_found_by_what_it_was_made_of(self, fake: Any, target: Any, facets: CrmFacets) -> None:
        who, key = _buyer(), _key()
        first = self.create(target, facets, key, who)
        again = self.create(target, facets, key, _buyer(company="Somebody else"))
        assert target.takes_accounts()
        assert (first.new, first.error, again.new, again.error) == (True, None, False, None)
        assert again.external_id == first.external_id
        assert fake.accounts(key) == [first.external_id]
        found = target.find_accounts([AccountMark(vat_id=who.vat_id), AccountMark(name=who.company)])
        assert [[each["id"] for each in rows] for rows in found] == [[first.external_id]] * 2

    def test_several_are_made_in_one_call_and_one_that_stands_is_left_alone(
        self, target: Any, facets: CrmFacets
    ) -> None:
        assert facets.account is not None
        keys = [_key() for _ in range(3)]
        there = self.create(target, facets, keys[1], _buyer())
        made = target.create_accounts({key: facets.account(_buyer()) for key in keys})
        assert [made[key].new for key in keys] == [True, False, True]
        assert made[keys[1]].external_id == there.external_id
        assert len({each.external_id for each in made.values()}) == 3

    @pytest.mark.parametrize("fault", ["commit_then_drop", "drop_then_commit", "html", "reset"])
    def test_an_answer_that_is_lost_leaves_one(self, fake: Any, target: Any, facets: CrmFacets, fault: str) -> None:
        who, key = _buyer(), _key()
        fake.break_next("account", kind=fault, after_s=0.2)
        first = self.create(target, facets, key, who)
        assert first.error is None or isinstance(first.error, OutcomeUnknown)
        if fault.endswith("commit"):
            wait_until(lambda: fake.accounts(key))
        again = self.create(target, facets, key, who)
        assert again.error is None
        assert fake.accounts(key) == [again.external_id]

    def test_a_crm_that_is_away_says_so_and_makes_nothing(self, fake: Any, target: Any, facets: CrmFacets) -> None:
        key = _key()
        fake.break_next("account", kind="status", status=503, count=None)
        try:
            made = self.create(target, facets, key, _buyer())
        except Transient:
            made = None
        assert made is None or isinstance(made.error, OutcomeUnknown)
        assert fake.accounts(key) == []


class TakesContactsContract(_MakesAccounts):
    """`TakesContacts`: one for each e-mail address, at one account."""

    def contact(self, facets: CrmFacets, who: Buyer, account: str) -> Any:
        """What is told of somebody who buys for an account."""
        assert facets.contact is not None
        return facets.contact(who, account)

    def test_several_people_buy_for_one_account_and_each_stands_once(
        self, target: Any, facets: CrmFacets, account: str
    ) -> None:
        people = [_buyer(), _buyer(first_name="Jörg", last_name=""), _buyer(first_name="", last_name="")]
        told = {who.email: self.contact(facets, who, account) for who in people}
        first, again = target.create_contacts(told), target.create_contacts(told)
        assert [each.new for each in first.values()] == [True] * 3
        assert [(each.new, each.error) for each in again.values()] == [(False, None)] * 3
        assert [each.external_id for each in again.values()] == [each.external_id for each in first.values()]
        found = target.find_accounts([AccountMark(email=who.email.upper()) for who in people])
        assert [[each["id"] for each in rows] for rows in found] == [[account]] * 3

    def test_one_of_another_account_stays_there(
        self, target: Any, facets: CrmFacets, account: str, another: str
    ) -> None:
        who = _buyer()
        target.create_contacts({who.email: self.contact(facets, who, another)})
        refused = target.create_contacts({who.email: self.contact(facets, who, account)})[who.email]
        assert isinstance(refused.error, AlreadyExists)
        assert refused.error.code == "elsewhere"
        assert [each["id"] for each in target.find_accounts([AccountMark(email=who.email)])[0]] == [another]

    @pytest.mark.parametrize("fault", ["commit_then_drop", "drop_then_commit", "html"])
    def test_one_whose_answer_is_lost_stands_once(
        self, fake: Any, target: Any, facets: CrmFacets, account: str, fault: str
    ) -> None:
        who = _buyer()
        told = {who.email: self.contact(facets, who, account)}
        fake.break_next("contact", kind=fault, after_s=0.2)
        target.create_contacts(told)
        if fault.endswith("commit"):
            wait_until(lambda: fake.contacts(who.email))
        made = target.create_contacts(told)[who.email]
        assert made.error is None
        assert fake.contacts(who.email) == [made.external_id]


class TellsAccountsContract(_MakesAccounts):
    """`TellsAccounts`: an entry carries its key, by which it is found before another is written."""

    def add(self, target: Any, facets: CrmFacets, account: str, key: str) -> Any:
        """Write one."""
        assert facets.entry is not None
        entry = Entry(key=key, title="Order 17", lines=("2026-11-22 | 12.30 EUR", "1 x Tee", "2 x Kanne"))
        return target.add_entry(account, facets.entry(entry))

    def keys(self, target: Any, facets: CrmFacets, account: str, **since: Any) -> list[str]:
        """Of the entries at an account."""
        return [facets.entry_key(each) for each in target.list_entries(account, **since)]

    def test_they_stand_at_their_account_oldest_first_and_say_what_happened(
        self, target: Any, facets: CrmFacets, account: str, another: str
    ) -> None:
        keys = [_key() for _ in range(3)]
        made = [self.add(target, facets, account, key) for key in keys]
        assert target.takes_entries()
        assert self.keys(target, facets, account) == keys
        assert self.keys(target, facets, another) == []
        assert [each["id"] for each in target.list_entries(account)] == [each["id"] for each in made]
        text = "\n".join(map(str, target.list_entries(account)[0].values()))
        assert all(part in text for part in ("Order 17", "12.30 EUR", "2 x Kanne"))
        an_hour_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        assert self.keys(target, facets, account, since=an_hour_ago) == keys

    @pytest.mark.parametrize("fault", ["commit_then_drop", "drop_then_commit", "html"])
    def test_one_whose_answer_is_lost_is_found_by_its_key_before_another_is_written(
        self, fake: Any, target: Any, facets: CrmFacets, account: str, fault: str
    ) -> None:
        key = _key()
        fake.break_next("entry", kind=fault, after_s=0.2)
        with pytest.raises(OutcomeUnknown):
            self.add(target, facets, account, key)
        if fault == "html":
            assert self.keys(target, facets, account) == []
            self.add(target, facets, account, key)
        else:
            wait_until(lambda: self.keys(target, facets, account))
        assert self.keys(target, facets, account) == [key]

    def test_nobody_writes_to_an_account_that_is_gone(self, fake: Any, target: Any, facets: CrmFacets) -> None:
        with pytest.raises(RecordRejected) as caught:
            self.add(target, facets, fake.unknown_account, _key())
        assert caught.value.code == crm.GONE
