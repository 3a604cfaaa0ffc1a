"""Sending one message by one of the configured ways: apprise, or a signed webhook."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from babel.support import NullTranslations

from config.model import AlertChannel, AlertKind, Secret
from connectors.kit.errors import ConnectorError
from connectors.kit.http import HttpClient
from connectors.kit.redact import Redactor
from sync.desk.alert_texts import text_of
from sync.desk.languages import all_in_language, catalogue_of
from sync.desk.phrases import quote, say
from sync.store.alerts import Message

#: For one message, whatever its service does.
SEND_S: Final = 60.0
#: For the answer of a receiver.
_ANSWER_S: Final = 15.0
_ANSWER_BYTES: Final = 100_000
#: Shorter parts of an address are words, not secrets.
_SHORTEST: Final = 4
_PREFIX: Final = "whsec_"


class NotTold(Exception):
    """The message was not taken; why, without secrets."""


def send(way: AlertChannel, message: Message, language: str = "en") -> None:
    """Send it in that language. Raises NotTold.

    What is raised after a lost answer may have been taken: its `uid` says so twice.
    """
    catalogue = catalogue_of(language)
    if way.kind is AlertKind.WEBHOOK:
        _post(way, message, catalogue)
    else:
        _apprise(way, message, catalogue)


# --- a webhook of our own ---------------------------------------------------------------------------------------


def _post(way: AlertChannel, message: Message, catalogue: NullTranslations) -> None:
    url = urlsplit(way.url.reveal())
    said = all_in_language(message.body, catalogue)
    body = json.dumps({"id": message.uid, **said}, ensure_ascii=False).encode()
    try:
        client = HttpClient(
            f"{url.scheme}://{url.netloc}",
            deadline_s=_ANSWER_S,
            allow_hosts=way.allow_hosts,
            secrets=tuple(_hidden(way)),
        )
    except ConnectorError:
        raise NotTold(say("its address must look like https://host/path")) from None
    try:
        client.request(
            "POST",
            f"{url.path}?{url.query}" if url.query else url.path,
            data=body,
            headers={"Content-Type": "application/json", **signed(way.secrets, message.uid, int(time.time()), body)},
            parse=False,
            repeatable=False,
            max_bytes=_ANSWER_BYTES,
        )
    except ConnectorError as error:
        raise NotTold(str(error)) from None
    finally:
        client.close()


def signed(secrets: tuple[Secret, ...], uid: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers of Standard Webhooks 1.0: one signature for each secret, over id, timestamp and body."""
    content = f"{uid}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()
        for secret in secrets
        if secret
    ]
    return {"webhook-id": uid, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}


def _key(secret: Secret) -> bytes:
    """`whsec_` and base64, as the standard has it; any other text is the key itself."""
    text = secret.reveal()
    if text.startswith(_PREFIX):
        try:
            return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass
    return text.encode()


# --- apprise ----------------------------------------------------------------------------------------------------


def _apprise(way: AlertChannel, message: Message, catalogue: NullTranslations) -> None:
    title, text = text_of(message.body, catalogue)
    told = json.dumps({"url": way.url.reveal(), "title": title, "body": f"{text}\n\n[{message.uid}]"})
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "sync.work.apprising"],
            input=told,
            capture_output=True,
            text=True,
            timeout=SEND_S,
            check=False,
        )
        answer: Any = json.loads(ended.stdout)
    except subprocess.TimeoutExpired:
        raise NotTold(say("nothing came of it within %(seconds)s s", seconds=f"{SEND_S:.0f}")) from None
    except ValueError:
        raise NotTold(say("the library that sends it broke off")) from None
    if not answer["sent"]:
        why = Redactor(_hidden(way)).text(answer["said"])
        raise NotTold(quote(why) if why else say("the service did not take it; look at its address"))


def _hidden(way: AlertChannel) -> Iterator[str]:
    """The secrets, and every part of an address: in some, the host is the token."""
    for secret in way.hidden():
        text = secret.reveal()
        yield text
        yield from (unquote(part) for part in re.split(r"[:/@?&=#]+", text)[1:] if len(part) >= _SHORTEST)
