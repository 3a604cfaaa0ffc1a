"""`connections` and their `auth`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, post_load, validates_schema

from config import kinds
from config.fields import Address, Complaint, Free, ListOf, MapOf, Scalar, SecretText, shown_value
from config.model import Auth
from config.schemas.section import Inner, Section

AUTH_METHODS: Final = ("basic", "query", "oauth1", "bearer", "session", "none")


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
    refresh_token = SecretText(
        "What access tokens are fetched with, where a person has allowed it once (OAuth 2).",
        example="${env:CRM_REFRESH_TOKEN}",
    )

    @post_load
    def _made(self, data: dict[str, Any], **_: object) -> Auth:
        return Auth(**data)


class ConnectionSection(Section):
    """One configured account on one system."""

    system = Scalar(kinds.NAME, "The connector.", example="woocommerce", required=True)
    url = Address(
        kinds.URL,
        "Address of the system. Plain http is taken only for a host that `allow_hosts` names. "
        "Left out only where nobody is spoken to (`csv`, `json`, `api`).",
        example="https://shop.example",
        default="required",
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
        if url.scheme != "http" or hosts_unread or allowed(url.hostname or "", data.get("allow_hosts", ())):
            return
        host = kinds.host_of(url.hostname or "")
        step = f"use https, or put {host} into allow_hosts if the way there is safe (this machine, your own network)"
        found = shown_value(original["url"]) if isinstance(original, Mapping) else "http"
        raise ValidationError([Complaint(found, "an https address", step)], "url")


def allowed(host: str, allow_hosts: tuple[str, ...]) -> bool:
    """Whether one of these hosts and networks is, or has, this host."""
    name = kinds.host_of(host)
    if name in allow_hosts:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(entry) for entry in allow_hosts if "/" in entry)
