"""The doctor's page lists every check there is, and no other."""

from __future__ import annotations

import re

from connectors.kit.base import Diagnoses
from connectors.registry import CONNECTORS, has
from sync.desk.doctor import channel, connection, golive, installation
from sync.work import checkup
from tests.docs.pages import pages

ROW = re.compile(r"^\| `([a-z_]+(?:\.[a-z_]+)+)` \|", re.MULTILINE)


def test_the_page_has_every_check_and_no_other():
    ours = [installation.CHECKS, checkup.CHECKS, connection.CHECKS, channel.CHECKS, golive.CHECKS]
    theirs = [kind.checks for kind in CONNECTORS.values() if has(kind, Diagnoses)]
    known = [check for checks in (*ours, *theirs) for check in checks]
    assert len(known) == len(set(known))
    assert sorted(ROW.findall(pages()["docs/doctor.md"])) == sorted(known)
