"""A connection's options come as texts from YAML and as values from code; both mean the same."""

import pytest

from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options

KNOWN = ("bulk", "flag", "wait_s", "name", "kinds", "backend")


@pytest.mark.parametrize(
    ("name", "text", "value", "read"),
    [
        ("bulk", "25", 25, lambda options: options.whole("bulk", 1, 1, 50)),
        ("flag", "false", False, lambda options: options.flag("flag", default=True)),
        ("wait_s", "2.5", 2.5, lambda options: options.seconds("wait_s", None)),
        ("name", "012", "012", lambda options: options.text("name")),
        ("backend", "sqlite", "sqlite", lambda options: options.one_of("backend", ["sqlite"], "")),
    ],
)
def test_a_text_means_what_the_value_means(name, text, value, read):
    assert read(Options("erp", {name: text}, KNOWN)) == read(Options("erp", {name: value}, KNOWN)) == value


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"bulk": "51"}, lambda options: options.whole("bulk", 1, 1, 50)),
        ({"bulk": "1e1"}, lambda options: options.whole("bulk", 1, 1, 50)),
        ({"bulk": "٣"}, lambda options: options.whole("bulk", 1, 1, 50)),
        ({"flag": "no"}, lambda options: options.flag("flag", default=True)),
        ({"wait_s": "nan"}, lambda options: options.seconds("wait_s", None)),
        ({"wait_s": "-1"}, lambda options: options.seconds("wait_s", None)),
        ({"wait_s": True}, lambda options: options.seconds("wait_s", None)),
        ({"name": ""}, lambda options: options.text("name", "something")),
        ({"kinds": "any"}, lambda options: options.texts("kinds", ["any"])),
        ({"kinds": []}, lambda options: options.texts("kinds", ["any"])),
        ({"backend": "oracle"}, lambda options: options.one_of("backend", ["sqlite"], "")),
    ],
)
def test_what_cannot_be_used_is_named(given, read):
    with pytest.raises(ConnectionBroken, match=next(iter(given))):
        read(Options("erp", given, KNOWN))


def test_an_option_that_the_system_does_not_have_is_refused_with_those_that_it_has():
    with pytest.raises(ConnectionBroken, match=r"no option 'bluk'; it has .*bulk"):
        Options("erp", {"bluk": 1}, KNOWN)
