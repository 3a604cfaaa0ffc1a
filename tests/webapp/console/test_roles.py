"""Every route x every role: the one table is `roles.yaml`."""

from __future__ import annotations

import pytest

from config.settings import Settings
from tests.quality import TABLE, WHO, expected
from webapp.api.access import scope_of
from webapp.app import create_app
from webapp.console import access
from webapp.console.access import needs, role_of


@pytest.fixture(scope="module")
def bare_app(tmp_path_factory):
    return create_app(Settings.from_env({"CROSSDOCK_STATE": str(tmp_path_factory.mktemp("state"))}))


def requests(app):
    """(endpoint, method) of everything that the application answers, but for what tokens are for: `test_scopes`."""
    return {
        (rule.endpoint, method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if scope_of(app.view_functions[rule.endpoint]) is None
    }


def test_the_table_has_every_route_and_no_other(bare_app):
    listed = {(endpoint, method) for endpoint, entry in TABLE.items() for method in ("get", "post") if method in entry}
    assert listed == requests(bare_app)


def test_the_views_demand_the_roles_of_the_table(bare_app):
    views = {name: view for name, view in bare_app.view_functions.items() if scope_of(view) is None}
    demanded = {endpoint: role_of(view) or "machine" for endpoint, view in views.items()}
    assert demanded == {endpoint: entry["role"] for endpoint, entry in TABLE.items()}


@pytest.mark.parametrize("who", WHO, ids=lambda who: who or "nobody")
def test_each_route_answers_each_role_as_the_table_says(app, browser, who):
    """One session asks for everything, so what would end it is asked last."""
    ours = browser(who)
    seen, wanted = {}, {}
    for endpoint, entry in sorted(TABLE.items(), key=lambda item: item[0] in {"signin.sign_in", "signin.sign_out"}):
        with app.test_request_context():
            path = app.url_for(endpoint, **entry.get("args", {}))
        for method in ("get", "post"):
            if method in entry:
                wanted[endpoint, method] = expected(entry, method, who)
                answer = ours.get(path) if method == "get" else ours.post(path, **entry.get("fields", {}))
                seen[endpoint, method] = answer.status_code
                if endpoint == "users.disable":
                    ours.post(path.replace("disable", "enable"))
                answer.close()
    assert seen == wanted


def test_an_application_with_a_view_that_names_no_role_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setattr(access, "role_of", lambda view: None)
    with pytest.raises(RuntimeError, match="does not say with @needs who may see it"):
        create_app(Settings.from_env({"CROSSDOCK_STATE": str(tmp_path)}))


def test_a_role_that_does_not_exist_is_refused_at_once():
    with pytest.raises(ValueError, match="no role: superuser"):
        needs("superuser")
