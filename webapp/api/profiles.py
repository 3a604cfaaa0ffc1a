"""Mapping profiles: revisions, the draft, what a text would change, publishing it and going back."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, validate

from config.model import ProfileFile
from config.yamlfile import MAX_BYTES
from sync.desk.gate import examine
from sync.desk.profile_texts import DRAFT, FILE, PUBLISHED, Standing, find_text, standings
from sync.desk.profile_texts import Text as ProfileText
from sync.desk.profiles import Publication, demand_profile, publish, roll_back, save_draft
from sync.desk.regression import DOCUMENTS, replay
from sync.store.revisions import Draft, Revision, list_revisions
from webapp.api.access import api_actor, caller, demand_channel
from webapp.api.problems import missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_REASON, Json, Moment, Text
from webapp.parts import parts

blueprint = ApiBlueprint("api-mappings", __name__, description="Mapping profiles of the channels.")

_CHANNEL: Final = "/mappings/<channel>"
_MOST: Final = 200
#: What no reader of profiles reads is refused in its words, with the place; far beyond it nobody looks.
_MAX_TEXT: Final = 2 * MAX_BYTES
_WORD: Final = f"^({PUBLISHED}|{DRAFT}|{FILE}|[1-9][0-9]{{0,8}})$"


class RevisionSchema(Schema):
    """One text that was published."""

    number = fields.Integer(required=True)
    author = fields.String(required=True)
    reason = fields.String(required=True)
    published_at = Moment(required=True)
    text_of = fields.Integer(required=True, allow_none=True, metadata={"description": "The older one it repeats."})
    digest = fields.String(required=True)


class DraftSchema(Schema):
    """What is being written."""

    seen = fields.String(required=True, metadata={"description": "What the next save must name."})
    base = fields.Integer(required=True)
    changed_by = fields.String(required=True)
    changed_at = Moment(required=True)


class MappingSchema(Schema):
    """What there is of one channel."""

    channel = fields.String(required=True)
    published = fields.Nested(RevisionSchema, required=True, allow_none=True)
    draft = fields.Nested(DraftSchema, required=True, allow_none=True)
    file = fields.String(required=True)
    file_differs = fields.Boolean(required=True)


class Mappings(Schema):
    """Every channel."""

    mappings = fields.List(fields.Nested(MappingSchema), required=True)


class MappingDetail(MappingSchema):
    """One channel with its history."""

    revisions = fields.List(fields.Nested(RevisionSchema), required=True)


class WordQuery(Schema):
    """Which text."""

    which = fields.String(
        load_default=PUBLISHED,
        validate=validate.Regexp(_WORD),
        metadata={"description": "`published`, `draft`, `file`, or the number of a revision."},
    )


class TextSchema(Schema):
    """One text."""

    name = fields.String(required=True)
    text = fields.String(required=True)
    base = fields.Integer(required=True, allow_none=True, metadata={"description": "What it was made from."})


class TextBody(Schema):
    """The YAML of a profile."""

    text = Text(required=True, least=1, most=_MAX_TEXT, lines=True)


class DraftBody(TextBody):
    """The draft as it shall be."""

    seen = Text(most=32, load_default="", metadata={"description": "Of the draft that it replaces; empty: none."})


class ReplayBody(TextBody):
    """A text, and how many orders it is tried with."""

    documents = fields.Integer(load_default=DOCUMENTS, strict=True, validate=validate.Range(1, 2_000))


class PublishBody(TextBody):
    """A text, what it was made from, and why."""

    base = fields.Integer(
        required=True,
        strict=True,
        validate=validate.Range(0, 10**9),
        metadata={"description": "The revision that it was made from; 0 where there was none."},
    )
    reason = Text(required=True, least=1, most=MAX_REASON, lines=True)


class BackBody(Schema):
    """To which revision, and why."""

    number = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**9))
    reason = Text(required=True, least=1, most=MAX_REASON, lines=True)


class CheckSchema(Schema):
    """Whether a text can be used."""

    valid = fields.Boolean(required=True)
    digest = fields.String(required=True)


class ReplaySchema(Schema):
    """What a text would change."""

    replay = Json(required=True, metadata={"description": "As `crossdock mapping replay --json` prints it."})


class PublicationSchema(Schema):
    """What was published, and what that has begun."""

    revision = fields.Nested(RevisionSchema, required=True)
    released = fields.Integer(required=True, metadata={"description": "Orders that are looked at again."})
    canary = fields.Integer(required=True, metadata={"description": "Orders that wait for a person first."})


@endpoint(blueprint, "GET", "/mappings", scope="mappings:read", answer=Mappings)
def list_mappings() -> dict[str, Any]:
    """What applies to each channel that the token reaches."""
    return {"mappings": [_standing(each) for each in _standings()]}


@endpoint(blueprint, "GET", _CHANNEL, scope="mappings:read", answer=MappingDetail)
def show_mapping(channel: str) -> dict[str, Any]:
    """One channel with its newest revisions."""
    _demand(channel)
    standing = next(each for each in _standings() if each.channel == channel)
    revisions = parts().store.read(lambda c: list_revisions(c, channel, _MOST))
    return {**_standing(standing), "revisions": revisions}


@endpoint(blueprint, "GET", f"{_CHANNEL}/text", scope="mappings:read", query=WordQuery, answer=TextSchema)
def show_text(query: dict[str, Any], channel: str) -> ProfileText:
    """The YAML of a revision, of the draft or of the file."""
    _demand(channel)
    with refusing():
        return find_text(parts().store, parts().config, channel, query["which"])


@endpoint(blueprint, "POST", f"{_CHANNEL}/check", scope="mappings:write", body=TextBody, answer=CheckSchema)
def check(body: dict[str, Any], channel: str) -> dict[str, Any]:
    """Whether a text is a profile for this channel; else everything that is wrong with it."""
    _demand(channel)
    with refusing():
        profile = demand_profile(parts().config, channel, body["text"], "text")
    return {"valid": True, "digest": profile.digest}


@endpoint(blueprint, "POST", f"{_CHANNEL}/replay", scope="mappings:write", body=ReplayBody, answer=ReplaySchema)
def try_out(body: dict[str, Any], channel: str) -> dict[str, Any]:
    """What a text would change of the newest real orders; nothing is written and no system is asked."""
    _demand(channel)
    with refusing():
        demand_profile(parts().config, channel, body["text"], "text")
        now = parts().systems.channel(channel)
        then = now.trying(ProfileFile("text", body["text"]))
        return {"replay": replay(parts().store, now, then, documents=body["documents"]).to_json()}


@endpoint(blueprint, "PUT", f"{_CHANNEL}/draft", scope="mappings:write", body=DraftBody, answer=DraftSchema)
def write_draft(body: dict[str, Any], channel: str) -> Draft:
    """Keep a text as the draft, right or wrong; a draft that somebody has saved meanwhile is not overwritten."""
    _demand(channel)
    with refusing():
        return save_draft(parts().store, parts().config, channel, body["text"], actor=api_actor(), seen=body["seen"])


@endpoint(blueprint, "POST", f"{_CHANNEL}/publish", scope="mappings:write", body=PublishBody, answer=PublicationSchema)
def make_public(body: dict[str, Any], channel: str) -> Publication:
    """Make a text what applies from the next batch on; where the channel has a gate, it must pass that."""
    _demand(channel)
    ours, text = parts(), body["text"]
    with refusing():
        demand_profile(ours.config, channel, text, "text")
        examined = examine(ours.store, ours.systems, channel, ProfileFile("text", text))
        options = {"actor": api_actor(), "reason": body["reason"], "base": body["base"], "examined": examined}
        done = publish(ours.store, ours.config, channel, text, **options)
    ours.bell.ring(channel, "order")
    return done


@endpoint(blueprint, "POST", f"{_CHANNEL}/roll-back", scope="mappings:write", body=BackBody, answer=PublicationSchema)
def go_back(body: dict[str, Any], channel: str) -> Publication:
    """Publish the text of an older revision again."""
    _demand(channel)
    ours = parts()
    with refusing():
        done = roll_back(ours.store, ours.config, channel, body["number"], actor=api_actor(), reason=body["reason"])
    ours.bell.ring(channel, "order")
    return done


def _demand(channel: str) -> None:
    """Raises ApiProblem."""
    demand_channel(channel)
    if channel not in parts().config.channels:
        raise missing("channel")


def _standings() -> list[Standing]:
    with refusing():
        return [each for each in standings(parts().store, parts().config) if caller().sees(each.channel)]


def _standing(each: Standing) -> dict[str, Any]:
    published: Revision | None = each.published
    same = {"channel": each.channel, "file": each.file, "file_differs": each.file_differs}
    return {**same, "published": published, "draft": each.draft}
