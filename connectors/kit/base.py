"""What a connector is: small capability protocols and the values that cross the border to `sync`.

A connector takes and returns the other system's own JSON. It knows HTTP, paging, authentication, limits
and error codes of its vendor; it knows no VAT, discount or rounding rule, no database and no queue.
The class header is the capability list: a flow asks for a protocol, never for a vendor.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from connectors.kit.errors import ConnectorError
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.tokens import Shelf

#: A JSON object as the other system wrote it; numbers with a fraction are Decimal.
JsonDict = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Envelope:
    """One record of the other system, as it came."""

    external_id: str
    #: The vendor's own version: sortable text (usually `updated_at` as ISO-8601 UTC); chooses the newer payload.
    version: str
    payload: JsonDict
    #: The bytes from which `payload` was read, where the record came alone (a webhook); else None.
    raw: bytes | None = None
    #: True when the other system says that the record is gone for good.
    deleted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Envelopes and the checkpoint from which a later pull resumes; both are saved in one transaction."""

    envelopes: tuple[Envelope, ...]
    checkpoint: str


class Rank(enum.IntEnum):
    """How far a document got in the target; a document only ever moves up through us."""

    CANCELLED = 0
    DRAFT = 1
    QUOTED = 2
    CONFIRMED = 3


@dataclasses.dataclass(frozen=True, slots=True)
class DocumentSummary:
    """One line of a cheap list, for the proof and the nightly resync.

    `total` is the grand total including tax in `currency`, exactly as the system wrote it. `key` is our
    idempotency key where the system stores one (an ERP's sale), else the external id.
    """

    external_id: str
    key: str
    number: str
    state: str
    total: Decimal
    currency: str
    placed_at: dt.datetime
    #: The calendar day of placing in the system's own zone; None where the system has no zone of its own.
    placed_on: dt.date | None = None
    version: str = ""
    #: The source's own number where a target's document carries it (a sale's reference): a copy made by hand shows it.
    reference: str = ""
    #: How far a target's document got; None in a source's list.
    rank: Rank | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Delivery:
    """A verified webhook. `envelope` is None when the signed body could not be read or names no record."""

    topic: str
    external_id: str | None
    envelope: Envelope | None
    #: True for a hand-shake that only has to be answered (WooCommerce's `webhook_id=1`).
    ping: bool = False
    #: Why a signed body could not be read, in plain words.
    problem: str = ""
    #: True for a topic that the connector does not read: answered with 2xx, stored nowhere.
    ignored: bool = False
    #: Of one that brought several records at once: a delivery of each, and all else says nothing.
    parts: tuple[Delivery, ...] = ()
    #: Of such a part: the JSON that it is about, readable as a record or not.
    content: Any = None


class SignatureInvalid(Exception):
    """The webhook's signature is missing or does not match any of the connection's secrets."""


class Ref(Protocol):
    """Something that the target must know before a document can be written, e.g. product "SKU-1"; hashable.

    Mappings make them (`mappings.canonical.refs.Ref`), connectors resolve them; neither imports the other.
    """

    @property
    def kind(self) -> str:
        """`product`, `party`, `tax`, `country`, `payment_term`, `carrier`, `warehouse` ..."""
        ...

    @property
    def value(self) -> str:
        """The source's value, after the look-up tables: a SKU, a country code, a party's match key."""
        ...

    @property
    def hint(self) -> Mapping[str, Any]:
        """What another rung of the ladder needs (a party's e-mail ...); no part of equality."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class KeyDeclaration:
    """How one kind of document is kept single in a target."""

    #: The vendor's field that carries our key, e.g. `web_id`.
    key_field: str
    #: The target itself refuses a second document with the same key.
    enforced: bool
    #: The key is written by the very call that creates the document, or is there before it: none stands without.
    same_call: bool
    #: Documents can be created as drafts, read back by key, and deleted again.
    draft: bool = False
    #: What to create in the target so that it enforces the key, where it can; empty where it does already.
    how_to_enforce: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class TargetDocument:
    """A document that stands in the target, as read back. Amounts are as the target wrote them."""

    external_id: str
    key: str
    number: str
    state: str
    total: Decimal
    tax: Decimal | None
    currency: str
    payload: JsonDict
    #: How far it got, whatever the target calls it.
    rank: Rank
    #: The target's own version, as `FollowsSales.pull_sales` would say it; empty where it has none.
    version: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one item of a bulk call, in the order of the input: a document or an error, never both."""

    document: TargetDocument | None = None
    error: ConnectorError | None = None


class PullsOrders(Protocol):
    """Lists changed orders, oldest change first, so that nothing is lost when orders change during paging."""

    @abstractmethod
    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Yield pages from `checkpoint` on (or from `since` where there is none); each page is safe to resume from.

        Raises Transient, ConnectionBroken.
        """


@runtime_checkable
class RewindsPulls(Protocol):
    """Translates between a checkpoint, which only the connector can read, and a moment, which people can."""

    @abstractmethod
    def checkpoint_at(self, moment: dt.datetime) -> str:
        """A checkpoint from which a pull reads everything that was changed at `moment` or later."""

    @staticmethod
    @abstractmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """Up to when everything has been read. Raises ConnectionBroken for a text that is no checkpoint of ours."""


class FetchesOrders(Protocol):
    """Reads current orders by id."""

    #: How many ids one call takes.
    fetch_batch: int

    @abstractmethod
    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id; a record that is gone comes as an Envelope with `deleted`."""


class ListsOrders(Protocol):
    """A cheap id/state/amount list of every order placed in a window, in any state that counts."""

    @abstractmethod
    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order with since <= placed_at < until."""


@runtime_checkable
class SendsOrders(Protocol):
    """Only sends its orders, and cannot be asked for any: what it sent last is what it says.

    Declared instead of PullsOrders, FetchesOrders and ListsOrders; what they would answer is in our own database.
    """

    #: How its orders come: `file`, `webhook`, `api`.
    sends_by: str


@runtime_checkable
class ReadsAgain(Protocol):
    """Can make something of an unreadable delivery later: what is unreadable depends on the connection's options."""

    @abstractmethod
    def read_again(self, topic: str, body: bytes) -> Delivery:
        """What was kept of one that was verified when it came; `problem` where it still cannot be read."""


class ReadsPosted(Protocol):
    """Reads what a program sends by our own API. Pure: no HTTP, no clock."""

    @abstractmethod
    def read_posted(self, body: bytes) -> Delivery:
        """Its orders, each a part of the delivery; `problem` of a part, or of all where nothing can be read."""


@runtime_checkable
class ReceivesWebhooks(Protocol):
    """Verifies and reads what the system posts to us. Pure: no HTTP, no clock but for the age of a signed time."""

    @abstractmethod
    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Raises SignatureInvalid; a signed body that cannot be read is a Delivery with `problem`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Subscription:
    """One webhook subscription in the other system."""

    #: Empty for one that should be there and is not.
    external_id: str
    topic: str
    delivery_url: str
    active: bool


@runtime_checkable
class ManagesWebhooks(Protocol):
    """Sets up, checks and repairs the subscriptions that feed us."""

    @property
    @abstractmethod
    def has_webhook_secret(self) -> bool:
        """Whether deliveries could be verified; without a secret each would be refused."""

    @abstractmethod
    def ensure_subscriptions(self, delivery_url: str) -> list[tuple[Subscription, str]]:
        """Create or re-activate what is missing; each with what was done: `kept`, `created` or `reactivated`."""

    @abstractmethod
    def list_subscriptions(self, delivery_url: str) -> list[Subscription]:
        """The subscriptions that we need and how they stand, one of each topic; changes nothing."""


@runtime_checkable
class Diagnoses(Protocol):
    """Finds out what is wrong with an account, before an order does; changes nothing over there."""

    #: Constant id of each check -> what it looks at, in the order in which they are made.
    checks: Mapping[str, str]

    @abstractmethod
    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """One finding for each check, as soon as it is known; what cannot be looked at any more is left out.

        Each call has a deadline. Raises nothing of `connectors.kit.errors`: whatever goes wrong is a finding.
        """


class SalesTarget(Protocol):
    """An ERP that takes sales. Payloads are the vendor's JSON, made by its mapping.

    Every write says by its error whether it can have landed: RecordRejected (it did not), AlreadyExists
    (its key did before), Transient (it was never sent), OutcomeUnknown (nobody knows).
    """

    #: How many calls may be in flight at once on this connection.
    concurrency: int
    #: How many documents one bulk call takes; 1 where the target has no bulk call.
    bulk: int
    #: The longest deadline of any of the writes, in seconds.
    write_deadline_s: float
    #: After this many seconds from its start a write can no longer land, where the target itself promises it (a
    #: sandbox does); None leaves it to the connection's `settle_s`.
    settle_bound_s: float | None
    #: Kind of document -> how it is kept single. Kinds used by the spine: `sale`, `party`.
    keys: Mapping[str, KeyDeclaration]

    @abstractmethod
    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """What the target knows under each ref, batched; a ref that is absent in the answer is unknown there.

        Values are JSON with at least `id`; a product has `unit_digits`, `list_price` (Decimal or None), `taxes`
        (list of {id, rate in percent}) and `salable` too, which the verify rules read.
        """

    @abstractmethod
    def save_party(self, payload: JsonDict) -> JsonDict:
        """Make what is missing of one party (itself, with our key in the same call, or an address of it).

        Answers what `resolve` would now say for its ref. Raises AlreadyExists when the key is taken.
        """

    @abstractmethod
    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every document that stands under each key, lowest id first; a key without document is absent."""

    @abstractmethod
    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create each as a draft with its key. One Result each, in order.

        A refused batch that was rolled back whole is looked up by key and sent singly by the connector itself;
        after a time-out, reset or 5xx every item of it is OutcomeUnknown.
        """

    @abstractmethod
    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring each up to `rank` and read it back. A document that is there already is left alone."""

    @abstractmethod
    def delete_draft(self, document: TargetDocument) -> None:
        """Delete our own draft. Raises RecordRejected when it is a draft no longer."""

    @abstractmethod
    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every sale of our shop placed in the window (by its sale date), ours or not, cancelled ones too."""


class LinksDocuments(Protocol):
    """Knows where people see a document in the system's own pages. Pure: no HTTP."""

    @abstractmethod
    def link(self, kind: str, external_id: str) -> str:
        """The http(s) address of a document; empty where there is no page for it.

        Of a shop an `order`, of a CRM an `account` too; of an ERP a `sale`, `shipment`, `return`, `invoice`,
        `credit_note` or `party`.
        """


class SearchesSales(Protocol):
    """Finds sales by what people call them."""

    @abstractmethod
    def search_sales(self, text: str) -> list[DocumentSummary]:
        """Sales of our shop whose number, reference, key or id is `text`, cancelled ones too; some dozens at most.

        Raises Transient, ConnectionBroken.
        """


@runtime_checkable
class OffersTestSale(Protocol):
    """Knows a sale that a proof of the key may make and remove again."""

    @abstractmethod
    def test_sale(self, key: str) -> JsonDict:
        """The smallest payload that `create_sales` takes as a draft under `key`, for nobody's order.

        Raises Transient, ConnectionBroken, RecordRejected.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """What one configured account gives its connector. Secrets are plain texts here, and no part of the `repr`."""

    name: str
    url: str
    #: `basic`, `query`, `oauth1`, `bearer`, `session`, `none`; empty lets the connector choose by the URL.
    auth_method: str = ""
    key: str = dataclasses.field(default="", repr=False)
    secret: str = dataclasses.field(default="", repr=False)
    login: str = ""
    password: str = dataclasses.field(default="", repr=False)
    refresh_token: str = dataclasses.field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    concurrency: int | None = None
    deadline_s: float | None = None
    #: By how much a pull steps back from its checkpoint.
    overlap_s: float = 300.0
    allow_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    #: What only this system knows; the connector checks it and raises ConnectionBroken naming the option.
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    #: Where access tokens lie that all processes share; None where there is one process.
    shelf: Shelf | None = None


class Throttle(Protocol):
    """The rate limit of one connection, shared by all processes."""

    def wait(self, deadline_s: float) -> None:
        """Return when one more call may go out; raises RateLimited when that is later than the deadline."""
        ...

    def slow_down(self, seconds: float) -> None:
        """The other system asked for a pause: no process sends anything on this connection for so long."""
        ...
