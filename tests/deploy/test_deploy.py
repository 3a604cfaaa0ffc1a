"""What `deploy/` says is what this program takes: commands, variables, signals, files.

No container engine runs here, so the image itself is not built; what is installed into it is, by its own steps.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from config.settings import Settings
from config.variables import VARIABLES
from sync.cli import cli
from tests.shared import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KEY = "k" * 48


def unit(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def ours():
    """Services that run this program."""
    return {name: service for name, service in compose()["services"].items() if service["image"] == "crossdock"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is_and_never_gives_up(path):
    service = unit(path)["Service"]
    assert service["ExecStart"].rpartition("/")[2].split()[1] in cli.list_commands(None)
    assert (service["Restart"], service["KillMode"]) == ("always", "mixed")
    assert service["RestartPreventExitStatus"] == str(os.EX_CONFIG)


def test_there_is_a_unit_and_a_service_for_every_process_of_the_grown_size():
    processes = {"web", "worker", "scheduler"}
    assert {path.stem.removeprefix("crossdock-").removesuffix("@") for path in UNITS} == processes
    assert set(ours()) == processes | {"init"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_unit(path, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    command = Path(sys.executable).with_name("crossdock")
    copy = tmp_path / path.name
    copy.write_text(path.read_text().replace("/opt/crossdock/.venv/bin/crossdock", str(command)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_example_environment_is_taken_as_it_stands():
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert given["CROSSDOCK_SECRET_KEY"] == "", "nobody's installation may be signed with an example"
    settings = Settings.from_env(given | {"CROSSDOCK_SECRET_KEY": KEY})
    assert (settings.public_url, settings.proxy_hops) == ("https://dock.example", 1)


def test_every_service_starts_a_command_that_there_is():
    assert all(service["command"][0] in cli.list_commands(None) for service in ours().values())


def test_every_variable_of_the_services_is_one_of_ours_and_can_be_read():
    known = {variable.name for variable in VARIABLES}
    values = {"POSTGRES_PASSWORD": "p", "CROSSDOCK_SECRET_KEY": KEY, "CROSSDOCK_PUBLIC_URL": "https://dock.example"}
    for service in ours().values():
        environment = {
            name: re.sub(r"\$\{(\w+)[^}]*\}", lambda found: values[found[1]], text)
            for name, text in service["environment"].items()
        }
        assert set(environment) <= known
        Settings.from_env(environment)


def test_the_queue_keeps_what_it_is_told_and_evicts_nothing():
    command = compose()["services"]["queue"]["command"]
    given = dict(zip(command[1::2], command[2::2], strict=True))
    assert given == {"--appendonly": "yes", "--appendfsync": "everysec", "--maxmemory-policy": "noeviction"}


def test_nobody_starts_before_the_database_has_its_schema():
    for name, service in ours().items():
        if name == "init":
            assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
        else:
            assert service["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_a_worker_is_given_as_long_to_end_by_compose_as_by_systemd():
    [path] = [path for path in UNITS if "worker" in path.name]
    assert ours()["worker"]["stop_grace_period"] == f"{unit(path)['Service']['TimeoutStopSec']}s"


def test_the_image_holds_every_package_and_runs_as_nobody_in_particular():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert [name for name in copied if not (REPOSITORY / name).exists()] == []
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= copied
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["crossdock"]
    tested = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert set(re.findall(r"^FROM python:([0-9.]+)-slim", text, re.MULTILINE)) == {tested}


@pytest.mark.heavy
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_image_is_built_with_makes_a_whole_installation(tmp_path):
    """The steps of its first stage, with nothing of this folder but what they copy."""
    source, made = tmp_path / "source", tmp_path / "made"
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "CROSSDOCK_STATE": str(tmp_path / "state"),
        "CROSSDOCK_CONFIG": str(tmp_path),
    }

    def run(command, place=tmp_path, **more):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=place, env=environment | more, shell=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    stage = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "").partition("\nFROM python:3.11-slim\n")[0]
    variables = dict(word.split("=") for word in re.search(r"^ENV (.*)$", stage, re.MULTILINE)[1].split())
    assert variables["UV_PROJECT_ENVIRONMENT"] == "/opt/crossdock"
    variables |= {"UV_PROJECT_ENVIRONMENT": str(made), "UV_PYTHON": sys.executable}
    synced = 0
    for verb, rest in re.findall(r"^(COPY|RUN) (.*)$", stage, re.MULTILINE):
        if verb == "COPY":
            *names, target = rest.split()
            for name in names:
                _copy(REPOSITORY / name, source / (name if target == "./" else target))
        elif rest.startswith("uv "):
            run(rest, source, **variables)
            synced += 1
    assert synced == 2
    shutil.rmtree(source)
    assert not list(made.glob("lib/*/site-packages/tests"))
    assert not list(made.glob("lib/*/site-packages/setuptools"))
    (tmp_path / "crossdock.yaml").write_text("connections: {}\n")
    run(f"{made}/bin/crossdock init")
    assert (tmp_path / "state" / "crossdock.db").exists()
    look = "from webapp.app import create_app; client = create_app().test_client(); "
    look += "print(client.get('/sign-in', headers={'Accept-Language': 'zh'}).text)"
    assert "登录" in run(f'{made}/bin/python -c "{look}"')


def _copy(path, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(path, target)
