"""Stock: what each shop shows of what the ERP has, and why."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.model import Channel
from sync.desk.stock import NoStock, explain, ledger_page, push_article, push_everything
from webapp.console.access import current_actor, needs
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("stock", __name__, url_prefix="/stock")

_SIZE: Final = 50
_MAX_SKU: Final = 255


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The ledger of one channel, by SKU."""
    channels = _channels()
    asked = {name: request.args.get(name, "")[:_MAX_SKU].strip() for name in ("channel", "q", "after", "only")}
    chosen = asked["channel"] if asked["channel"] in channels else next(iter(channels), "")
    ledger = None
    if chosen:
        ledger = ledger_page(
            parts().store,
            parts().config,
            chosen,
            text=asked["q"],
            after=asked["after"],
            stopped=asked["only"] == "stopped",
            limit=_SIZE,
        )
    return render_template("console/stock.html", asked=asked, chosen=chosen, channels=sorted(channels), ledger=ledger)


@blueprint.get("/<channel>/article")
@needs("viewer")
def show(channel: str) -> ResponseReturnValue:
    """Why a shop shows what it shows of one article."""
    sku = request.args.get("sku", "")[:_MAX_SKU]
    if channel not in _channels():
        abort(404)
    ledger = explain(parts().store, parts().config, channel, sku)
    if ledger is None:
        abort(404)
    return render_template("console/stock_article.html", ledger=ledger, view=ledger.articles[0])


@blueprint.post("/<channel>/article/push")
@needs("operator")
def push(channel: str) -> ResponseReturnValue:
    """Read one article in the ERP and set the shop, now."""
    sku = request.form.get("sku", "").strip()[:_MAX_SKU]
    if not sku:
        abort(400)
    try:
        push_article(parts().store, parts().config, channel, sku, actor=current_actor())
    except NoStock as error:
        flash(_("Not pushed: %(why)s.", why=said(error.phrase)))
        return redirect(url_for(".index"), 303)
    parts().bell.ring(channel, "stock")
    flash(_("%(sku)s is read in the ERP and compared with the shop now.", sku=sku))
    return redirect(url_for(".show", channel=channel, sku=sku), 303)


@blueprint.post("/<channel>/push")
@needs("operator")
def push_all(channel: str) -> ResponseReturnValue:
    """Read every article and compare each with the shop."""
    try:
        push_everything(parts().store, parts().config, channel, actor=current_actor())
    except NoStock as error:
        flash(_("Not pushed: %(why)s.", why=said(error.phrase)))
        return redirect(url_for(".index"), 303)
    flash(_("Every article of %(channel)s is read and compared as soon as the scheduler looks.", channel=channel))
    return redirect(url_for(".index", channel=channel), 303)


def _channels() -> dict[str, Channel]:
    return {name: channel for name, channel in parts().config.channels.items() if channel.stock.push}
