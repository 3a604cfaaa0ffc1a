"""What `new-connector` writes: it is linted and typed as ours is, works at once, and says what is left to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from sync.cli import cli
from sync.skeleton import KINDS, NameUnusable, write
from tests.shared import REPOSITORY

BIN = Path(sys.executable).parent
#: What only the vendor's sheet and the real system can say.
TO_DO = {
    "test_what_the_real_system_answers_was_recorded",
    "test_the_stand_in_answers_as_the_real_system_does",
    "test_the_vendors_error_codes_are_told_apart",
    "test_the_page_says_what_the_vendor_says",
}
#: Kind -> a name of every length, so that no line is too long or too short for its form.
NAMES = [("ab", "shop"), ("my_crm", "crm"), ("a_name_of_24_characters0", "shop"), ("a_name_of_24_characters0", "erp")]


#: Typed in the folder of its tests: what the stand-in answers to a request.
ASKING = """\
import sys, requests
from stand_in import running
with running() as fake:
    fake.fill()
    print(requests.get(fake.server.url + sys.argv[1], headers=fake.headers()).text)
"""


def run(*words: str, folder: Path, status: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


# Writing


@pytest.mark.parametrize("name", ["X", "a", "My", "9lives", "a-b", "a__b", "a_", "../x", "class", "a" * 25, "", "é1"])
def test_what_is_no_name_of_a_package_is_refused(tmp_path, name):
    with pytest.raises(NameUnusable, match="small letters"):
        write(name, "shop", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused(tmp_path, entry_points):
    entry_points("crossdock.connectors", theirs="collections:OrderedDict")
    with pytest.raises(NameUnusable, match=r"'odoo' already, Crossdock's own"):
        write("odoo", "erp", tmp_path)
    with pytest.raises(NameUnusable, match=r"'theirs' already, one that is installed here"):
        write("theirs", "erp", tmp_path)


def test_what_is_there_is_not_written_over(tmp_path):
    folder, _ = write("my_shop", "shop", tmp_path)
    (folder / "README.md").write_text("mine")
    with pytest.raises(NameUnusable, match="is there already"):
        write("my_shop", "crm", tmp_path)
    assert (folder / "README.md").read_text() == "mine"


def test_the_command_says_what_it_wrote_and_what_comes_next(tmp_path):
    told = CliRunner().invoke(cli, ["new-connector", "my_shop", "--into", str(tmp_path)])
    assert told.exit_code == 0
    assert str(tmp_path / "crossdock-my-shop") in told.output
    assert "python -m pytest" in told.output
    refused = CliRunner().invoke(cli, ["new-connector", "shopify", "--into", str(tmp_path)])
    assert refused.exit_code == 2
    assert "choose another name" in refused.output


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_template_is_left(tmp_path, kind):
    folder, files = write("acme", kind, tmp_path)
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == files
    left = re.compile(r"%%|my.?system|\.tmpl", re.IGNORECASE)
    assert [file for file in files if left.search(file) or left.search((folder / file).read_text())] == []


# What was written


def test_it_is_linted_by_the_rules_that_hold_for_us(tmp_path):
    folder, _ = write("acme", "shop", tmp_path)
    ours, its = (
        tomllib.loads((place / "pyproject.toml").read_text())["tool"]["ruff"] for place in (REPOSITORY, folder)
    )
    assert its["lint"]["select"] == ours["lint"]["select"]
    assert its["lint"]["ignore"] == ours["lint"]["ignore"]
    assert (its["line-length"], its["target-version"]) == (ours["line-length"], ours["target-version"])


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_it_is_in_form_whatever_it_is_called(tmp_path, name, kind):
    folder, _ = write(name, kind, tmp_path)
    run("ruff", "check", "--no-cache", folder=folder)
    run("ruff", "format", "--check", "--no-cache", folder=folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Installs a package beside Crossdock: (its folder, the environment in which it is found)."""

    def install(name: str, kind: str) -> tuple[Path, dict[str, str]]:
        tmp_path = tmp_path_factory.mktemp(kind)
        folder, _ = write(name, kind, tmp_path)
        offline = ["--offline", "--no-deps", "--no-build-isolation", "--python", sys.executable]
        run("uv", "pip", "install", "--quiet", *offline, "--target", str(tmp_path / "site"), ".", folder=folder)
        # With nothing but pytest, as whoever writes a connector has it.
        return folder, {"PYTHONPATH": f"{tmp_path / 'site'}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    return install


def outcomes(folder: Path, environment: dict[str, str], *words: str, status: int) -> dict[str, str]:
    """Test -> how it ended, and for those that failed why."""
    told = run("pytest", "-rA", "-q", "--tb=line", *words, folder=folder, status=status, **environment)
    found = re.findall(r"^(PASSED|FAILED|ERROR) tests/[\w/]+\.py::([^\s]+)", told, re.MULTILINE)
    return {test: outcome for outcome, test in found}


def fill_in(folder: Path, package: str, document: dict, path: str) -> None:
    """What somebody writes who has the vendor's sheet and an account: here the real system is the invented one."""
    recorded = folder / "fixtures" / "recorded"
    recorded.mkdir(parents=True)
    refused = {"code": "unauthorized", "message": "the key is missing or wrong"}
    exchanges = {
        "list": ({"method": "GET", "path": path}, {"status": 200, "json": document}),
        "error": ({"method": "GET", "path": path, "headers": {"X": "1"}}, {"status": 401, "json": refused}),
    }
    for name, (request, response) in exchanges.items():
        (recorded / f"{name}.json").write_text(json.dumps({"request": request, "response": response}))
    codes = folder / package / "codes.py"
    text = codes.read_text().replace("ConnectorError]]] = {}", 'ConnectorError]]] = {"key_expired": ConnectionBroken}')
    codes.write_text(text.replace("ConnectorError, RateLimited", "ConnectionBroken, ConnectorError, RateLimited"))
    [page] = (folder / "docs").glob("*.md")
    page.write_text(re.sub("To do.*?(?=$| \\|)", "nothing", page.read_text(), flags=re.MULTILINE))


@pytest.mark.heavy
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("name", "kind", "path"),
    [("acme_shop", "shop", "/api/orders?limit=1"), ("acme_erp", "erp", "/api/sales?key=recorded")],
)
def test_it_works_at_once_but_for_what_is_to_do_and_then_whole(installed, name, kind, path):
    folder, environment = installed(name, kind)
    package = f"crossdock_{name}"

    found = outcomes(folder, environment, status=1)
    assert {test for test, outcome in found.items() if outcome != "PASSED"} == TO_DO
    assert len(found) > 60
    run("mypy", "--cache-dir", os.devnull, folder=folder, MYPYPATH=str(REPOSITORY))

    [sample, *_] = sorted((folder / "fixtures" / "orders").glob("*.json"))
    if kind == "shop":
        assert "'number': 'A-100" in run("crossdock", "mapping", "try", name, str(sample), folder=folder, **environment)

    answer = run("python", "-c", ASKING, path, folder=folder / "tests", **environment)
    fill_in(folder, package, json.loads(answer), path)
    run("ruff", "check", "--no-cache", folder=folder)
    # The package is installed: what was filled in is read from its folder.
    environment["PYTHONPATH"] = f"{folder}{os.pathsep}{environment['PYTHONPATH']}"
    found = outcomes(folder, environment, "tests/test_todo.py", "tests/test_mapping.py", status=0)
    assert found.keys() >= TO_DO
