"""`mapping try` with a profile, `mapping check`, `mapping schema`: from files alone, with exit codes for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sync.cli import cli
from tests.mappings.profiles.test_whole import CSV, ROWS
from tests.mappings.woocommerce_orders import woo_line, woo_order

PROFILE = """\
profile: nordwind
extends: woocommerce
source:
  order:
    - {to: payment_terms, copy: source.payment_method, then: [{lookup: payment_term}]}
    - {to: po_number, copy: source.number}
erp:
  sandbox_erp:
    order:
      - {to: x_channel, constant: web}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(PROFILE)
    Path("order.json").write_text(json.dumps(woo_order(line_items=[woo_line()])))
    Path("farm.yaml").write_text(CSV)
    Path("rows.json").write_text(json.dumps({"rows": ROWS}))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["mapping", *words])


ROW = ("--lookup", "payment_term", "stripe", "prepaid")


def test_try_maps_with_the_rules_of_a_profile(folder: Path):
    tried = run("try", "woocommerce", "order.json", "--profile", "shop.yaml", *ROW, "--json")
    assert tried.exit_code == 0
    order = json.loads(tried.stdout)["order"]
    assert (order["payment_terms"], order["po_number"]) == ("prepaid", "WC-19")


def test_try_goes_on_to_the_erp_with_them(folder: Path):
    tried = run("try", "woocommerce", "order.json", "--profile", "shop.yaml", *ROW, "--to", "sandbox_erp", "--json")
    assert json.loads(tried.stdout)["payload"]["x_channel"] == "web"


def test_try_names_the_row_that_is_missing(folder: Path):
    tried = run("try", "woocommerce", "order.json", "--profile", "shop.yaml", "--json")
    assert tried.exit_code == 1
    assert json.loads(tried.stdout)["problems"][0]["cause"] == "unmapped"


def test_try_takes_a_profile_that_is_a_whole_mapping(folder: Path):
    tried = run("try", "none", "rows.json", "--profile", "farm.yaml", "--json")
    assert json.loads(tried.stdout)["order"]["totals"]["grand"] == "1321.20"


def test_try_says_where_each_field_came_from(folder: Path):
    words = ("try", "woocommerce", "order.json", "--profile", "shop.yaml", *ROW, "--trace")
    text = run(*words).stdout
    assert "payment_terms = 'prepaid'  copy at shop.yaml:5:7, from source.payment_method = 'stripe'" in text
    assert ", payment_term 'stripe' -> 'prepaid'" in text
    origins = json.loads(run(*words, "--json").stdout)["origins"]
    assert {"number", "po_number", "lines[0].sku", "payments[0].amount"} <= {each["field"] for each in origins}


def test_try_refuses_a_profile_of_another_system(folder: Path):
    tried = run("try", "none", "order.json", "--profile", "shop.yaml")
    assert tried.exit_code != 0
    assert "the profile extends woocommerce, not none" in str(tried.exception)


def test_check_has_nothing_to_say_against_a_good_profile(folder: Path):
    checked = run("check", "shop.yaml", "--sample", "order.json", "--table", "payment_term")
    assert (checked.exit_code, checked.stdout) == (0, "nordwind: nothing to say against it, 1 samples mapped\n")


def test_check_warns_of_paths_and_fails_for_tables(folder: Path):
    Path("shop.yaml").write_text(PROFILE.replace("source.number", "source.numbr"))
    warned = run("check", "shop.yaml", "--sample", "order.json")
    assert warned.exit_code == 0
    assert "shop.yaml:6:7: warning: source.order[1]: none of the samples has source.numbr" in warned.stdout
    failed = run("check", "shop.yaml", "--table", "carrier", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["severity"] == "error"


def test_check_fails_where_a_sample_cannot_be_mapped(folder: Path):
    Path("rows.json").write_text(json.dumps({"rows": [{**ROWS[0], "Net": "1.00"}]}))
    checked = run("check", "farm.yaml", "--sample", "rows.json")
    assert checked.exit_code == 1
    assert "lines[0].total" in checked.stderr


def test_check_tells_all_that_is_wrong_with_a_text_that_is_no_profile(folder: Path):
    Path("shop.yaml").write_text(PROFILE.replace("po_number", "po_nmber").replace("extends: woo", "extends: wo"))
    checked = run("check", "shop.yaml")
    told = str(checked.exception)
    assert "did you mean 'po_number'?" in told
    assert "did you mean 'woocommerce'?" in told


def test_schema_prints_what_editors_read():
    assert json.loads(run("schema").stdout)["title"] == "Crossdock mapping profile"
