"""The demo's configuration folder and environment: written as a user would write them, anew for each run."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any, Final

#: Channel -> what it is called on the screen.
SHOP, OUTLET = "tea-shop", "outlet"
CHANNELS: Final = {SHOP: "tea shop -> Tryton", OUTLET: "outlet -> sandbox ERP"}
#: How long ago the backlog's first orders were placed, in days.
BACKLOG_DAYS: Final = 2
#: Seconds between two pulls; the proof calls "too young" what was placed within two of them.
PULL_EVERY_S: Final = 5

#: `$$` is a dollar sign of the file itself: secrets stand in the environment, not here.
_CONFIGURATION: Final = Template("""\
# Made by `crossdock demo`, anew for each run. Secrets come from the environment, see ../environment.
connections:
  tea-shop:
    system: woocommerce
    url: $shop_url
    auth:
      key: $${env:DEMO_SHOP_KEY}
      secret: $${env:DEMO_SHOP_SECRET}
    webhook_secrets: ["$${env:DEMO_SHOP_WEBHOOK_SECRET}"]
    allow_hosts: [127.0.0.1] # sandboxes live on this machine

  tryton:
    system: tryton
    url: $tryton_url
    auth:
      key: $${env:DEMO_TRYTON_KEY}
      login: $tryton_login # with a login, sales are quoted and confirmed in batches
      password: $${env:DEMO_TRYTON_PASSWORD}
    allow_hosts: [127.0.0.1]
    deadline_s: 30s # of one call; a batch of 10 sales takes about 2 s
    options:
      database: $tryton_database
      web_shop: $tryton_web_shop
      bulk: 10 # sales in one call; 25 are no faster, and this shows more of what happens

  outlet:
    system: woocommerce
    url: $outlet_url
    auth:
      key: $${env:DEMO_OUTLET_KEY}
      secret: $${env:DEMO_OUTLET_SECRET}
    webhook_secrets: ["$${env:DEMO_OUTLET_WEBHOOK_SECRET}"]
    allow_hosts: [127.0.0.1]

  sandbox-erp:
    system: sandbox_erp
    url: $erp_url
    auth:
      key: $${env:DEMO_ERP_KEY}
    allow_hosts: [127.0.0.1]

channels:
  tea-shop:
    source: tea-shop
    erp: tryton
    timezone: Europe/Berlin
    canary: 0 # nobody is there to release the first orders, as somebody should be where orders are real
    schedules: demo
    policies:
      extends: demo
      target:
        warehouse: WH1
        payment_method: Web payment # what the ERP calls every gateway of this shop
    after_import:
      refunds: posted
      payments: posted
      post_invoices: on # as soon as the goods have left
      invoices: link
    stock:
      push: on
      warehouses: [WH1]
      freeze: [GUTSCHEIN-25] # a voucher: the ERP keeps no stock of it
  outlet:
    source: outlet
    erp: sandbox-erp
    canary: 0
    timezone: Europe/Berlin
    schedules: demo
    policies: demo

policies:
  demo: # every verify rule stands as it is by default
    start_at: $start_at # the backlog is older than this installation
    home_country: DE # the ERPs' articles carry German VAT
    value_limits:
      EUR: $value_limit # above it a person approves

schedules:
  demo:
    pull_every_s: ${pull_every_s}s # in everyday use a minute: webhooks come at once, this is the safety net
    follow_every_s: 5s # in everyday use a minute
    stock_every_s: 10s # the same
""")

#: Above every generated order of a hundred lines, below what `over_limit` plants.
_VALUE_LIMIT: Final = 14_000


class Secrets:
    """Made up for this run."""

    def __init__(self) -> None:
        self.by_variable = {
            f"DEMO_{owner}_{what}": f"{prefix}{secrets.token_hex(20)}"
            for owner in ("SHOP", "OUTLET")
            for what, prefix in (("KEY", "ck_"), ("SECRET", "cs_"), ("WEBHOOK_SECRET", "wh_"))
        }
        self.by_variable["DEMO_ERP_KEY"] = f"erp_{secrets.token_hex(20)}"

    def __getitem__(self, variable: str) -> str:
        return self.by_variable[variable]

    def take_tryton(self, facts: Mapping[str, Any]) -> None:
        """What the ERP made up itself."""
        self.by_variable |= {"DEMO_TRYTON_KEY": facts["rest_key"], "DEMO_TRYTON_PASSWORD": facts["password"]}


def write_configuration(folder: Path, *, shop: str, outlet: str, erp: str, tryton: Mapping[str, Any]) -> None:
    """Write the configuration folder; the first three are URLs, `tryton` is what it announced."""
    folder.mkdir(parents=True)
    start_at = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=BACKLOG_DAYS, hours=1)
    text = _CONFIGURATION.substitute(
        shop_url=shop,
        outlet_url=outlet,
        erp_url=erp,
        tryton_url=tryton["url"],
        tryton_login=tryton["login"],
        tryton_database=tryton["database"],
        tryton_web_shop=tryton["web_shop_name"],
        start_at=start_at.isoformat(),
        value_limit=_VALUE_LIMIT,
        pull_every_s=PULL_EVERY_S,
    )
    (folder / "crossdock.yaml").write_text(text, "utf-8")


def variables(folder: Path, given: Secrets) -> dict[str, str]:
    """The variables of this installation, with a free port for its web process."""
    address = f"127.0.0.1:{_free_port()}"
    return {
        "CROSSDOCK_CONFIG": str(folder / "config"),
        "CROSSDOCK_STATE": str(folder / "state"),
        "CROSSDOCK_LISTEN": address,
        "CROSSDOCK_PUBLIC_URL": f"http://{address}",
        "CROSSDOCK_LOG_FORMAT": "console",
        **given.by_variable,
    }


def write_environment(path: Path, own: Mapping[str, str]) -> None:
    """A file to be sourced by whoever wants to look around; it holds secrets, so nobody else may read it."""
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in own.items()), "utf-8")


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what is set for another Crossdock."""
    return {name: value for name, value in environ.items() if not name.startswith("CROSSDOCK_")}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def shown(path: Path) -> str:
    """As short as it can be typed from here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
