"""The pages name what the program has: its commands and options, its causes, a configuration that it takes."""

from __future__ import annotations

import contextlib
import functools
import io
import re

import click
import pytest
import yaml

from config.loader import load_config
from connectors.kit.base import SendsOrders
from connectors.registry import class_of, has
from mappings.profiles import read_profile
from sync.cli import cli
from sync.cli.sandbox import sandbox
from sync.rules.state_words import state_words
from tests.docs.pages import blocks, pages
from tests.shared import REPOSITORY

#: In code spans and in what is typed; prose that happens to say "crossdock run" is none of a reader's commands.
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"\bcrossdock ((?:[a-z]+(?:[-_][a-z]+)* ?)+)((?:(?!&&|\|)[^#\n])*)")
CAUSE = re.compile(r"""(?:cause=|\bProblem\()"([a-z_]+)\"""")
CODE = ("connectors", "mappings", "sync", "webapp")


def typed():
    """(page, line) of every text that a reader could type."""
    for page, text in pages().items():
        for block in blocks(page, text):
            if block.language == "console":
                yield from ((page, step.command) for step in block.steps())
            elif block.language:
                yield from ((page, line) for line in block.text.splitlines() if "crossdock " in line)
        yield from ((page, span) for span in SPAN.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def named():
    """(page, command words, options) of every `crossdock ...`."""
    for page, line in typed():
        for words, rest in COMMAND.findall(line):
            yield page, words.split(), re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest)


def test_every_command_that_the_pages_name_is_there_with_its_options():
    wrong = []
    for page, words, options in named():
        command = cli.get_command(None, words[0])
        if isinstance(command, click.Group) and len(words) > 1:
            # Of some groups one command is meant where none is named.
            command = command.commands.get(words[1], command.commands.get(getattr(command, "default", "")))
        if command is None:
            wrong.append(f"{page}: crossdock {' '.join(words)}")
        elif command is sandbox:
            wrong += [f"{page}: sandbox {words[1]} {one}" for one in options if one not in _help_of_sandbox(words[1])]
        else:
            known = {one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)}
            wrong += [f"{page}: {command.name} {one}" for one in options if one not in {*known, "--help", "-h"}]
    assert wrong == []


def _help_of_sandbox(system):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        cli.main(["sandbox", system, "--help"])
    return {*re.findall(r"(?<![\w-])--[a-z-]+", shown.getvalue()), "--help"}


def test_every_command_is_named_on_a_page():
    known = {" ".join(words[:1]) for _, words, _ in named()}
    assert set(cli.list_commands(None)) - known == set()


def test_every_cause_stands_in_the_table_of_causes():
    """Those of issues in operations.md; what only raises an alert in alerts.md."""
    text = "\n".join((REPOSITORY / "docs" / name).read_text("utf-8") for name in ("operations.md", "alerts.md"))
    documented = {cause for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for cause in SPAN.findall(row)}
    files = [file for folder in CODE for file in (REPOSITORY / folder).rglob("*.py")]
    causes = {cause for file in files for cause in CAUSE.findall(file.read_text("utf-8"))}
    assert {"unknown_sku", "gone_in_erp", "kills_the_worker", "ambiguous_tax"} <= causes
    assert causes - documented == set()


@functools.cache
def shown_yaml():
    found = [block for page, text in pages().items() for block in blocks(page, text) if block.language == "yaml"]
    return {block.where: block.text for block in found}


def profiles():
    return {where: text for where, text in shown_yaml().items() if text.startswith("profile:")}


def configurations():
    return {where: text for where, text in shown_yaml().items() if where not in profiles()}


@pytest.mark.parametrize("where", profiles())
def test_every_profile_that_a_page_shows_is_taken(where):
    assert read_profile(profiles()[where], where).name


@pytest.mark.parametrize("where", configurations())
def test_every_configuration_that_a_page_shows_is_taken(where, tmp_path):
    text = configurations()[where]
    assert {"connections", "channels", "alerts"} & set(yaml.safe_load(text))
    (tmp_path / "shown.yaml").write_text(text, "utf-8")
    # An address that is a secret as a whole is held to be one.
    environ = {
        name: "https://secret.example/" if name.endswith("_URL") else "a-secret"
        for name in re.findall(r"\$\{env:(\w+)\}", text)
    }
    for name in re.findall(r"^ +profile: (\S+)", text, re.MULTILINE):
        # Which profile is another matter: each that a page shows has a test of its own.
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    load_config(tmp_path, environ, has_address=lambda system: not has(class_of(system), SendsOrders))


WORDS = {
    "WooCommerce": ("woocommerce", {}),
    "Shopify": ("shopify", {}),
    "Vendure": ("vendure", {}),
    "Zoho CRM, sales orders": ("zoho_crm", {}),
    "Zoho CRM, quotes": ("zoho_crm", {"orders_from": "quotes"}),
    "Zoho CRM, deals": ("zoho_crm", {"orders_from": "deals"}),
    "Fxiaoke": ("fxiaoke", {"state_field": "x__c"}),
    "files, JSON, the API": ("csv", {}),
}


def test_the_words_of_every_systems_states_are_those_that_it_takes():
    page = pages()["docs/way-back.md"].partition("| source | unless you say otherwise |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines()[2:]]
    assert [row[0] for row in rows] == list(WORDS)
    for source, default, known, extended in rows:
        words = state_words(*WORDS[source])
        assert dict(each.split(": ") for each in SPAN.findall(default) if ": " in each) == words.default, source
        if words.known is not None:
            assert tuple(SPAN.findall(known)) == words.known, source
            assert (extended == "yes") is words.extended, source
