"""What holds for the project as a whole and no linter looks at."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.shared import REPOSITORY, shared_path

PACKAGES = ("connectors", "mappings", "sync", "webapp", "config")


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository, those that are not committed yet too, but nothing that was made here."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    names = {name for name in listed.stdout.decode().split("\0") if name}
    return sorted(path for name in names if (path := REPOSITORY / name).is_file())


def relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(REPOSITORY)) for path in paths]


def test_the_top_level_is_what_the_design_says():
    folders = {path.relative_to(REPOSITORY).parts[0] for path in tracked() if path.parent != REPOSITORY}
    assert folders <= {*PACKAGES, "tests", "docs", "deploy", ".ci", ".github"}


@pytest.mark.parametrize("target", ["setup", "demo", "run", "test", "check", "bench"])
def test_make_knows_its_targets_and_makes_the_environment_first(target):
    shown = subprocess.run(
        ["make", "--dry-run", "--always-make", target], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert shown.index(".ci/setup") == min(
        shown.index(".ci/setup"), shown.index(".venv/bin") if target != "setup" else 9999
    )


def test_ci_is_check_and_test():
    lines = (REPOSITORY / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line.startswith("make")] == ["make check", "make test"]
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_every_package_in_the_lock_has_hashes():
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    for package in lock["package"]:
        if "editable" in package["source"]:
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]
        assert package["source"] == {"registry": "https://pypi.org/simple"}


def test_the_installer_is_pinned_with_hashes():
    text = (REPOSITORY / ".ci" / "uv.txt").read_text()
    requirements = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+ \\", line) for line in requirements)
    assert "--hash=sha256:" in text


def test_the_licence_is_apache_2():
    text = (REPOSITORY / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"


def test_the_changelog_has_a_place_for_what_is_not_released():
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "README.md", "CHANGELOG.md", *relative(tracked("docs/*.md"))])
def test_every_file_that_a_page_names_is_there(document):
    page = REPOSITORY / document
    text = page.read_text()
    named = {name.partition("#")[0] for name in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in name}
    missing = [name for name in named if name and not (page.parent / name).exists()]
    in_code = re.findall(r"`((?:connectors|mappings|sync|webapp|config|tests|docs|\.ci)/[\w./-]*\.\w+)`", text)
    # The reader makes `config/local/`; `mysystem` is the reader's own.
    theirs = re.compile(r"mysystem|^config/local/")
    missing += [name for name in in_code if not (REPOSITORY / name).exists() and not theirs.search(name)]
    assert missing == []


def test_no_test_opens_the_whole_network():
    """`loopback` is the way: it lets this machine be reached and nothing else."""
    opens = re.compile(r"mark\.enable_socket|socket_enabled|force-enable-socket")
    opened = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in tracked("tests/*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if opens.search(line) and path != Path(__file__)
    ]
    assert opened == []


def test_no_product_code_knows_that_it_is_tested():
    suspicious = re.compile(r"PYTEST_|\bimport (pytest|unittest|hypothesis|responses|time_machine)\b|[\"']pytest[\"']")
    found = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for path in tracked(*(f"{package}/*.py" for package in PACKAGES))
        # Tests that are shipped; import-linter keeps the product from them.
        if not path.is_relative_to(REPOSITORY / "sync" / "contract")
        for line in path.read_text().splitlines()
        if suspicious.search(line)
    ]
    assert found == []


def test_nothing_of_the_vendors_samples_is_in_the_repository():
    """They are theirs: they may be read in place, not passed on with our licence."""
    theirs = {
        _digest(path): path for path in shared_path("vendor").rglob("*") if path.is_file() and path.stat().st_size > 200
    }
    ours = {path: _digest(path) for path in tracked()}
    assert [str(path) for path, digest in ours.items() if digest in theirs] == []


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
