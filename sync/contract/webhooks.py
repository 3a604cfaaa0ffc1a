"""What holds for whoever posts to us: what is delivered is what a read gives, and nothing else is let in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.kit.base import SignatureInvalid
from connectors.sandbox.patience import wait_until
from connectors.sandbox.receiver import receiver
from sync.contract.base import shows
from sync.contract.sources import SourceContract


class ManagesWebhooksContract(SourceContract):
    """`ManagesWebhooks`: subscriptions are made once, and they bring what was read."""

    def test_subscribing_twice_subscribes_once(self, source: Any) -> None:
        with receiver() as (url, came):
            first = source.ensure_subscriptions(url)
            second = source.ensure_subscriptions(url)
            assert {what for _subscription, what in first} == {"created"}
            assert {what for _subscription, what in second} == {"kept"}
            assert [found for found, _what in first] == [found for found, _what in second]
            assert all(found.active and found.delivery_url == url for found, _what in second)
            for body, headers in came:
                assert source.verify_webhook(body, headers).ping

    def test_what_is_delivered_is_what_a_read_gives(self, fake: Any, source: Any) -> None:
        with receiver() as (url, came):
            source.ensure_subscriptions(url)
            came.clear()
            [external_id] = fake.place(1)
            wait_until(lambda: came)
            deliveries = [source.verify_webhook(body, headers) for body, headers in came]
        [read] = source.fetch_orders([external_id])
        for delivery in deliveries:
            assert delivery.external_id == external_id
            assert delivery.problem == ""
            # One that only says which order to look at is fetched.
            if delivery.envelope is not None:
                assert delivery.envelope.payload == read.payload
                assert delivery.envelope.version == read.version


class ReceivesWebhooksContract(SourceContract):
    """`ReceivesWebhooks`: only what was signed with one of our secrets, and only as it was signed."""

    @shows("C5")
    def test_a_forged_tampered_or_unsigned_delivery_is_refused(self, fake: Any, source: Any) -> None:
        body, headers = fake.deliveries(source)[0]
        rotated = fake.connect(webhook_secrets=("another secret", *fake.secrets[1:]))
        strange = fake.connect(webhook_secrets=("another secret",))
        assert rotated.verify_webhook(body, headers) == source.verify_webhook(body, headers)
        cases = [(strange, body, headers), (source, b"", headers)]
        if fake.unsigned:
            # What lets it in stands in its body: only without that it is nobody's.
            cases += [(source, body.replace(b'"token"', name), headers) for name in (b'"tokens"', b'"a":"b","x"')]
            cases += [
                (source, re.sub(rb'"token": "[^"]*"', value, body), headers)
                for value in (b'"token": ""', b'"token": 1')
            ]
        else:
            cases += [
                (source, body + b" ", headers),
                (source, body, {}),
                (source, body, dict.fromkeys(headers, "")),
                (source, body, dict.fromkeys(headers, "ä\x00" * 20)),
            ]
        for refused, its_body, its_headers in cases:
            with pytest.raises(SignatureInvalid):
                refused.verify_webhook(its_body, its_headers)
