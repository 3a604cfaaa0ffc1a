"""What stops an article on its way to the shop, with its cause, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from config.model import Channel
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.stock import ShopStock
from mappings.canonical.words import say
from sync.rules.refusals import refusal_of
from sync.rules.stops import Stopped
from sync.store.issues import Cause
from sync.store.states import ItemState


def missing_in_shop(channel: Channel, sku: str, place: str = "") -> Stopped:
    """The ERP has stock of something that the shop does not have."""
    cause = Cause(
        cause="missing_in_shop",
        channel=channel.name,
        title=say("articles of %(erp)s that %(shop)s does not have", erp=channel.erp, shop=channel.source),
        next_step=say(
            "give the shop's article this SKU, say in the look-up table sku what the shop calls it, "
            "or set `stock: {missing: ignore}` of the channel if not everything is sold there"
        ),
        owner="business",
    )
    if place:
        reason = say(
            "%(shop)s has no article %(sku)s at its place %(place)s", shop=channel.source, sku=repr(sku), place=place
        )
    else:
        reason = say("%(shop)s has no article with the SKU %(sku)s", shop=channel.source, sku=repr(sku))
    return Stopped(cause, reason)


def missing_in_erp(channel: Channel, sku: str, code: str) -> Stopped:
    """The ERP knows nothing of an article that is to be shown."""
    cause = Cause(
        cause="missing_in_erp",
        channel=channel.name,
        title=say("articles of %(shop)s whose stock %(erp)s does not know", shop=channel.source, erp=channel.erp),
        next_step=say(
            "create the article as goods in the ERP, or say in the look-up table sku which one is meant, then retry"
        ),
        owner="integrator",
    )
    if code == sku:
        reason = say("%(erp)s has no stock of %(sku)s", erp=channel.erp, sku=repr(sku))
    else:
        reason = say(
            "%(erp)s has no stock of %(code)s, as which the look-up table sku names %(sku)s",
            erp=channel.erp,
            code=repr(code),
            sku=repr(sku),
        )
    return Stopped(cause, reason)


def twice_in_shop(channel: Channel, sku: str, articles: Sequence[ShopStock]) -> Stopped:
    """Nobody knows which of several articles is meant."""
    cause = Cause(
        cause="twice_in_shop",
        channel=channel.name,
        title=say("SKUs that %(shop)s has more than once", shop=channel.source),
        next_step=say("give each article of the shop a SKU of its own, then retry"),
        owner="business",
    )
    ids = ", ".join(article.external_id for article in articles)
    reason = say("%(shop)s has the SKU %(sku)s on %(ids)s", shop=channel.source, sku=repr(sku), ids=ids)
    return Stopped(cause, reason)


def counted_together(channel: Channel, sku: str, figures: Mapping[str, Decimal], counter: str) -> Stopped:
    """The shop has one count for several articles, and they are to show different figures."""
    cause = Cause(
        cause="counted_together",
        subject=counter,
        channel=channel.name,
        title=say("%(shop)s counts several articles at product %(product)s", shop=channel.source, product=counter),
        next_step=say(
            "let the shop count each variation for itself (Variations > Manage stock?), "
            "or name all but one of them in `stock: {freeze: ...}` of the channel"
        ),
        owner="business",
    )
    listed = ", ".join(f"{each}: {figure:f}" for each, figure in sorted(figures.items()))
    reason = say(
        "%(shop)s counts %(sku)s at product %(product)s together with others, but they are to be different: %(listed)s",
        shop=channel.source,
        sku=repr(sku),
        product=counter,
        listed=listed,
    )
    return Stopped(cause, reason)


def refused(channel: Channel, sku: str, error: ConnectorError) -> Exception:
    """A refusal of this one article becomes a stop; every other error is what it is."""
    if not isinstance(error, RecordRejected):
        return error
    cause = Cause(
        cause="stock_refused",
        subject=refusal_of(error),
        code=error.code,
        step="stock",
        channel=channel.name,
        connection=channel.source,
        title=say("%(shop)s refuses a quantity: %(text)s", shop=channel.source, text=str(error)),
        next_step=say("correct the article in the shop, then retry"),
        owner="business",
    )
    return Stopped(
        cause,
        say("%(shop)s refuses the stock of %(sku)s: %(text)s", shop=channel.source, sku=repr(sku), text=str(error)),
        ItemState.PARKED,
    )


def oversold_cause(erp: str, code: str, *, sold: str, there: str) -> Cause:
    """More is sold than there is, over all channels of the ERP."""
    return Cause(
        cause="oversold",
        subject=code,
        connection=erp,
        title=say("%(code)s: %(sold)s sold, %(there)s there", code=code, sold=sold, there=there),
        next_step=say("buy or make what is missing, or cancel one of the orders; this ends by itself when it suffices"),
        owner="business",
    )
