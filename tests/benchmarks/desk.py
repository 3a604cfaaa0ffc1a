"""How long the failure desk takes with very many orders of one cause, and of fifty; and a release of 10,000.

    .venv/bin/python -m tests.benchmarks.desk [--orders 100000] [--database sqlite|postgres]

The whole answer is timed, as the web process makes it: session, queries, template. Wall time and CPU time are medians
of a few repetitions in one process; on a machine that others use, CPU time is the one to read. The limits of the same
run are what the database takes to look at each document once, and what a page costs that shows next to nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import re
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path

from sqlalchemy import func, insert, select, update

from sync.desk import accounts
from sync.desk.bulk import advance, cancel_bulk, progress_of, start_bulk
from sync.desk.tokens import SCOPES, make_token
from sync.store.audit import Actor
from sync.store.engine import Store
from sync.store.issue_sums import fold, recount
from sync.store.issues import Cause, Stop, open_issues
from sync.store.migrate import migrate
from sync.store.orders import save_orders
from sync.store.states import ItemState
from sync.store.tables import issue_documents, issues, work_items
from tests.benchmarks.console import _batches, _bodies, _item, _order
from tests.benchmarks.databases import database
from tests.benchmarks.report import console, goal, table
from tests.webapp.console.selling import Selling

GOAL_MS = 500
ACTOR = Actor("bench", "terminal here")
PASSWORD = "a long enough passphrase"
_PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@dataclasses.dataclass
class Took:
    name: str
    wall_ms: float
    cpu_ms: float


def seed(store, count, causes, *, progress=lambda _: None):
    """`count` orders of one channel that stand still, each by one of so many causes."""
    bodies = _bodies()
    for numbers in _batches(count):
        store.write(functools.partial(_seed_page, numbers=numbers, count=count, causes=causes, bodies=bodies))
        progress(numbers[-1] + 1)
    store.write(fold)
    if not store.is_sqlite:
        store.write(lambda c: c.exec_driver_sql("ANALYZE"))


def _seed_page(connection, numbers, count, causes, bodies):
    rows = [_item(number, ItemState.HELD, count) | {"channel": "web"} for number in numbers]
    connection.execute(insert(work_items), rows)
    names = [row["external_id"] for row in rows]
    query = select(work_items.c.external_id, work_items.c.id).where(work_items.c.external_id.in_(names))
    ids = dict(connection.execute(query).all())
    save_orders(
        connection,
        [_order(number, row, ids[row["external_id"]], bodies) for number, row in zip(numbers, rows, strict=True)],
    )
    open_issues(connection, [Stop(ids[str(number)], _cause(number % causes)) for number in numbers])


def _cause(number):
    subject = f"sku:SKU-{number}"
    return Cause(cause="unknown_sku", subject=subject, channel="web", title=f"the ERP has no article 'SKU-{number}'")


class Visitor:
    """A signed-in browser, and a program with a token."""

    def __init__(self, app, store):
        accounts.add_user(store, "anna", PASSWORD, "admin", actor=ACTOR)
        self._client = app.test_client()
        form = self._client.get("/sign-in", headers=_PAGE).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', form)[1]
        fields = {"csrf_token": token, "login": "anna", "password": PASSWORD}
        answer = self._client.post("/sign-in", data=fields, headers=_PAGE)
        if answer.status_code != 303:
            raise SystemExit(f"signing in was answered with {answer.status_code}")
        bearer = make_token(store, "bench", tuple(SCOPES), actor=ACTOR, channels=(), known=(), days=None)
        self._program, self._sent = app.test_client(), {"Authorization": f"Bearer {bearer}"}

    def get(self, path):
        is_api = path.startswith("/api/")
        client, sent = (self._program, self._sent) if is_api else (self._client, _PAGE)
        answer = client.get(path, headers=sent)
        if answer.status_code != 200:
            raise SystemExit(f"{path} was answered with {answer.status_code}")
        return answer

    def streamed(self, path):
        """The body piece by piece, as it is made."""
        return self._client.get(path, headers=_PAGE, buffered=False).iter_encoded()

    def timed(self, name, path, rounds):
        return timed(name, lambda: self.get(path), rounds)


def timed(name, work, rounds):
    work()  # Templates and statements are compiled once.
    wall, cpu = [], []
    for _ in range(rounds):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begun)
        cpu.append(time.process_time() - cpu_begun)
    return Took(name, statistics.median(wall) * 1000, statistics.median(cpu) * 1000)


def paths(store, count):
    """(name, address) of what is looked at; the first two are what the others are held against."""
    query = select(issue_documents.c.issue_id, func.max(issue_documents.c.item_id)).group_by(issue_documents.c.issue_id)
    issue, last = store.read(lambda c: c.execute(query.order_by(issue_documents.c.issue_id).limit(1)).one())
    number = count // 2
    yield "sign of life (limit)", "/healthz"
    yield "page: account (limit)", "/account"
    yield "page: home", "/"
    yield "page: issues", "/needs/"
    yield "page: issues by money", "/needs/?sort=money"
    yield "page: issue", f"/needs/{issue}"
    yield "page: issue, second page", f"/needs/{issue}?after=50"
    yield "page: issue, last fifty", f"/needs/{issue}?before={last + 1}"
    yield "page: orders", "/orders"
    yield "page: orders, all of them", "/orders?tab=all"
    yield "page: search by number", f"/orders?q=N{number}"
    yield "page: search by words", "/orders?q=m%C3%BCller12"
    yield "page: search without a hit", "/orders?q=there+is+no+such+text"
    yield "page: orders of the issue", f"/orders?issue={issue}"
    yield "page: order", f"/orders/web/{number}"
    yield "API: issues", "/api/v1/issues"
    yield "API: issue", f"/api/v1/issues/{issue}"
    yield "API: documents", f"/api/v1/issues/{issue}/documents"
    yield "API: last documents", f"/api/v1/issues/{issue}/documents?after={max(0, last - 50)}"
    yield "API: release preview", f"/api/v1/issues/{issue}/release"
    yield "API: orders", "/api/v1/orders"


def exported(visitor):
    """The list of all orders as a file, read as a browser reads it: (name, figure) of what that took."""
    path = "/orders/orders.csv?tab=all"
    wall, cpu = time.perf_counter(), time.process_time()
    sizes = [len(piece) for piece in visitor.streamed(path)]
    yield "seconds", time.perf_counter() - wall
    yield "CPU seconds", time.process_time() - cpu
    yield "MB", sum(sizes) / 1e6
    yield "largest piece, kB", max(sizes) / 1e3
    tracemalloc.start()
    for _piece in visitor.streamed(path):
        pass
    yield "at most in memory at once, MB", tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()


def count_by_row(connection):
    """What the database itself takes to look at each document of the desk once."""
    connection.execute(
        select(func.count()).where(issue_documents.c.details != "", issue_documents.c.closed_at.is_(None))
    )


def release(store, count):
    """Let `count` orders go and cancel there: (name, figure) of what that took. Workers are an UPDATE here."""
    issue = store.read(lambda c: c.execute(select(func.min(issues.c.id))).scalar_one())
    begun = time.process_time()
    run, _ = start_bulk(store, issue, actor=ACTOR)
    yield "until the first are released, CPU ms", (time.process_time() - begun) * 1000
    releasing = watching = 0.0
    seen = [run.released]
    while seen[-1] < count:
        begun = time.process_time()
        pieces = advance(store)
        releasing += time.process_time() - begun
        if not pieces:
            store.write(_work_off)
        begun = time.process_time()
        progress = progress_of(store, run.id)
        watching += time.process_time() - begun
        if not progress.run.running:
            break
        seen.append(progress.run.released)
    released = progress_of(store, run.id).run.released
    yield "released orders", float(released)
    yield "CPU ms a released order", releasing * 1000 / released
    yield "looks at the progress meanwhile", float(len(seen))
    yield "CPU ms a look at the progress", watching * 1000 / len(seen)
    begun = time.process_time()
    cancelled = cancel_bulk(store, run.id, actor=ACTOR)
    yield "cancelled in the middle, CPU ms", (time.process_time() - begun) * 1000
    if cancelled and (advance(store) or progress_of(store, run.id).run.released != released):
        raise SystemExit("a cancelled run went on")


def _work_off(connection):
    ready = work_items.c.state == ItemState.READY.value
    connection.execute(update(work_items).where(ready).values(state="done", done=work_items.c.wanted))


def measure(screen, options, causes):
    """One database with so many causes; answers the worst CPU time of a page."""
    with contextlib.ExitStack() as stack:
        status = stack.enter_context(screen.status(f"seeding {options.orders:,} orders"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cd-desk-")))
        url = stack.enter_context(database(options.database))
        store = stack.enter_context(contextlib.closing(Store.open(url)))
        migrate(store)
        seed(store, options.orders, causes, progress=lambda done: status.update(f"seeded {done:,}"))
        selling = stack.enter_context(contextlib.closing(Selling(folder, url)))
        visitor = Visitor(selling.app, store)
        status.update("looking")
        found = [visitor.timed(name, path, options.rounds) for name, path in paths(store, options.orders)]
        counting = timed("each document counted (limit)", lambda: store.read(count_by_row), options.rounds)
        checked = timed("all counted anew and compared", lambda: store.read(recount), 1)
        status.update("writing the file")
        export = list(exported(visitor)) if causes == 1 else []
        released = list(release(store, min(10_000, options.orders // causes // 2))) if causes == 1 else []
    limit = max(counting.cpu_ms, 0.01)
    rows = [
        (each.name, f"{each.wall_ms:.1f}", f"{each.cpu_ms:.1f}", f"{each.cpu_ms / limit:.2f}")
        for each in (*found, counting, checked)
    ]
    title = f"{options.orders:,} orders of {causes} on {options.database}"
    screen.print(table(title, ("what", "wall ms", "CPU ms", "of counting them"), rows))
    if export:
        screen.print(table("CSV", ("what", "figure"), [(name, f"{figure:.2f}") for name, figure in export]))
    if released:
        screen.print(table("release", ("what", "figure"), [(name, f"{figure:.2f}") for name, figure in released]))
    return max(each.cpu_ms for each in found)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--causes", type=int, nargs="*", default=[1, 50])
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args(arguments)
    screen = console()
    for causes in options.causes:
        worst = measure(screen, options, causes)
        screen.print(goal(f"worst page or answer, {causes} causes", worst, "<=", GOAL_MS, unit=" ms CPU"))


if __name__ == "__main__":
    main()
