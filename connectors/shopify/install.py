"""Installing an app in a shop by OAuth (authorization code): what its owner opens, and the token that comes of it.

Pure but for `token`. The owner approves in the browser, which Shopify then sends to the address of the app with a code;
that address proves by its HMAC that Shopify wrote it, by its `state` that it answers this very installation, and by its
`shop` for whom. The code is good once, and the token that it is exchanged for does not end.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
import re
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.kit.errors import ConnectionBroken, RecordRejected
from connectors.kit.http import HttpClient
from connectors.kit.words import say

#: Everything that a channel may use; `read_all_orders` is to be asked of Shopify first.
SCOPES: Final = (
    *("read_orders", "write_orders", "write_merchant_managed_fulfillment_orders"),
    *("write_inventory", "read_products", "read_locations"),
)
_SHOP: Final = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_OLDEST: Final = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One app that is to be installed in one shop."""

    #: `NAME.myshopify.com`.
    shop: str
    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    #: One of the app's own redirection addresses.
    redirect: str
    #: Unguessable, and used once.
    state: str
    scopes: tuple[str, ...] = SCOPES

    def __post_init__(self) -> None:
        """Raises ConnectionBroken for what is no shop: whoever gets the code must be Shopify."""
        if not _SHOP.fullmatch(self.shop):
            raise ConnectionBroken(say("%(shop)s is no shop: expected NAME.myshopify.com", shop=repr(self.shop)))

    @property
    def address(self) -> str:
        """What the shop's owner opens, and approves."""
        query = {
            "client_id": self.client_id,
            "scope": ",".join(self.scopes),
            "redirect_uri": self.redirect,
            "state": self.state,
        }
        return f"https://{self.shop}/admin/oauth/authorize?{urlencode(query)}"

    def code(self, callback: str, now: dt.datetime) -> str:
        """The code of the address that the browser was sent to. Raises ConnectionBroken for one to be distrusted."""
        query = urlsplit(callback.strip()).query
        told = dict(parse_qsl(query, keep_blank_values=True))
        if not _signed(query, told.get("hmac", ""), self.client_secret):
            text = say("the address is not signed with the app's client secret: paste all of it, and check the secret")
            raise ConnectionBroken(text, code="install")
        if told.get("shop") != self.shop or not hmac.compare_digest(told.get("state", ""), self.state):
            text = say("the address belongs to another installation: open the address for this shop and approve anew")
            raise ConnectionBroken(text, code="install")
        written = told.get("timestamp", "")
        if not written.isdecimal() or abs(now.timestamp() - int(written)) > _OLDEST.total_seconds():
            raise ConnectionBroken(say("the address is too old: approve anew"), code="install")
        if not told.get("code"):
            raise ConnectionBroken(say("the address has no code: was the app approved?"), code="install")
        return told["code"]

    def token(self, code: str, http: HttpClient) -> tuple[str, list[str]]:
        """The access token, and what of the scopes was not granted. Raises what `HttpClient.request` raises."""
        body = {"client_id": self.client_id, "client_secret": self.client_secret, "code": code}
        try:
            answer = http.request("POST", "admin/oauth/access_token", json=body)
        except RecordRejected as error:
            text = say("the shop gives no access token for the code (%(error)s): approve anew", error=error)
            raise ConnectionBroken(text, code="no_token", status=error.status) from None
        told = answer.data if isinstance(answer.data, dict) else {}
        token = told.get("access_token")
        if not isinstance(token, str) or not token:
            raise ConnectionBroken(say("the shop's answer holds no access token"), code="no_token")
        granted = set(str(told.get("scope") or "").split(","))
        # Whoever may write may read, and only that is said.
        missing = [each for each in self.scopes if not {each, each.replace("read_", "write_", 1)} & granted]
        return token, missing


def _signed(query: str, given: str, secret: str) -> bool:
    """Over the other parameters, sorted, as they came or as forms are written: libraries differ in what they escape."""
    pairs = sorted(part for part in query.split("&") if not part.startswith("hmac="))
    again = sorted((name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "hmac")
    texts = ("&".join(pairs), urlencode(again))
    digests = [hmac.digest(secret.encode(), text.encode(), "sha256").hex() for text in texts]
    # Each to its end, so the time tells nothing.
    matches = [hmac.compare_digest(digest.encode(), given.encode()) for digest in digests]
    return any(matches)
