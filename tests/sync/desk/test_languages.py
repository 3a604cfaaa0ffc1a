"""What is sent to people is in the language of the installation, all of it."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from sync.desk import alert_texts, languages
from sync.desk.alert_texts import body_of, text_of
from sync.desk.alert_words import alert_words, known_causes
from sync.desk.languages import ENGLISH, all_in_language, best_of, catalogue_of, has_catalogue, in_language
from sync.desk.phrases import joined, say, say_many
from sync.store.alerts import AlertRow, News
from sync.store.said import dump_said, load_said
from tests.databases import now
from tests.webapp.console.pseudo import CLOSE, OPEN, PSEUDO, marked, pseudo_language
from webapp.catalogues import FOLDER

#: Reading all texts of the program takes its time: once for all of these.
__all__ = ["pseudo_language"]


def row(cause: str, **values: object) -> AlertRow:
    stands = {"id": 1, "cause": cause, "scope": "channel", "place": "web", "severity": "warning", "count": 3}
    times = {"seen_at": now(), "raised_at": now(), "closed_at": None}
    return AlertRow(**{**stands, "detail": say("Disk nearly full"), **times, **values})


def kept(body):
    """As it comes out of the database."""
    return load_said(dump_said(body))


def untranslated(text: str) -> list[str]:
    while (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", text)) != text:
        text = shorter
    return re.findall(r"[^\W\d_]{2,}", text)


def test_every_word_of_a_message_is_in_the_language_of_the_installation(pseudo_language):
    catalogue = catalogue_of(PSEUDO, pseudo_language)
    raised = [row(cause) for cause in known_causes()] + [
        row("queue", place="", count=1, detail="", severity="critical")
    ]
    body = kept(body_of(News(raised, [row("disk", closed_at=now())]), 4, "", now()))
    subject, text = text_of(body, catalogue)
    assert (untranslated(subject), untranslated(text)) == ([], [])
    for words in map(alert_words, known_causes()):
        assert {marked(said) in text for said in (words.label, words.happened, words.remedy)} == {True}
    assert untranslated("".join(text_of(kept(alert_texts.test_body("", now())), catalogue))) == []
    english = text_of(body)
    assert OPEN not in english[0] + english[1]
    assert english[0] == f"Crossdock: {len(raised)} new alerts, 1 over"


def test_a_receiver_of_webhooks_gets_the_same_json_in_that_language(pseudo_language):
    body = kept(body_of(News([row("disk")], []), 1, "https://hub.test", now()))
    told = all_in_language(body, catalogue_of(PSEUDO, pseudo_language))
    for name in ("label", "happened", "remedy"):
        assert told["raised"][0].pop(name) == marked(body["raised"][0].pop(name))
    assert told["raised"][0].pop("detail") == marked("Disk nearly full")
    body["raised"][0].pop("detail")
    assert told == json.loads(json.dumps(body))


def test_a_phrase_is_told_with_all_that_is_inside_of_it_and_values_stay(pseudo_language):
    catalogue = catalogue_of(PSEUDO, pseudo_language)
    inner = say_many("%(count)s document", "%(count)s documents", 2)
    assert in_language(joined(": ", [inner, "Retry"]), catalogue) == f"{marked('2 documents')}: Retry"
    assert in_language("Retry", catalogue) == "Retry"
    assert in_language(joined(": ", [inner, "Retry"]), ENGLISH) == "2 documents: Retry"


def test_a_language_without_a_catalogue_is_english_and_told_so(tmp_path):
    assert catalogue_of("xx", tmp_path) is not None
    assert in_language(say("Sign in"), catalogue_of("xx", tmp_path)) == "Sign in"
    assert not has_catalogue("xx")
    assert has_catalogue("en")
    assert has_catalogue("en_GB")


def test_where_no_pages_are_installed_texts_are_english(monkeypatch):
    monkeypatch.setattr(languages.importlib.util, "find_spec", lambda _: None)
    assert languages.catalogues_folder() is None
    monkeypatch.setattr(languages.importlib.util, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[]))
    assert languages.catalogues_folder() is None


def test_the_catalogues_are_looked_for_where_the_pages_keep_them():
    assert languages.catalogues_folder() == FOLDER


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["zh-CN", "en"], "zh_Hans_CN"),
        (["zh", "en"], "zh_Hans_CN"),
        (["zh_SG"], "zh_Hans_CN"),
        (["zh-TW", "en-GB"], "en"),
        (["de", "pt-PT"], "pt_BR"),
        (["*", "not a tag", "en"], "en"),
        (["de"], None),
        ([], None),
    ],
)
def test_the_first_language_that_we_have_is_taken_from_another_country_but_not_in_another_script(wanted, found):
    assert best_of(wanted, ["en", "pt_BR", "zh_Hans_CN"]) == found
