"""What is wrong with a configuration is said at once, each with its place, what was found, expected, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.loader import load_config
from config.problems import ConfigError
from tests.config.folder import CHANNEL, CONNECTIONS, load, problems

TABLES = yaml.safe_load(Path(__file__).with_name("problems.yaml").read_text("utf-8"))


def rows(table: str) -> pytest.MarkDecorator:
    entries = TABLES[table]
    return pytest.mark.parametrize("row", entries, ids=[entry.get("about", entry["given"]) for entry in entries])


@rows("connection")
def test_a_problem_of_a_connection_is_named(tmp_path, row):
    text = f"connections:\n  shop:\n    {row['given']}\n    system: woocommerce\n    url: https://shop.example\n"

    assert problems(tmp_path, c=text) == [f"F/c.yaml:{row['says']}"]


@rows("url")
def test_an_address_that_cannot_be_used_is_refused(tmp_path, row):
    text = f"connections:\n  shop:\n    system: woocommerce\n    url: {row['given']}\n"

    assert problems(tmp_path, c=text) == [f"F/c.yaml:{row['says']}"]


@rows("channel")
def test_a_problem_of_a_channel_is_named(tmp_path, row):
    assert problems(tmp_path, c=f"{CHANNEL}    {row['given']}\n") == [f"F/c.yaml:{row['says']}"]


@rows("file")
def test_all_problems_of_a_whole_file_are_named(tmp_path, row):
    assert problems(tmp_path, c=row["given"]) == [f"F/c.yaml:{line}" for line in row["says"]]


def test_the_same_name_in_two_files_names_both_places(tmp_path):
    assert problems(tmp_path, a=CONNECTIONS, b="connections:\n\n  shop: {system: x, url: https://x}\n") == [
        "F/b.yaml:3:3: connections.shop: found the same name again (first in F/a.yaml:2:3), expected each name once"
    ]


def test_what_is_wrong_with_the_first_of_a_name_is_shown_in_its_own_file(tmp_path):
    found = problems(
        tmp_path, a="connections:\n  shop: {system: x, url: ftp://x}\n", b="connections:\n\n  shop: {url: https://x}\n"
    )

    assert [line.split(" ")[0] for line in found] == ["F/a.yaml:2:26:", "F/b.yaml:3:3:"]


def test_plain_http_is_no_second_problem_while_the_allowed_hosts_cannot_be_read(tmp_path):
    text = "connections:\n  erp: {system: x, url: 'http://erp.lan', allow_hosts: [erp lan]}\n"

    assert [line.split(": ")[1] for line in problems(tmp_path, c=text)] == ["connections.erp.allow_hosts[0]"]


def test_a_system_without_connector_is_named_when_the_connectors_are_known(tmp_path):
    [problem] = problems(tmp_path, c=CONNECTIONS.replace("tryton", "triton"), systems={"woocommerce", "tryton"})

    assert problem.endswith("found 'triton', expected one of tryton, woocommerce; did you mean 'tryton'?")


def test_a_problem_is_one_line_that_no_terminal_obeys(tmp_path):
    odd = '"\\e[31m\\n\\u202e"'
    text = f"connections:\n  {odd}: {{{odd}: 1, system: {odd}, url: 'https://${{env:{odd[1:-1]}}}'}}\n"
    text += f"channels:\n  main: {{source: {odd}, erp: x}}\n  {odd}: {{source: {odd}, erp: x}}\n"

    found = problems(tmp_path, c=text, d=f"{odd}: 1\nconnections: {{{odd}: 1}}\n")

    assert len(found) >= 5
    assert all(line.isprintable() for line in found)


def test_problems_of_all_files_and_kinds_come_at_once_in_order(tmp_path):
    found = problems(
        tmp_path,
        a="connections:\n  shop: {system: woocommerce, url: ftp://x, auth: {key: hunter2}}\n",
        b="channels:\n  main: {source: shopp, erp: shopp, policies: {rules: {tax: maybe}}, x: y}\n",
    )

    assert [line.split(": ")[1] for line in found] == [
        "connections.shop.url",
        "connections.shop.auth.key",
        "channels.main.source",
        "channels.main.erp",
        "channels.main.erp",
        "channels.main.policies.rules.tax",
        "channels.main.x",
    ]


def test_a_file_that_cannot_be_read_makes_no_false_alarm_about_its_names(tmp_path):
    found = problems(tmp_path, a="connections: {", b="channels:\n  main: {source: shop, erp: erp, timezone: Mars}")

    assert len(found) == 2
    assert "a.yaml:1:15: found no valid YAML" in found[0]
    assert "channels.main.timezone" in found[1]


def test_a_folder_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none", {})

    assert str(caught.value).replace(str(tmp_path), "F") == (
        "F/none: found no folder that can be read (No such file or directory), expected the configuration folder; "
        "copy config/example/crossdock.yaml into it and adapt it, or set CROSSDOCK_CONFIG to your folder"
    )


def test_a_folder_without_files_says_what_to_do(tmp_path):
    assert problems(tmp_path)[0].startswith(
        "F: found a folder without *.yaml files, expected the configuration folder; copy"
    )


def test_only_yaml_files_of_the_folder_itself_are_read(tmp_path):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "x.yaml").write_text("not: ours")
    (tmp_path / ".#c.yaml").write_text("an editor's lock")
    (tmp_path / "notes.txt").write_text("{")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "b.yml").write_text(CONNECTIONS)

    assert list(load(tmp_path).connections) == ["shop", "erp"]


KEYS = st.sampled_from(
    [
        *("connections", "channels", "policies", "schedules", "shop", "erp", "main", "system", "url", "auth", "key"),
        *(
            "webhook_secrets",
            "allow_hosts",
            "source",
            "timezone",
            "status",
            "rules",
            "start_at",
            "value_limits",
            "target",
        ),
        *("options", "extends", "settle_s", "ca_file", "minor_units", "EUR", "nightly", "<<", "_schema", "*/paid"),
    ]
) | st.text(max_size=8)
TEXTS = st.sampled_from(
    [
        *("", "~", "shop", "erp", "standard", "5m", "1e999", "import", "https://x", "http://[::1", "http://10.0.0.1"),
        *("${env:KEY}", "${env:NO}", "${file:.}", "${", "10.0.0.0/8"),
    ]
) | st.text(max_size=20)
TREES = st.recursive(
    TEXTS | st.none(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=5),
    max_leaves=15,
)
CONNECTION_TREES = st.fixed_dictionaries(
    {"system": TEXTS, "url": TEXTS}, optional={"auth": TREES, "options": TREES, "allow_hosts": TREES}
)
CHANNEL_TREES = st.fixed_dictionaries(
    {"source": TEXTS, "erp": TEXTS}, optional={"policies": TREES, "schedules": TREES, "timezone": TEXTS}
)
CONFIGS = TREES | st.fixed_dictionaries(
    {},
    optional={
        "connections": st.dictionaries(KEYS, CONNECTION_TREES | TREES, max_size=3) | TREES,
        "channels": st.dictionaries(KEYS, CHANNEL_TREES | TREES, max_size=3) | TREES,
        "policies": TREES,
        "schedules": TREES,
        "alerts": TREES,
    },
)


def as_yaml(tree: object) -> str:
    """YAML in which None is an empty value and every text is quoted."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(as_yaml, tree)) + "]"
    if tree is None:
        return ""
    escaped = "".join(char if char.isascii() and char.isalnum() else f"\\U{ord(char):08x}" for char in str(tree))
    return f'"{escaped}"'


@given(CONFIGS, CONFIGS)
def test_whatever_the_files_hold_they_load_or_every_problem_is_explained(tmp_path_factory, one, other):
    folder = tmp_path_factory.mktemp("config")

    # A crash of any other kind is what this looks for.
    try:
        config, error = load(folder, a=as_yaml(one), b=as_yaml(other)), None
    except ConfigError as refused:
        config, error = None, refused

    if config:
        assert {channel.source for channel in config.channels.values()} <= set(config.connections)
    else:
        assert "hunter2" not in str(error)
        assert all(problem.place.file.startswith(str(folder)) and problem.found for problem in error.problems)
        assert all(str(problem).isprintable() for problem in error.problems)
