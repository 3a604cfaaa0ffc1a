"""Settings as they were written: every one with its place, no secret in clear."""

from __future__ import annotations

from config.loader import load_config
from config.written import written_settings

TEXT = """\
connections:
  shop:
    system: woocommerce
    url: https://${env:HOST}
    auth: {key: "${env:KEY}", secret: "${file:secret.txt}"}
    webhook_secrets:
      - ${env:HOOK}
    options:
      per_page: 50
      deep: {er: [a, b]}
  other:
    system: tryton
    url: https://erp.example
"""
SECRETS = {"HOST": "shop.example", "KEY": "ck_canary", "HOOK": "hook_canary"}


def loaded(tmp_path):
    (tmp_path / "secret.txt").write_text("cs_canary\n")
    (tmp_path / "crossdock.yaml").write_text(TEXT)
    return load_config(tmp_path, SECRETS)


def test_every_setting_shows_as_written_with_its_place(tmp_path):
    found = written_settings(loaded(tmp_path), "shop")
    shown = {entry.name: (entry.value, entry.where.rpartition(":")[2]) for entry in found}
    assert shown == {
        "system": ("woocommerce", "3"),
        "url": ("https://${env:HOST}", "4"),
        "auth.key": ("${env:KEY}", "5"),
        "auth.secret": ("${file:secret.txt}", "5"),
        "webhook_secrets[0]": ("${env:HOOK}", "7"),
        "options.per_page": ("50", "9"),
        "options.deep.er[0]": ("a", "10"),
        "options.deep.er[1]": ("b", "10"),
    }
    assert "canary" not in repr(found)


def test_a_secret_that_stands_in_the_file_after_all_is_not_shown(tmp_path):
    config = loaded(tmp_path)
    (tmp_path / "crossdock.yaml").write_text(TEXT.replace('"${env:KEY}"', "ck_in_clear"))
    found = {entry.name: entry.value for entry in written_settings(config, "shop")}
    assert found["auth.key"] == "set"
    assert "ck_in_clear" not in repr(found)


def test_files_that_changed_beyond_reading_show_nothing(tmp_path):
    config = loaded(tmp_path)
    (tmp_path / "crossdock.yaml").write_text("connections: [")
    assert written_settings(config, "shop") == []
    (tmp_path / "crossdock.yaml").unlink()
    assert written_settings(config, "shop") == []


def test_control_characters_of_a_value_stay_on_their_line(tmp_path):
    config = loaded(tmp_path)
    (tmp_path / "crossdock.yaml").write_text(TEXT.replace("woocommerce", '"a\\x1b[2Jb"'))
    [system] = [entry.value for entry in written_settings(config, "shop") if entry.name == "system"]
    assert "\x1b" not in system
