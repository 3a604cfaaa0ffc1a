"""What the configuration may say: one schema per section, whose fields are those of the dataclasses of `config.model`.

Unknown keys are refused, all problems of a section come together, and a key that is left empty counts as left out.
The descriptions are what docs/configuration.md shows (`config.reference`).
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, pre_load, validates_schema
from marshmallow.exceptions import SCHEMA

from config import kinds
from config.fields import (
    Address,
    Complaint,
    ConfigField,
    Free,
    ListOf,
    MapOf,
    Scalar,
    SecretText,
    check_key,
    shown_value,
)
from config.model import (
    DEFAULT_OWNERS,
    SALE_STATES,
    VERIFY_RULES,
    Auth,
    Backorders,
    Carry,
    Depth,
    DocumentState,
    HeldOrders,
    InvoiceNews,
    MissingArticles,
    Mode,
    Needs,
    Owner,
    Returns,
    RoutingRule,
    ShipmentNews,
    ShortLines,
    StatusAction,
)
from config.problems import did_you_mean, one_of

AUTH_METHODS: Final = ("basic", "query", "oauth1", "bearer", "session", "none")
_NO_MERGE: Final = "merge keys do not work here: give each its own keys, or let a channel use `extends`"
_MISSING: Final = "missing"
_UNKNOWN: Final = "unknown"
_TYPE: Final = "type"


class Section(Schema):
    """A mapping with known keys; its errors are complaints throughout."""

    error_messages: dict[str, str] = {"unknown": _UNKNOWN, "type": _TYPE}  # noqa: RUF012 - marshmallow declares it so

    class Meta:
        """Strictness."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow's hook
        """Give every required field the marker that `handle_error` knows."""
        field_obj.error_messages["required"] = _MISSING

    @pre_load
    def _drop_empty(self, data: Any, **_: object) -> Any:
        if data is None:
            return {}
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data

    def handle_error(self, error: ValidationError, data: Any, **_: object) -> None:
        """Turn marshmallow's own messages into complaints that say what would have been right."""
        assert isinstance(error.messages, dict)
        for key, messages in error.messages.items():
            if isinstance(messages, list):
                error.messages[key] = [self._complaint(key, data, message) for message in messages]

    def _complaint(self, key: str, data: object, message: str | Complaint) -> Complaint:
        if message == _UNKNOWN:
            known = tuple(self.fields)
            step = _NO_MERGE if key == "<<" else did_you_mean(key, known)
            return Complaint("an unknown key", one_of(known), step, at_key=True)
        if message == _MISSING:
            field = self.fields[key]
            return Complaint("nothing", field.expected if isinstance(field, ConfigField) else "a mapping")
        if message == _TYPE:
            return Complaint(shown_value(data), f"a mapping with the keys {', '.join(self.fields)}")
        assert isinstance(message, Complaint)
        return message


class Inner(ConfigField[Any]):
    """A section inside a section."""

    def __init__(self, section: Section, description: str, *, name_instead: str = "") -> None:
        """`name_instead`: the plural of the top-level section of which a name may stand here instead of a mapping."""
        expected = f"a name that stands under {name_instead}, or a mapping" if name_instead else "a mapping"
        super().__init__(description, expected, example="standard" if name_instead else "")
        self.section = section
        self._by_name = bool(name_instead)

    def _take(self, value: Any) -> Any:
        if self._by_name and isinstance(value, str):
            return {"extends": str(value)}
        return self.section.load(value)


class Named(ConfigField[dict[str, Any]]):
    """A whole top-level section: name -> what its schema loads."""

    def __init__(self, section: Section, description: str) -> None:
        super().__init__(description, "a mapping of names")
        self.section = section

    def _take(self, value: Any) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        refused: dict[str, Any] = {}
        for name, item in value.items():
            try:
                taken[name] = self.section.load(item)
            except ValidationError as error:
                refused[name] = error.messages
            try:
                check_key(kinds.NAME, name)
            except ValidationError as error:
                # Under marshmallow's key for the section as a whole, beside what is wrong inside.
                refused[name] = {**refused.get(name, {}), SCHEMA: error.messages}
        if refused:
            raise ValidationError(refused)
        return taken


class AuthSection(Section):
    """Credentials of a connection."""

    method = Scalar(
        kinds.word(AUTH_METHODS),
        "How calls are authenticated. `query` puts the key into the address (only for hosts that drop the header).",
        example="basic",
        default="what the connector chooses by the address",
    )
    key = SecretText("API key, consumer key or application key.", example="${env:SHOP_KEY}")
    secret = SecretText("The secret that belongs to the key.", example="${env:SHOP_SECRET}")
    login = Scalar(kinds.text(), "Name of the user, where the system has logins.", example="crossdock")
    password = SecretText("Password of that user.", example="${file:/run/secrets/erp_password}")

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> Auth:
        return Auth(**data)


class ConnectionSection(Section):
    """One configured account on one system."""

    system = Scalar(kinds.NAME, "The connector.", example="woocommerce", required=True)
    url = Address(
        kinds.URL,
        "Address of the system. Plain http is taken only for a host that `allow_hosts` names.",
        example="https://shop.example",
        required=True,
    )
    auth = Inner(AuthSection(), "Credentials; the page of the system says which it needs.")
    webhook_secrets = ListOf(
        SecretText("A secret with which the system signs webhooks."),
        "Secrets with which the system signs its webhooks. All of them are accepted, so a secret can be changed "
        "without losing a delivery.",
        example="- ${env:SHOP_WEBHOOK_SECRET}",
    )
    concurrency = Scalar(
        kinds.whole(1, 256),
        "Calls in flight at once, over all workers.",
        example="4",
        default="what the connector declares",
    )
    rate_per_s = Scalar(
        kinds.rate(10_000), "Calls a second, over all processes.", example="2", default="no limit of ours"
    )
    deadline_s = Scalar(
        kinds.duration("1s", "10m"), "Deadline of one call.", example="30s", default="what the connector declares"
    )
    settle_s = Scalar(
        kinds.duration("0", "1h"),
        "How long after a write whose outcome is not known a look-up that finds nothing is believed; "
        "never less than `deadline_s` and a minute.",
        example="2m",
    )
    allow_hosts = ListOf(
        Scalar(kinds.HOST, "A host."),
        "Hosts and networks that may have private addresses or speak plain http: an ERP on the premises, a sandbox.",
        example="- erp.lan",
    )
    ca_file = Scalar(
        kinds.text(),
        "PEM file with the certificate authority of the system; a relative path starts at the configuration folder.",
        example="erp-ca.pem",
        default="the public authorities",
    )
    minor_units = MapOf(
        kinds.CURRENCY,
        Scalar(kinds.whole(0, 6), "Decimals."),
        "Currency -> decimals to which this system rounds, where it differs from the currency's usual number.",
        example="{KWD: 2}",
    )
    options = Free("What only this system knows; its page of the documentation lists the keys.", example="{shop: main}")

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _encrypted(self, data: dict[str, Any], original: object, **_: object) -> None:
        """Credentials and customers' addresses go over plain http only where somebody said that they may."""
        url = urlsplit(data.get("url", ""))
        hosts_unread = isinstance(original, Mapping) and "allow_hosts" in original and "allow_hosts" not in data
        if url.scheme != "http" or hosts_unread or _allowed(url.hostname or "", data.get("allow_hosts", ())):
            return
        host = kinds.host_of(url.hostname or "")
        step = f"use https, or put {host} into allow_hosts if the way there is safe (this machine, your own network)"
        found = shown_value(original["url"]) if isinstance(original, Mapping) else "http"
        raise ValidationError([Complaint(found, "an https address", step)], "url")


def _allowed(host: str, allow_hosts: tuple[str, ...]) -> bool:
    name = kinds.host_of(host)
    if name in allow_hosts:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(entry) for entry in allow_hosts if "/" in entry)


class PoliciesSection(Section):
    """What a channel does with its orders."""

    start_at = Scalar(
        kinds.MOMENT,
        "Orders placed before this are not imported. `now` means the first start of the channel.",
        example="2026-01-31T00:00:00+01:00",
        default="now",
    )
    status = MapOf(
        kinds.STATUS_KEY,
        Scalar(kinds.member(StatusAction), "What to do."),
        "Status of an order that the ERP does not have yet -> what to do with it; see below.",
        example="{on_hold: import}",
        default="see below",
    )
    rules = MapOf(
        kinds.word(VERIFY_RULES),
        Scalar(kinds.member(Mode), "What a finding does."),
        "Verify rule -> what it does when it finds something: `hold` the order, `warn`, or `off`; see below.",
        example="{price: hold}",
        default="see below",
    )
    totals_threshold = Scalar(
        kinds.whole(0, 100),
        "How much an order's sums may differ from its total, in units of the last decimal that the shop writes; "
        "the difference is carried as rounding.",
        example="5",
    )
    value_limits = MapOf(
        kinds.CURRENCY,
        Scalar(kinds.decimal(0, 10**12), "An amount."),
        "Currency -> grand total above which a person must approve the order.",
        example="{EUR: 5000}",
        default="no limit",
    )
    duplicate_window_min = Scalar(
        kinds.whole(0, 10_080), "Minutes within which an equal order of the same customer counts as a duplicate."
    )
    price_tolerance = Scalar(
        kinds.decimal(0, 1000), "Percent by which a line's price may differ from the ERP's list price.", example="2.5"
    )
    home_country = Scalar(
        kinds.COUNTRY,
        "Country whose taxes the ERP's articles carry; the `tax` rule does not hold orders to other countries.",
        example="DE",
        default="every order is held against the articles' taxes",
    )
    document_state = Scalar(kinds.member(DocumentState), "How far a sale is brought in the ERP.", example="draft")
    target = Free(
        "What the mapping to the ERP needs to know; the ERP's page of the documentation lists the keys.",
        example="{warehouse: WH1}",
    )


class AfterImportSection(Section):
    """What is carried over once the ERP has an order, in both directions."""

    edits = Scalar(
        kinds.member(Carry),
        "An order that was edited in the shop: the sale is changed as far as the ERP allows it (`apply`), or a person "
        "does it (`hold`).",
        example="hold",
    )
    cancellations = Scalar(
        kinds.member(Carry), "An order that was cancelled in the shop: the same for its sale.", example="hold"
    )
    owners = MapOf(
        kinds.word(tuple(DEFAULT_OWNERS)),
        Scalar(kinds.member(Owner), "Whose word counts."),
        "Field of a sale -> whose word counts after the import: `shop`, `erp` (the shop's is written only while nobody "
        "changed it in the ERP), `empty` (only where the ERP has nothing), `never`; see below.",
        example="{shipment_address: shop}",
        default="see below",
    )
    refunds = Scalar(
        kinds.member(Depth),
        "A refund in the shop becomes a credit note in the ERP: not at all (`none`), as a `draft`, or `posted`.",
        example="posted",
    )
    refunds_restock = Scalar(
        kinds.SWITCH,
        "Whether refunded pieces come back into the ERP's stock where the shop itself does not say it (WooCommerce "
        "counts for each line of the order, which leaves it open for some of several refunds).",
        example="off",
        default="`on`",
    )
    returns = Scalar(
        kinds.member(Returns),
        "A return, or another credit, that the ERP's people made and that no refund of the shop explains: nothing "
        "comes of it (`none`), a person is told (`tell`), the refund is booked in the shop while the money moves by "
        "hand (`refund`), or the shop's payment gateway sends the money too (`payout`). Only where `refunds` is not "
        "`none`.",
        example="refund",
    )
    payments = Scalar(
        kinds.member(Depth),
        "A payment in the shop is registered on the invoice in the ERP, the same way.",
        example="posted",
    )
    post_invoices = Scalar(
        kinds.SWITCH,
        "Draft invoices are posted as soon as their goods have left; `off` leaves that to the ERP's people.",
        example="on",
        default="`off`",
    )
    shipments = Scalar(
        kinds.member(ShipmentNews),
        "How the shop hears of a shipment: `auto` makes a fulfilment where the shop takes them, else a note; `note` "
        "always makes a note; `off` nothing.",
        example="note",
    )
    notify = Scalar(
        kinds.SWITCH, "The shop mails its customer about each shipment, once.", example="on", default="`off`"
    )
    invoices = Scalar(
        kinds.member(InvoiceNews),
        "What the shop is shown of invoices and credit notes: `off`, the `number`, or a signed `link` to the file too.",
        example="link",
    )
    link_days = Scalar(
        kinds.whole(1, 3650), "How long such a link works, in days from the date of the invoice.", example="30"
    )
    resend = Scalar(
        kinds.SWITCH,
        "Whether a mail or note to the customer is sent again when nobody knows whether it was sent and the shop does "
        "not show it; otherwise a person decides.",
        example="on",
        default="`off`",
    )
    state_back = MapOf(
        kinds.word(SALE_STATES),
        Scalar(kinds.text(64), "A state of the shop."),
        "How the sale stands in the ERP -> the state that the shop's order gets, in the shop's own words; `leave` "
        "leaves the order as it is; see below.",
        example="{shipped: completed, cancelled: cancelled}",
        default="see below",
    )


class StockSection(Section):
    """What a channel's shop shows of the ERP's stock."""

    push = Scalar(
        kinds.SWITCH,
        "Whether Crossdock sets the shop's stock; the ERP must tell its stock and the shop take it.",
        example="on",
        default="`off`",
    )
    held_orders = Scalar(
        kinds.member(HeldOrders),
        "Whether orders that wait for a person take their goods out of what is shown.",
        example="ignore",
    )
    safety = Scalar(kinds.decimal(0, 10**9), "Units of each article that are never shown.", example="2")
    safety_percent = Scalar(
        kinds.decimal(0, 100), "The same in percent of what the ERP has; both are taken off.", example="5"
    )
    share = Scalar(kinds.decimal(0, 100), "Percent of what is available that this channel shows.", example="50")
    cap = Scalar(kinds.decimal(0, 10**9), "The most that is shown of an article.", example="99", default="all")
    decimals = Scalar(kinds.whole(0, 6), "Decimals of a shown quantity; what is beyond them is cut off.", example="2")
    backorders = Scalar(
        kinds.member(Backorders),
        "Whether the shop may sell what is not there; `leave` does not touch it.",
        example="no",
    )
    warehouses = ListOf(
        Scalar(kinds.text(128), "The ERP's code of a warehouse."),
        "ERP warehouses whose stock is shown, by their codes in the ERP; all of them where this is left out.",
        example="[WH1, WH2]",
    )
    locations = MapOf(
        kinds.text(128),
        ListOf(Scalar(kinds.text(128), "The ERP's code of a warehouse."), "Warehouses."),
        "For a shop with places of its own, instead of `warehouses`: the shop's place -> the ERP warehouses whose "
        "stock it shows. A warehouse may stand under several places.",
        example="{online: [WH1, WH2], berlin: [WH2]}",
    )
    freeze = ListOf(
        Scalar(kinds.text(255), "A SKU of the shop."),
        "Articles of which the shop keeps what it shows, by the shop's SKUs; `*` for all.",
        example='["*"]',
    )
    missing = Scalar(
        kinds.member(MissingArticles),
        "Whether an article of the ERP that the shop never had is said to a person (`hold`) or not (`ignore`); one "
        "that it had before, or that somebody asked for, always is.",
        example="hold",
    )

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: object) -> None:
        if data.get("warehouses") and data.get("locations"):
            step = "name the warehouses of a shop without places, or the places of one that has them"
            raise ValidationError([Complaint("both `warehouses` and `locations`", "one of them", step)], "locations")


class RoutingRuleSection(Section):
    """Which orders may be sent from which warehouses."""

    name = Scalar(kinds.NAME, "What the order's page calls the rule; each its own.", example="alps", required=True)
    warehouses = ListOf(
        Scalar(kinds.text(128), "The ERP's code of a warehouse."),
        "ERP warehouses that may send the order, by their codes in the ERP, the one that is liked best first.",
        example="[SOUTH, MAIN]",
    )
    needs = Scalar(
        kinds.member(Needs),
        "`has_all`: only a warehouse that has every line; where none has, the next rule is asked. `always`: it sends "
        "the order whatever it has.",
        example="always",
    )
    countries = ListOf(Scalar(kinds.COUNTRY, "A country."), "Countries to which the goods go.", example="[AT, CH]")
    regions = ListOf(
        Scalar(kinds.text(128), "A region."),
        "States or provinces to which the goods go, as the shop writes them; capitals do not matter.",
        example="[BY, BW]",
    )
    postcodes = ListOf(
        Scalar(kinds.text(32), "How a postcode begins."),
        "How the postcodes begin to which the goods go; capitals and blanks do not matter.",
        example='["10", "12"]',
    )
    shipping_methods = ListOf(
        Scalar(kinds.text(255), "A shipping method."), "The shop's codes of shipping methods.", example="[express]"
    )
    skus = ListOf(
        Scalar(kinds.text(255), "A SKU of the shop."),
        "Articles by the shop's SKUs, of which the order has at least one.",
        example="[SOFA-3]",
    )
    tags = ListOf(Scalar(kinds.text(255), "A tag."), "Tags, of which the order has at least one.", example="[b2b]")

    @validates_schema
    def _has_warehouses(self, data: dict[str, Any], **_: object) -> None:
        codes = data.get("warehouses", ())
        if not codes or not all(codes):
            raise ValidationError([Complaint("no warehouse", "the code of at least one warehouse")], "warehouses")
        if data.get("needs") is Needs.ALWAYS and len(codes) > 1:
            step = "name one, or let the rule need `has_all`"
            complaint = Complaint("several warehouses", "one: `always` takes the first, whatever it has", step)
            raise ValidationError([complaint], "warehouses")

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> RoutingRule:
        return RoutingRule(**data)


def _why_not(text: str) -> str:
    if text == "cancel":
        # See docs/routing.md: shop and ERP would differ by the line's money until somebody refunds it.
        return "a line that is left out would stay paid in the shop: hold the order, and refund or cancel it there"
    return did_you_mean(text, tuple(ShortLines))


class RoutingSection(Section):
    """From which warehouse an order is sent."""

    rules = ListOf(
        Inner(RoutingRuleSection(), "A rule."),
        "The rules, the first that fits and can be met decides. The last one has no conditions: it is the default.",
        example="[{name: default, warehouses: [MAIN, SOUTH]}]",
    )
    short = Scalar(
        dataclasses.replace(kinds.member(ShortLines), hint=_why_not),
        "An order of which no warehouse has everything: the first warehouse of the first rule that fits sends it when "
        "it can (`backorder`), or the order is held until one has everything (`hold`).",
        example="hold",
    )
    max_age_s = Scalar(
        kinds.duration("1s", "1d"),
        "Stock that was looked at longer ago is read in the ERP before it decides.",
        example="5m",
    )

    @validates_schema
    def _decides_all(self, data: dict[str, Any], **_: object) -> None:
        """Every order finds a rule, and every rule can be reached."""
        if messages := dict(_unreached(data.get("rules", ()))):
            raise ValidationError({"rules": messages})


def _unreached(rules: Sequence[RoutingRule]) -> Iterator[tuple[int, list[Complaint]]]:
    last = len(rules) - 1
    for index, rule in enumerate(rules):
        if rule.name in [each.name for each in rules[:index]]:
            yield index, [Complaint(f"the name {shown_value(rule.name)} again", "each rule with a name of its own")]
        elif index == last and not rule.fits_all:
            step = "add a rule without conditions behind it: it is the default"
            yield index, [Complaint("conditions in the last rule", "none, so that every order finds a rule", step)]
        elif index < last and rule.fits_all and rule.needs is Needs.ALWAYS:
            step = "put it last, or let it need `has_all`"
            yield index, [Complaint("a rule that takes every order", "it at the end", step)]


class SchedulesSection(Section):
    """How often a channel looks."""

    pull_every_s = Scalar(kinds.duration("0.1s", "1d"), "Time between two pulls of changed orders.", example="5m")
    resync_every_s = Scalar(kinds.duration("1m", "7d"), "Time between two looks at every open order.", example="6h")
    nightly = Scalar(
        kinds.CRON, "When both systems' lists of the last 30 days are compared, in the channel's time zone."
    )
    webhook_check_every_s = Scalar(
        kinds.duration("1m", "7d"), "Time between two checks of the webhook subscriptions.", example="1h"
    )
    follow_every_s = Scalar(
        kinds.duration("1s", "1d"), "Time between two looks at what changed in the ERP.", example="5m"
    )
    stock_every_s = Scalar(
        kinds.duration("1s", "1d"), "Time between two looks at what moved in the ERP's stock.", example="5m"
    )
    stock_full = Scalar(kinds.CRON, "When the stock of every article is read and compared, in the channel's time zone.")
    overlap_s = Scalar(
        kinds.duration("0", "1d"),
        "By how much a pull steps back from its checkpoint, so that late commits and equal times are not missed.",
        example="5m",
    )


_EXTENDS: Final = "Name of a top-level entry whose values hold where this one is silent."


class ChannelPoliciesSection(PoliciesSection):
    """A channel's own policies, over named ones."""

    extends = Scalar(kinds.name_of("policies"), _EXTENDS, example="standard", default="none")


class ChannelSchedulesSection(SchedulesSection):
    """A channel's own schedules, over named ones."""

    extends = Scalar(kinds.name_of("schedules"), _EXTENDS, example="standard", default="none")


class ChannelSection(Section):
    """One source connection bound to one ERP connection."""

    source = Scalar(kinds.name_of("connections"), "Connection from which orders come.", example="shop", required=True)
    erp = Scalar(kinds.name_of("connections"), "Connection into which sales go.", example="erp", required=True)
    timezone = Scalar(
        kinds.ZONE, "The zone in which the shop counts its days, for schedules and the proof.", example="Europe/Berlin"
    )
    policies = Inner(
        ChannelPoliciesSection(),
        "What happens to the orders: values, or a name of `policies`.",
        name_instead="policies",
    )
    after_import = Inner(
        AfterImportSection(), "What is carried over once the ERP has an order, in both directions; see below."
    )
    stock = Inner(StockSection(), "What the shop shows of the ERP's stock; see below.")
    routing = Inner(RoutingSection(), "From which warehouse an order is sent; see below.")
    schedules = Inner(
        ChannelSchedulesSection(),
        "How often the channel looks: values, or a name of `schedules`.",
        name_instead="schedules",
    )


#: The top-level keys of every file.
SECTIONS: Final[Mapping[str, Named]] = {
    "connections": Named(ConnectionSection(), "Name -> one configured account on one system."),
    "channels": Named(ChannelSection(), "Name -> one source connection bound to one ERP connection."),
    "policies": Named(PoliciesSection(), "Name -> policies that several channels share."),
    "schedules": Named(SchedulesSection(), "Name -> schedules that several channels share."),
}
