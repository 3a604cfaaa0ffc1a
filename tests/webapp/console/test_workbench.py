"""The workbench of mapping profiles, without JavaScript: one form, and nothing that was typed is lost to it."""

from __future__ import annotations

import dataclasses
import functools
import html
import io
import json
import re

import pytest
import werkzeug.test

from config.model import PublishGate
from config.yamlfile import MAX_BYTES
from sync.desk.profiles import publish, save_draft
from sync.store.audit import Actor
from sync.store.issues import list_open
from sync.store.revisions import load_draft, load_published
from tests.sync.desk.test_profiles import text as profile
from tests.sync.flows.world import CHANNEL
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from tests.webapp.console.test_lookups import HOSTILE, app, integrator, store, text, world

__all__ = ["app", "foreigner", "integrator", "pseudo_language", "store", "world"]

ANNA = Actor("anna")
WHERE = f"/mappings/{CHANNEL}/workbench"
TAXED = """\
profile: own
extends: woocommerce
source:
  lines:
    - {to: tax_class, copy: item.klass}
"""


@pytest.fixture
def bench(world, integrator):
    """The integrator at a bench with three orders: one is done, one is stopped, one is new."""
    world.systems._published = lambda channel: world.store.read(lambda c: load_published(c, channel))
    world.done = world.shop.place()
    world.stopped = world.shop.place(sku="NOWHERE", customer="b")
    world.carry()
    return integrator


def fields(page):
    """What the form on the page would send again."""
    found = {name: html.unescape(value) for name, value in re.findall(r'name="(base|seen)" value="([^"]*)"', page.text)}
    found["text"] = html.unescape(re.search(r'name="text"[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL)[1])
    chosen = re.search(r'<option value="([^"]*)" selected', page.text)
    return found | {"sample": chosen[1] if chosen else ""}


def press(browser, page, do, **changes):
    return browser.post(WHERE, **{**fields(page), "do": do, **changes})


def draft(world):
    return world.store.read(lambda c: load_draft(c, CHANNEL))


def published(world):
    return world.store.read(lambda c: load_published(c, CHANNEL))


def test_it_begins_with_the_orders_that_are_stopped_and_with_what_applies(world, bench):
    page = bench.get(WHERE)
    assert re.findall(r'<option value="([^"]+)"', page.text) == [world.stopped, world.done]
    assert fields(page) == {
        "base": "0",
        "seen": "",
        "text": f"profile: {CHANNEL}\nextends: woocommerce\nsource:\n  order: []\n",
        "sample": world.stopped,
    }
    publish(world.store, world.config, CHANNEL, profile("one"), actor=ANNA, reason="x", base=0)
    assert (fields(bench.get(WHERE))["text"], fields(bench.get(WHERE))["base"]) == (profile("one"), "1")
    kept = save_draft(world.store, world.config, CHANNEL, profile("two"), actor=ANNA)
    assert (fields(bench.get(WHERE))["text"], fields(bench.get(WHERE))["seen"]) == (profile("two"), kept.seen)


def test_a_check_says_what_becomes_of_the_sample_and_from_which_line(world, bench):
    page = press(bench, bench.get(f"{WHERE}?sample={world.done}"), "check", text=profile("from here"))
    assert page.status_code == 200
    said = text(page)
    assert "The sample is mapped, and its total adds up." in said
    assert "The shop charged" in said
    assert re.search(r'Different from what applies .*note "[^"]*" "from here" .*The order', said)
    assert 'note 5 "from here"' in said
    assert fields(page)["text"] == profile("from here")
    assert draft(world) is None


def test_a_check_says_what_the_shop_would_be_told(world, bench):
    rule = "shop:\n  woocommerce:\n    shipment_note:\n      - {to: customer_note, constant: no, as: flag}\n"
    rule += "    invoice_marks:\n      - {to: meta_data._ledger, copy: order.number}\n"
    own = f"profile: own\nextends: woocommerce\n{rule}"
    said = text(press(bench, bench.get(f"{WHERE}?sample={world.done}"), "check", text=own))
    assert "shop.invoice_marks.meta_data._ledger" in said.partition("The order")[0]
    assert '"_ledger": ' in said.partition("For the shop")[2]


def test_a_text_that_nobody_would_read_is_refused_and_stays_in_the_form(world, bench):
    longest = f"# {'x' * (MAX_BYTES - 10)}\n"
    assert "The draft is kept as version 0.1." in text(press(bench, bench.get(WHERE), "save", text=longest))
    page = press(bench, bench.get(WHERE), "save", text=f"# {'ü' * (MAX_BYTES // 2)}")
    assert "more than 256 KiB" in text(page)
    assert draft(world).text == longest


def test_the_fields_of_the_sample_are_shown_with_the_paths_by_which_rules_read_them(world, bench):
    page = bench.get(f"{WHERE}?sample={world.done}").text
    assert 'data-path="source.line_items[0].sku" data-item="item.sku"' in page
    assert 'data-path="source.billing.city" data-item=""' in page


def test_every_mistake_of_the_text_is_told_with_its_place_and_doubts_beside_it(world, bench):
    wrong = press(bench, bench.get(WHERE), "check", text="profile: own\nextends: woocomerce\nsource: {}\nx: 1\n")
    assert wrong.status_code == 200
    assert "2:10 extends" in text(wrong)
    assert "did you mean 'woocommerce'?" in text(wrong)
    assert "4:1 x" in text(wrong)
    doubtful = text(press(bench, bench.get(f"{WHERE}?sample={world.done}"), "check", text=TAXED))
    assert "5:7 source.lines[0] none of the samples has item.klass" in doubtful
    assert "The sample is mapped" in doubtful


def test_a_sample_that_would_stop_says_why(world, bench):
    stops = TAXED.replace("copy: item.klass", "copy: item.name, then: [{lookup: vat}]")
    page = text(press(bench, bench.get(f"{WHERE}?sample={world.done}"), "check", text=stops))
    assert "The sample would stop." in page
    assert "the vat look-up has no row" in page
    assert "there is no look-up table vat" in page


def test_samples_are_searched_for(world, bench):
    page = press(bench, bench.get(WHERE), "check", q=world.done, sample=world.done)
    assert re.findall(r'<option value="([^"]+)"', page.text) == [world.done]
    nobody = press(bench, page, "check", sample="nobody")
    assert "Nothing is kept of the order nobody." in text(nobody)


def test_a_sample_can_be_brought_along_as_text_and_out_of_a_file(world, bench):
    order = world.shop.orders[world.done]
    pasted = press(bench, bench.get(WHERE), "check", sample="", own=json.dumps(order))
    assert "The sample is mapped" in text(pasted)
    file = (io.BytesIO(json.dumps([{"id": 1}, order]).encode()), "orders.json")
    page = press(bench, pasted, "check", file=file, order="2", sample=world.stopped)
    assert "The sample is mapped" in text(page)
    assert fields(page)["sample"] == ""
    for name, own in {"no JSON": "{", "no object": "[[1]]"}.items():
        assert "sample" in text(press(bench, page, "check", sample="", own=own)), name
    for body, said in {b"a;b\n1;2": "the file is no JSON", b"[]": "none at place 1", b"{": "not JSON"}.items():
        refused = press(bench, page, "check", file=(io.BytesIO(body), "x.csv"))
        assert (refused.status_code, said in text(refused)) == (422, True), body


def test_a_draft_is_kept_and_sending_it_twice_keeps_it_once(world, bench):
    page = bench.get(WHERE)
    kept = press(bench, page, "save", text="nothing of a profile yet")
    assert "The draft is kept as version 0.1." in text(kept)
    assert fields(kept)["seen"] == "0.1"
    assert press(bench, page, "save", text="nothing of a profile yet").status_code == 200
    assert (draft(world).text, draft(world).version, draft(world).changed_by) == (
        "nothing of a profile yet",
        1,
        "integrator",
    )


def test_of_two_who_save_one_the_second_sees_both_texts_and_loses_none(world, bench):
    page = bench.get(WHERE)
    save_draft(world.store, world.config, CHANNEL, profile("theirs"), actor=ANNA)
    refused = press(bench, page, "save", text=profile("mine"))
    assert refused.status_code == 409
    assert "anna has saved the draft" in text(refused)
    assert "- - {to: note, constant: theirs}" in text(refused)
    assert fields(refused)["text"] == profile("mine")
    assert draft(world).text == profile("theirs")
    [over] = re.findall(r'name="over" value="([^"]+)"', refused.text)
    assert press(bench, refused, "save").status_code == 409
    assert press(bench, refused, "save", over=over).status_code == 200
    assert draft(world).text == profile("mine")


def test_publishing_shows_what_it_changes_wants_a_reason_and_looks_again_at_what_stands(world, bench):
    page = bench.get(WHERE)
    review = press(bench, page, "review", text=profile("new"))
    assert "What it would change" in text(review)
    assert "Newest orders 2" in text(review)
    refused = press(bench, review, "publish")
    assert refused.status_code == 422
    assert "Say why" in text(refused)
    assert published(world) is None
    assert press(bench, refused, "publish", reason="notes for the shelf").location == f"/mappings/{CHANNEL}"
    now = published(world)
    assert (now.number, now.text, now.reason, now.author) == (1, profile("new"), "notes for the shelf", "integrator")
    assert draft(world) is None
    assert (CHANNEL, "order") in world.bell.rings
    assert "Revision 1 is published. Orders that stood still and are looked at again: 1." in text(
        bench.get(f"/mappings/{CHANNEL}")
    )


def test_a_text_made_from_an_older_revision_is_compared_before_it_is_published(world, bench):
    page = bench.get(WHERE)
    publish(world.store, world.config, CHANNEL, profile("theirs"), actor=ANNA, reason="x", base=0)
    refused = press(bench, page, "publish", text=profile("mine"), reason="mine is better")
    assert refused.status_code == 409
    assert "revision 1 was published by anna meanwhile" in text(refused)
    assert "- - {to: note, constant: theirs}" in text(refused)
    assert published(world).text == profile("theirs")
    [over] = re.findall(r'name="over" value="([^"]+)"', refused.text)
    assert press(bench, refused, "publish", over=over, reason="mine is better").status_code == 303
    assert (published(world).number, published(world).text) == (2, profile("mine"))


def test_a_text_that_is_no_profile_is_kept_and_neither_tried_nor_published(world, bench):
    page = bench.get(f"{WHERE}?sample={world.done}")
    for do in ("review", "publish", "dry-run"):
        refused = press(bench, page, do, text="nothing", reason="x")
        assert refused.status_code == 422
        assert "Nothing was done: the text is no profile yet." in text(refused)
    assert published(world) is None


def test_a_gate_stops_what_would_newly_fail_unless_an_admin_says_why(world, bench, browser):
    gated = dataclasses.replace(world.config.channels[CHANNEL], publish_gate=PublishGate.NO_NEW_FAILURES)
    world.config.channels[CHANNEL] = gated
    fails = TAXED.replace("copy: item.klass", "copy: item.name, then: [{lookup: vat}]")
    refused = press(bench, bench.get(WHERE), "publish", text=fails, reason="x", despite="I want it")
    assert refused.status_code == 422
    assert "could not be mapped any more" in text(refused)
    assert published(world) is None
    admin = browser("admin")
    page = press(admin, admin.get(WHERE), "review", text=fails)
    assert "Why all the same" in text(page)
    assert press(admin, page, "publish", reason="x", despite="rows come tonight").status_code == 303
    assert published(world).number == 1


def test_a_dry_run_shows_the_calls_by_the_text_and_wants_a_stored_order(world, bench, monkeypatch):
    made = {}

    def look(store, systems, order, *, profile):
        made.update(order=order.external_id, text=profile.text)
        raise LookupError("nobody is there")

    monkeypatch.setattr("webapp.console.workbench.dry_run", look)
    page = bench.get(f"{WHERE}?sample={world.done}")
    assert "Choose a stored order" in text(press(bench, page, "dry-run", sample=""))
    answer = press(bench, page, "dry-run", text=profile("new"))
    assert (answer.status_code, "nobody is there" in text(answer)) == (502, True)
    assert made == {"order": world.done, "text": profile("new")}


def test_what_was_published_and_cannot_be_read_any_more_is_mended_here(world, bench, monkeypatch):
    publish(world.store, world.config, CHANNEL, profile("one"), actor=ANNA, reason="x", base=0)
    world.write(lambda c: c.exec_driver_sql("UPDATE profile_revisions SET text = 'broken'"))
    page = press(bench, bench.get(f"{WHERE}?sample={world.done}"), "check", text=profile("two"))
    assert "The sample is mapped" in text(page)
    assert "What applies does not map this sample." in text(page)


def test_only_integrators_see_it_and_the_page_of_the_channel_leads_there(world, bench, browser):
    viewer = browser("viewer")
    assert viewer.get(WHERE).status_code == 403
    assert WHERE not in viewer.get(f"/mappings/{CHANNEL}").text
    assert f'href="{WHERE}"' in bench.get(f"/mappings/{CHANNEL}").text


def test_what_people_and_shops_write_does_nothing_on_the_page(world, bench):
    order = world.shop.orders[world.done]
    order |= {HOSTILE: HOSTILE, "customer_note": HOSTILE}
    hostile = profile("x") + "# </textarea>" + HOSTILE
    pages = [
        press(bench, bench.get(WHERE), "check", sample="", own=json.dumps(order), text=hostile, q=HOSTILE),
        press(bench, bench.get(WHERE), "review", text=hostile.replace("extends: w", f"extends: {HOSTILE}")),
        press(bench, bench.get(WHERE), "save", text=hostile, seen=HOSTILE, base=HOSTILE),
    ]
    for page in pages:
        assert HOSTILE not in page.text
        assert "</textarea>" + HOSTILE not in page.text


def test_every_answer_is_in_the_readers_language(world, bench, foreigner):
    someone = foreigner("integrator")
    page = someone.get(WHERE)
    pages = [
        page,
        press(someone, page, "check", text=profile("x"), sample=world.done),
        press(someone, page, "check", text=TAXED, sample=world.done),
        press(someone, page, "check", text="nothing"),
        press(someone, page, "review", text=profile("x")),
        press(someone, page, "dry-run", sample=""),
        press(someone, page, "save", text=profile("x")),
        press(someone, page, "save", text=profile("y")),
    ]
    assert [unmarked(page.text) for page in pages] == [[]] * len(pages)


def test_a_cause_that_the_mapping_can_mend_leads_there(world, bench, browser):
    world.shop.orders[world.shop.place(customer="c")]["total"] = "much"
    world.carry()
    [issue] = [issue.id for issue in world.store.read(list_open) if issue.cause == "mapping"]
    assert f'href="{WHERE}"' in bench.get(f"/needs/{issue}").text
    assert WHERE not in browser("operator").get(f"/needs/{issue}").text


def test_a_text_that_is_too_long_is_told_so_and_not_lost(world, bench, monkeypatch):
    # The client's own way with long forms is a file that nobody closes.
    in_memory = functools.partial(werkzeug.test.stream_encode_multipart, use_tempfile=False)
    monkeypatch.setattr("werkzeug.test.stream_encode_multipart", in_memory)
    # As a browser sends it, in parts: the file is one of them, though nobody has chosen any.
    page = press(bench, bench.get(WHERE), "check", text="a" * 600_000, file=(io.BytesIO(b""), ""))
    assert page.status_code == 200
    assert "more than 256 KiB" in text(page)
    assert len(fields(page)["text"]) == 600_000
