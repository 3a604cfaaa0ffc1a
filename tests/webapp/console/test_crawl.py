"""Every page and everything that it links to, as every role, in a browser, with hostile texts in every field."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import pytest

from config.settings import Settings
from sync.desk.accounts import ROLES, covers
from tests.shared import THOROUGH
from tests.webapp.console.browsing import Person
from webapp.app import create_app
from webapp.console.access import ANYONE, role_of

pytestmark = [pytest.mark.heavy, pytest.mark.loopback, pytest.mark.slow, pytest.mark.timeout(600)]

#: Pages of one kind that an admin opens: of a second one, the texts are others and so is what it links to.
MOST = 4 if THOROUGH else 2


class Map:
    """What an address of the console is."""

    def __init__(self, folder):
        self._app = create_app(Settings.from_env({"CROSSDOCK_STATE": str(folder)}))
        self._routes = self._app.url_map.bind("localhost")

    def kind(self, path):
        """Pages of one kind differ in what they show only: (endpoint, names in the query)."""
        parts = urlsplit(path)
        endpoint, _ = self._routes.match(parts.path)
        return endpoint, tuple(sorted({name for name, _ in parse_qsl(parts.query)}))

    def role(self, path):
        """Who may see it."""
        return role_of(self._app.view_functions[self.kind(path)[0]])


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    return Map(tmp_path_factory.mktemp("map"))


def is_page(path):
    """What a browser opens; everything else it saves."""
    return not urlsplit(path).path.endswith((".csv", ".json")) and "/files/" not in path


def crawl(person, console, *, most, also):
    """Follow every link, at most so many of one kind; the addresses that were opened, and what was wrong there."""
    waiting, met, wrong = ["/", "/orders?tab=done", also], Counter(), []
    opened = dict.fromkeys(waiting)
    for path in waiting:
        if not is_page(path):
            answer = person.context.request.get(path)
            if answer.status != 200:
                wrong.append((path, answer.status))
            continue
        status = person.open(path)
        if status != 200:
            wrong.append((path, status))
        wrong += [(path, found) for found in (*person.injected(), *person.too_wide())]
        for link in person.links():
            kind = console.kind(link)
            if link not in opened and met[kind] < most:
                met[kind] += 1
                opened[link] = None
                waiting.append(link)
    return list(opened), wrong


@pytest.fixture(scope="module")
def crawls(chromium, stage, signed_in, console):
    """Role -> what its crawl has found; each role goes once, at 320 px."""
    found = {}

    def crawl_as(role):
        if role not in found:
            options = {"storage_state": signed_in[role], "viewport": {"width": 320, "height": 800}}
            person = Person(chromium, stage.url, **options)
            opened, wrong = crawl(person, console, most=MOST if role == "admin" else 1, also=stage.corrected)
            found[role] = opened, [*map(str, wrong), *person.wrong]
            person.context.close()
        return found[role]

    return crawl_as


@pytest.mark.parametrize("role", ROLES)
def test_every_link_leads_where_this_role_may_go_and_no_text_does_anything(crawls, console, role):
    """And no page scrolls sideways in a narrow window, however long a word in it is."""
    opened, wrong = crawls(role)
    assert not wrong, "\n".join(wrong)
    kinds = {console.kind(path)[0] for path in opened}
    assert kinds >= {
        *("home.index", "needs.index", "needs.show", "orders.index", "orders.show_order", "orders.export"),
        *(
            "connections.index",
            "connections.show",
            "lookups.index",
            "lookups.show",
            "lookups.row",
            "lookups.forecast",
            "profiles.index",
            "profiles.show",
            "alerts.index",
            "operations.index",
            "doctor.index",
            "catalogue.index",
            "activity.index",
            "account.index",
        ),
        *("orders.attempt_file", "orders.received_file", "orders.order_file", "orders.document_file"),
        *("orders.lineage", "orders.original_file"),
    }
    assert ("users.show" in kinds) == (role == "admin")
    assert ("tokens.index" in kinds) == (role == "admin")
    assert ("profiles.workbench" in kinds) == covers(role, "integrator")


def test_every_address_that_an_admin_sees_answers_the_others_as_the_table_of_roles_says(crawls, person, console):
    seen, wanted = {}, {}
    one_of_each = {console.kind(path): path for path in crawls("admin")[0]}.values()
    for who in ("", *ROLES):
        context = person(who).context
        for path in one_of_each:
            least = console.role(path)
            allowed = least == ANYONE or (who and covers(who, least))
            wanted[who, path] = 200 if allowed else 403 if who else 302
            seen[who, path] = context.request.get(path, headers={"Accept": "text/html"}, max_redirects=0).status
    assert seen == wanted
