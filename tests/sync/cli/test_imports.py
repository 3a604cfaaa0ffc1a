"""A command imports what it needs: each start would pay for all systems and all commands otherwise."""

from __future__ import annotations

import subprocess
import sys

from sync.cli import cli


def test_every_command_is_filed_under_its_name():
    named = {name: cli.get_command(None, name).name for name in cli.list_commands(None)}
    assert named == {name: name for name in named}
    assert cli.get_command(None, "no-such") is None


def test_no_system_is_imported_before_it_is_wanted():
    code = "import sys, sync.cli.lookup; print(*sorted(name for name in sys.modules if name.count('.') == 1))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"connectors.registry", "mappings.registry"} <= set(loaded)
    assert {"connectors.odoo", "connectors.woocommerce", "mappings.odoo", "mappings.woocommerce"} & set(loaded) == set()
