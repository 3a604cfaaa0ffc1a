"""What the configuration folder declares, validated and frozen; `config.loader` makes these from YAML."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import hmac
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NoReturn, Self

#: Texts from the environment may hold surrogate escapes; they compare like any other.
_AS_BYTES: Final = ("utf-8", "surrogateescape")


class Secret:
    """A text that never shows itself: `***` in `repr`, `str`, formats, logs and tracebacks.

    It is no `str` on purpose: `json.dumps` and `orjson.dumps` write what a subclass of `str` holds, and refuse this.
    It cannot be pickled either, so it never gets into a queue or a cache. `reveal()` belongs at the one place that
    sends it. Equality takes the same time wherever two secrets differ; a plain text never equals a secret.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str = "") -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself, as a plain `str`."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        # The width of a format would be kept, its content never.
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(*_AS_BYTES), other._text.encode(*_AS_BYTES))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Secret does not change")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the name of its connection and load the configuration there")


NO_SECRET: Final = Secret()


class Mode(enum.StrEnum):
    """What a verify rule does when it finds something."""

    HOLD = "hold"
    WARN = "warn"
    OFF = "off"


class StatusAction(enum.StrEnum):
    """What the status policy says of an order in some source state."""

    IMPORT = "import"
    WAIT = "wait"
    SKIP = "skip"
    CANCEL = "cancel"


class DocumentState(enum.StrEnum):
    """How far a sale is brought in the ERP."""

    DRAFT = "draft"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"


#: The rules that an order is held against, in the order in which they run, and what each does where a channel says
#: nothing. Only two are not `hold`: a price that differs from the ERP's list is everyday business (sales, coupons,
#: customer prices), and a payment method needs a mapping only where the ERP books payments.
DEFAULT_RULES: Final[Mapping[str, Mode]] = {
    "totals": Mode.HOLD,
    "duplicate_order": Mode.HOLD,
    "unknown_sku": Mode.HOLD,
    "unit": Mode.HOLD,
    "price": Mode.WARN,
    "tax": Mode.HOLD,
    "payment_method": Mode.OFF,
    "address": Mode.HOLD,
    "test_order": Mode.HOLD,
    "value_limit": Mode.HOLD,
}
VERIFY_RULES: Final = tuple(DEFAULT_RULES)

#: The words of a status key. The canonical records own them; a test holds both against each other.
ORDER_STATES: Final = (
    "draft",
    "pending",
    "on_hold",
    "processing",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "trashed",
    "deleted",
)
PAYMENT_STATES: Final = ("unpaid", "authorized", "paid", "partially_refunded", "refunded")

#: What happens to an order that the ERP does not have yet; every state with every payment state has an answer.
DEFAULT_STATUS: Final[Mapping[str, StatusAction]] = {
    "draft": StatusAction.SKIP,
    "failed": StatusAction.SKIP,
    "cancelled": StatusAction.SKIP,
    "trashed": StatusAction.SKIP,
    "deleted": StatusAction.SKIP,
    # Money went back before the ERP knew of the order. A sale made now would reserve and ship goods that nobody pays
    # for, and there is nothing in the ERP to take back. Who wants sale and credit note in the books says `import`.
    "refunded": StatusAction.SKIP,
    "pending/refunded": StatusAction.SKIP,
    "on_hold/refunded": StatusAction.SKIP,
    "processing/refunded": StatusAction.SKIP,
    "completed/refunded": StatusAction.SKIP,
    # Pending and on hold: the shop itself still waits for the money (a card that may fail, a bank transfer).
    "*/unpaid": StatusAction.WAIT,
    # Cash on delivery and invoice customers: the shop accepted the order before it was paid.
    "processing/unpaid": StatusAction.IMPORT,
    "completed/unpaid": StatusAction.IMPORT,
    "*/authorized": StatusAction.IMPORT,
    "*/paid": StatusAction.IMPORT,
    "*/partially_refunded": StatusAction.IMPORT,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Credentials of a connection; which of them a system needs is in its page of the docs."""

    #: `basic`, `query`, `oauth1`, `bearer`, `session` or `none`; empty lets the connector choose by the URL.
    method: str = ""
    key: Secret = NO_SECRET
    secret: Secret = NO_SECRET
    login: str = ""
    password: Secret = NO_SECRET


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One configured account on one system."""

    name: str
    system: str
    url: str
    auth: Auth = Auth()
    #: All of them are accepted, so that a secret can be changed without losing a delivery.
    webhook_secrets: tuple[Secret, ...] = ()
    #: Calls in flight at once, over all workers; None takes what the connector declares.
    concurrency: int | None = None
    #: Requests a second, over all processes; None means no limit of ours.
    rate_per_s: float | None = None
    #: Deadline of one call, in seconds; None takes what the connector declares.
    deadline_s: float | None = None
    #: How long after a write a look-up that finds nothing is conclusive, in seconds.
    settle_s: float = 120.0
    #: Hosts or networks that may be private addresses (an ERP on the premises, a sandbox on loopback).
    allow_hosts: tuple[str, ...] = ()
    #: A PEM file with the certificate authority of an on-premise system.
    ca_file: Path | None = None
    #: Currency -> decimals to which this system rounds; the currency's usual number where it is not named.
    minor_units: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: What only this system knows, e.g. Tryton `database`, `web_shop`; checked by its connector.
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a channel does with its orders."""

    #: Orders placed before this are not imported; None means "from the first start of the channel".
    start_at: dt.datetime | None = None
    #: Status key -> action, complete: the channel's own keys over `DEFAULT_STATUS`. `status_action` reads it.
    status: Mapping[str, StatusAction] = dataclasses.field(default_factory=lambda: dict(DEFAULT_STATUS))
    #: Verify rule -> mode, complete: the channel's own over `DEFAULT_RULES`.
    rules: Mapping[str, Mode] = dataclasses.field(default_factory=lambda: dict(DEFAULT_RULES))
    #: How many units of the last decimal that the shop writes may be carried as rounding.
    totals_threshold: int = 5
    #: Currency -> grand total above which an order needs approval.
    value_limits: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    #: Minutes within which an equal order of the same customer is taken for a duplicate.
    duplicate_window_min: int = 10
    #: Percent by which a line's price may differ from the ERP's list price.
    price_tolerance: Decimal = Decimal(10)
    #: ISO code of the country whose taxes the ERP's articles carry; orders to other countries are taxed by their own
    #: rules and are not held by the `tax` rule. Empty holds every order against the articles' taxes.
    home_country: str = ""
    document_state: DocumentState = DocumentState.CONFIRMED
    #: What the target mapping needs to know, e.g. Tryton `shipping_product`, `warehouse`, `payment_term`.
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def status_action(self, state: str, payment_state: str) -> tuple[StatusAction, str]:
        """What to do with an order in this state, and the status key that says so (for the reason that is kept).

        `<state>/<payment>` goes before `<state>`, and that before `*/<payment>`.
        """
        for key in (f"{state}/{payment_state}", state, f"*/{payment_state}"):
            if key in self.status:
                return self.status[key], key
        raise KeyError(f"{state}/{payment_state}")


class HeldOrders(enum.StrEnum):
    """What orders that wait for a person do to the stock that a channel shows."""

    COUNT = "count"
    IGNORE = "ignore"


class Backorders(enum.StrEnum):
    """Whether a shop may sell what is not there."""

    LEAVE = "leave"
    YES = "yes"
    NO = "no"


class MissingArticles(enum.StrEnum):
    """What is said of an article that the ERP has and the shop has not."""

    HOLD = "hold"
    IGNORE = "ignore"


#: In `StockPolicy.freeze`: every article of the channel.
EVERYTHING: Final = "*"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockPolicy:
    """What a channel's shop shows of the ERP's stock."""

    push: bool = False
    held_orders: HeldOrders = HeldOrders.COUNT
    #: Units that are never shown.
    safety: Decimal = Decimal(0)
    #: The same in percent of what the ERP has; both are taken off.
    safety_percent: Decimal = Decimal(0)
    #: Percent of what is available that this channel may sell.
    share: Decimal = Decimal(100)
    #: The most that is shown; None shows all.
    cap: Decimal | None = None
    #: Decimals of a shown quantity; the rest is cut off.
    decimals: int = 0
    backorders: Backorders = Backorders.LEAVE
    #: ERP warehouses that the one place of the shop shows; empty for all that the ERP has.
    warehouses: tuple[str, ...] = ()
    #: For a shop with places of its own: its place -> the ERP warehouses that it shows.
    locations: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    #: The shop's SKUs that are left as they are; `*` for all.
    freeze: tuple[str, ...] = ()
    missing: MissingArticles = MissingArticles.IGNORE

    @property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """The shop's place (empty for a shop without places) -> warehouses; empty for all that the ERP has."""
        return self.locations or {"": self.warehouses}

    def is_frozen(self, sku: str) -> bool:
        """Whether the shop keeps what it shows for this article."""
        return EVERYTHING in self.freeze or sku in self.freeze


class Needs(enum.StrEnum):
    """What a routing rule demands of a warehouse."""

    #: It has every line, as far as the ERP's stock is known.
    HAS_ALL = "has_all"
    ALWAYS = "always"


class ShortLines(enum.StrEnum):
    """What happens to an order of which no warehouse has everything."""

    BACKORDER = "backorder"
    HOLD = "hold"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRule:
    """Which orders may be sent from which warehouses. Every condition must hold; an empty one always does."""

    name: str
    #: The ERP's codes, the one that is liked best first.
    warehouses: tuple[str, ...]
    needs: Needs = Needs.HAS_ALL
    #: ISO codes of where the goods go.
    countries: tuple[str, ...] = ()
    #: States or provinces, as the shop writes them.
    regions: tuple[str, ...] = ()
    #: How postcodes begin.
    postcodes: tuple[str, ...] = ()
    #: The shop's codes.
    shipping_methods: tuple[str, ...] = ()
    #: At least one line has one of these.
    skus: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def fits_all(self) -> bool:
        """Whether it has no condition."""
        return not any(
            (self.countries, self.regions, self.postcodes, self.shipping_methods, self.skus, self.tags),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """From which warehouse an order is sent; without rules the mapping's own warehouse sends everything."""

    #: The first that fits and can be met decides.
    rules: tuple[RoutingRule, ...] = ()
    short: ShortLines = ShortLines.BACKORDER
    #: Stock that was looked at longer ago is read anew before it decides, in seconds.
    max_age_s: float = 900.0

    @property
    def warehouses(self) -> tuple[str, ...]:
        """Every warehouse that a rule names."""
        return tuple(dict.fromkeys(code for rule in self.rules for code in rule.warehouses))

    @property
    def asks_stock(self) -> bool:
        """Whether what is in stock decides anything."""
        return any(rule.needs is Needs.HAS_ALL for rule in self.rules)


class Carry(enum.StrEnum):
    """What happens to a change in the shop once the ERP has the order."""

    APPLY = "apply"
    HOLD = "hold"


class Depth(enum.StrEnum):
    """How far a document about money is brought in the ERP."""

    NONE = "none"
    DRAFT = "draft"
    POSTED = "posted"


class Returns(enum.StrEnum):
    """What comes of a return, or another credit, that the ERP's people made."""

    NONE = "none"
    #: A person is told, and gives the money back in the shop.
    TELL = "tell"
    #: The refund is booked in the shop; the money itself moves by hand.
    REFUND = "refund"
    #: And the shop has its gateway send the money.
    PAYOUT = "payout"


class ShipmentNews(enum.StrEnum):
    """How the shop hears of a shipment."""

    OFF = "off"
    #: A fulfilment where the shop takes them, else a note.
    AUTO = "auto"
    NOTE = "note"


class InvoiceNews(enum.StrEnum):
    """What the shop is shown of an invoice."""

    OFF = "off"
    NUMBER = "number"
    #: The number, and a signed link to the file that ends some day.
    LINK = "link"


class Owner(enum.StrEnum):
    """Whose word counts where the shop and the ERP's people both changed a field of a sale."""

    SHOP = "shop"
    ERP = "erp"
    #: The shop's is written only where the ERP has nothing.
    EMPTY = "empty"
    #: Never written after the import.
    NEVER = "never"


#: Fields of a sale that an edit in the shop may change, and whose they are where a channel says nothing. What is
#: charged is the shop's. Where goods and bills go belongs to whoever touched it last in the ERP: a person there may
#: have spoken to the customer.
DEFAULT_OWNERS: Final[Mapping[str, Owner]] = {
    "lines": Owner.SHOP,
    "invoice_address": Owner.ERP,
    "shipment_address": Owner.ERP,
    "note": Owner.EMPTY,
    "reference": Owner.NEVER,
}

#: How a sale may stand in the ERP. The canonical records own these words; a test holds both against each other.
SALE_STATES: Final = ("draft", "quoted", "confirmed", "partly_shipped", "shipped", "done", "held", "cancelled")

#: In `AfterImport.state_back`: the shop's order stays as it is.
LEAVE: Final = "leave"
#: What the shop's order becomes when the sale in the ERP gets there.
DEFAULT_STATE_BACK: Final[Mapping[str, str]] = {"shipped": "completed", "done": "completed"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AfterImport:
    """What is carried over once the ERP has an order, in both directions."""

    edits: Carry = Carry.APPLY
    cancellations: Carry = Carry.APPLY
    #: Field of a sale -> whose word counts, complete.
    owners: Mapping[str, Owner] = dataclasses.field(default_factory=lambda: dict(DEFAULT_OWNERS))
    refunds: Depth = Depth.DRAFT
    #: Refunded pieces come back into the ERP's stock, where the shop itself does not say whether they do.
    refunds_restock: bool = True
    #: Only where refunds are carried over at all.
    returns: Returns = Returns.TELL
    payments: Depth = Depth.NONE
    #: Draft invoices are posted as soon as their goods have left.
    post_invoices: bool = False
    shipments: ShipmentNews = ShipmentNews.AUTO
    #: The shop mails its customer about a shipment.
    notify: bool = False
    invoices: InvoiceNews = InvoiceNews.NUMBER
    #: How long a link works, in days from the invoice's own.
    link_days: int = 90
    #: What cannot be taken back (a mail to the customer) is sent again after an unknown outcome that finds nothing;
    #: otherwise a person decides.
    resend: bool = False
    #: How the sale stands -> the shop's own state; complete, a state without entry leaves the order as it is.
    state_back: Mapping[str, str] = dataclasses.field(default_factory=lambda: dict(DEFAULT_STATE_BACK))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """How often a channel looks, in seconds."""

    pull_every_s: float = 60.0
    resync_every_s: float = 6 * 3600.0
    #: A cron line in `timezone`.
    nightly: str = "30 3 * * *"
    webhook_check_every_s: float = 3600.0
    #: Time between two looks at what changed in the ERP.
    follow_every_s: float = 60.0
    stock_every_s: float = 60.0
    #: A cron line in `timezone`: when every article is read and compared, whether it moved or not.
    stock_full: str = "30 4 * * *"
    #: By how much a pull steps back, so that late commits and equal timestamps are not missed.
    overlap_s: float = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One source connection bound to one ERP connection."""

    name: str
    source: str
    erp: str
    #: IANA zone in which the shop counts its days.
    timezone: str = "UTC"
    policies: Policies = Policies()
    after_import: AfterImport = AfterImport()
    stock: StockPolicy = StockPolicy()
    routing: Routing = Routing()
    schedules: Schedules = Schedules()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the configuration folder declares."""

    folder: Path
    connections: Mapping[str, Connection]
    channels: Mapping[str, Channel]
    #: Path of a value (`connections.shop.url`) -> `file:line` where it stands; `where` reads it.
    places: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def secrets(self) -> Iterator[Secret]:
        """Every secret that is set, for whoever takes secrets out of texts."""
        for connection in self.connections.values():
            auth = connection.auth
            yield from filter(None, (auth.key, auth.secret, auth.password, *connection.webhook_secrets))

    def where(self, path: str) -> str:
        """`file:line` of the value at `path`, or of the nearest section around it; the folder where there is none.

        List items are written as `connections.shop.webhook_secrets[0]`.
        """
        while path:
            if path in self.places:
                return self.places[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return str(self.folder)

    def channels_of(self, connection: str) -> tuple[Channel, ...]:
        """The channels that have this connection on either side."""
        return tuple(channel for channel in self.channels.values() if connection in {channel.source, channel.erp})

    def stock_channels(self, erp: str) -> tuple[Channel, ...]:
        """The channels that show the stock of an ERP connection."""
        return tuple(channel for channel in self.channels.values() if channel.erp == erp and channel.stock.push)

    def routed_channels(self, erp: str) -> tuple[Channel, ...]:
        """The channels that choose the warehouses of their orders in an ERP connection."""
        return tuple(channel for channel in self.channels.values() if channel.erp == erp and channel.routing.rules)

    def channels_of_source(self, connection: str) -> tuple[Channel, ...]:
        """The channels that a source connection feeds."""
        return tuple(channel for channel in self.channels.values() if channel.source == connection)
