"""`routing` of a channel and its rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from marshmallow import ValidationError, post_load, validates_schema

from config import kinds
from config.fields import Complaint, ListOf, Scalar, shown_value
from config.model import Needs, RoutingRule, ShortLines, Split
from config.schemas.section import Inner, Section

#: Over more warehouses a rule divides no order: what it would cost to find the fewest doubles with each.
_MOST_DIVIDED: Final = 8


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
    split = Scalar(
        kinds.member(Split),
        "An order that none of these warehouses has whole: `lines` divides it over as few of them as have all of it, "
        "each line whole; each warehouse's part is a sale of its own in the ERP. `none`: the next rule is asked.",
        example="lines",
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
        if data.get("split") is Split.LINES and (cannot := _not_divided(data.get("needs"), codes)):
            raise ValidationError([cannot], "split")

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> RoutingRule:
        return RoutingRule(**data)


def _not_divided(needs: Needs | None, codes: Sequence[str]) -> Complaint | None:
    """Why a rule cannot divide an order."""
    if needs is Needs.ALWAYS:
        return Complaint("`lines` in a rule that always takes an order whole", "it where the rule needs `has_all`")
    if len(codes) == 1:
        return Complaint("`lines` with one warehouse", "at least two warehouses to divide an order over")
    if len(codes) > _MOST_DIVIDED:
        # Every combination of them is tried.
        return Complaint(f"`lines` with {len(codes)} warehouses", f"at most {_MOST_DIVIDED}", "name fewer in this rule")
    return None


class RoutingSection(Section):
    """From which warehouse an order is sent."""

    rules = ListOf(
        Inner(RoutingRuleSection(), "A rule."),
        "The rules, the first that fits and can be met decides. The last one has no conditions: it is the default.",
        example="[{name: default, warehouses: [MAIN, SOUTH]}]",
    )
    short = Scalar(
        kinds.member(ShortLines),
        "An order of which no warehouse has everything: the first warehouse of the first rule that fits sends it when "
        "it can (`backorder`), the order is held until one has everything (`hold`), or what is there is sent and the "
        "shop gives the rest back (`cancel`; it needs `returns` `refund` or `payout` in `after_import`, and `refunds` "
        "that are carried over).",
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
