"""One action for many orders: foreseen, begun, listed. One run is at `/runs/<id>`, with those of issues."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from sync.desk.bulk import progress_of
from sync.desk.needs_told import figures_to_json, run_to_json
from sync.desk.orders import TABS, Tab
from sync.desk.selections import ACTIONS, begin_selected, foresee, list_runs
from sync.store.pins import Using
from sync.store.search import Wanted
from webapp.api.access import api_actor, demand_all_channels
from webapp.api.issue_shapes import FiguresSchema, MappingBody, PaceBody, RunSchema
from webapp.api.orders import CareQuery, cared_for, channel_of
from webapp.api.problems import invalid
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_NAME, MAX_PAGE, MAX_REASON, MAX_TEXT, Amount, Moment, Text, number_of
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-runs", __name__, description="One action for all orders that a filter selects.")


class SelectionSchema(CareQuery):
    """Which orders, and what to do with them; what is left out does not matter."""

    action = fields.String(required=True, validate=validate.OneOf(list(ACTIONS)))
    q = Text(most=MAX_TEXT, load_default="", metadata={"description": "Any number, e-mail address, SKU or name."})
    channel = Text(most=MAX_NAME, load_default="")
    cause = Text(most=64, load_default="", metadata={"description": "Stopped by a cause of this kind."})
    issue = Text(most=20, load_default="", metadata={"description": "Stopped by this issue."})
    tab = fields.String(load_default=Tab.ALL.value, validate=validate.OneOf([tab.value for tab in Tab]))
    since = Moment(metadata={"description": "Placed at that time or later."})
    until = Moment(metadata={"description": "Placed before that time."})
    low = Amount(metadata={"pattern": Amount.PATTERN})
    high = Amount(metadata={"pattern": Amount.PATTERN})
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}$"))


class BeginBody(PaceBody, MappingBody, SelectionSchema):
    """Which orders, what to do with them, why, how fast, and with which mapping what is retried."""

    reason = Text(
        most=MAX_REASON, load_default="", lines=True, metadata={"description": "Demanded by `approve` and `skip`."}
    )


class LeftOut(Schema):
    """Orders that fit and are left as they are."""

    why = fields.String(required=True)
    count = fields.Integer(required=True)


class ForeseenSchema(Schema):
    """What would be done now."""

    goes = fields.Nested(FiguresSchema, required=True)
    by_state = fields.Dict(keys=fields.String(), values=fields.Nested(FiguresSchema), required=True)
    left_out = fields.List(fields.Nested(LeftOut), required=True)
    run_id = fields.String(
        required=True, allow_none=True, metadata={"description": "The run that does the same already."}
    )


class RunsQuery(Schema):
    """Which runs."""

    after = Text(most=20, load_default="", metadata={"description": "`next` of a page: older runs."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class RunPage(Schema):
    """A page of runs over filters, the newest first."""

    runs = fields.List(fields.Nested(RunSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@endpoint(blueprint, "GET", "/runs/preview", scope="orders:read", query=SelectionSchema, answer=ForeseenSchema)
def preview(query: dict[str, Any]) -> dict[str, Any]:
    """What an action would do with what a filter selects; nothing is changed."""
    with refusing():
        found = foresee(parts().store, parts().config, _wanted(query), query["action"])
    return {
        "goes": figures_to_json(found.goes),
        "by_state": {state.value: figures_to_json(figures) for state, figures in found.by_state.items()},
        "left_out": [{"why": str(why), "count": count} for why, count in found.left_out],
        "run_id": None if found.running is None else found.running.id,
    }


@endpoint(blueprint, "POST", "/runs", scope="orders:write", body=BeginBody, answer=RunSchema, status=202)
def begin(body: dict[str, Any]) -> dict[str, Any]:
    """Do it with all that fit at this moment and later; where the same goes on already, that run."""
    with refusing():
        run, _new = begin_selected(
            parts().store,
            parts().config,
            _wanted(body),
            body["action"],
            actor=api_actor(),
            reason=body["reason"],
            per_minute=body.get("per_minute"),
            using=Using(body["mapping"]),
        )
    ring_all()
    progress = progress_of(parts().store, run.id)
    assert progress is not None
    return run_to_json(progress)


@endpoint(blueprint, "GET", "/runs", scope="issues:read", query=RunsQuery, answer=RunPage)
def list_all(query: dict[str, Any]) -> dict[str, Any]:
    """Runs over filters; not for tokens that are limited to channels."""
    demand_all_channels()
    below = number_of(query["after"]) if query["after"] else None
    if query["after"] and below is None:
        raise invalid("query:after", query["after"], "`next` of an earlier page")
    limit = query["limit"]
    found = list_runs(parts().store, limit=limit + 1, below=below)
    progress = [progress_of(parts().store, run.id) for run in found[:limit]]
    return {
        "runs": [run_to_json(one) for one in progress if one is not None],
        "next": str(found[limit - 1].id) if len(found) > limit else None,
    }


def _wanted(asked: dict[str, Any]) -> Wanted:
    """Raises ApiProblem."""
    issue = number_of(asked["issue"]) if asked["issue"] else None
    if asked["issue"] and issue is None:
        raise invalid("issue", asked["issue"], "the id of an issue")
    names = ("cause", "since", "until", "low", "high", "currency")
    return Wanted(
        text=asked["q"],
        channel=channel_of(asked["channel"]),
        states=TABS[Tab(asked["tab"])],
        issues=() if issue is None else (issue,),
        **cared_for(asked),
        **{name: asked[name] for name in names if name in asked},
    )
