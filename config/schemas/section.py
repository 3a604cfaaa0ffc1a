"""What every section has in common: unknown keys, missing values and wrong types are told in the same words."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load
from marshmallow.exceptions import SCHEMA

from config import kinds
from config.fields import Complaint, ConfigField, check_key, shown_value
from config.problems import did_you_mean, one_of

_NO_MERGE: Final = "merge keys do not work here: give each its own keys, or let a channel use `extends`"


_MISSING: Final = "missing"


_UNKNOWN: Final = "unknown"


_TYPE: Final = "type"


class Section(Schema):
    """A mapping with known keys; its errors are complaints throughout."""

    error_messages: dict[str, str] = {"unknown": _UNKNOWN, "type": _TYPE}  # noqa: RUF012 - marshmallow declares it so

    class Meta:
        """Strictness."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002 - marshmallow's hook
        """Give every required field the marker that `handle_error` knows."""
        field_obj.error_messages["required"] = _MISSING

    @pre_load
    def _drop_empty(self, data: Any, **_: object) -> Any:
        if data is None:
            return {}
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data

    def handle_error(self, error: ValidationError, data: Any, **_: object) -> None:
        """Turn marshmallow's own messages into complaints that say what would have been right."""
        assert isinstance(error.messages, dict)
        for key, messages in error.messages.items():
            if isinstance(messages, list):
                error.messages[key] = [self._complaint(key, data, message) for message in messages]

    def _complaint(self, key: str, data: object, message: str | Complaint) -> Complaint:
        if message == _UNKNOWN:
            known = tuple(self.fields)
            step = _NO_MERGE if key == "<<" else did_you_mean(key, known)
            return Complaint("an unknown key", one_of(known), step, at_key=True)
        if message == _MISSING:
            field = self.fields[key]
            return Complaint("nothing", field.expected if isinstance(field, ConfigField) else "a mapping")
        if message == _TYPE:
            return Complaint(shown_value(data), f"a mapping with the keys {', '.join(self.fields)}")
        assert isinstance(message, Complaint)
        return message


class Inner(ConfigField[Any]):
    """A section inside a section."""

    def __init__(self, section: Section, description: str, *, name_instead: str = "") -> None:
        """`name_instead`: the plural of the top-level section of which a name may stand here instead of a mapping."""
        expected = f"a name that stands under {name_instead}, or a mapping" if name_instead else "a mapping"
        super().__init__(description, expected, example="standard" if name_instead else "")
        self.section = section
        self._by_name = bool(name_instead)

    def _take(self, value: Any) -> Any:
        if self._by_name and isinstance(value, str):
            return {"extends": str(value)}
        return self.section.load(value)


class Named(ConfigField[dict[str, Any]]):
    """A whole top-level section: name -> what its schema loads."""

    def __init__(self, section: Section, description: str) -> None:
        super().__init__(description, "a mapping of names")
        self.section = section

    def _take(self, value: Any) -> dict[str, Any]:
        taken: dict[str, Any] = {}
        refused: dict[str, Any] = {}
        for name, item in value.items():
            try:
                taken[name] = self.section.load(item)
            except ValidationError as error:
                refused[name] = error.messages
            try:
                check_key(kinds.NAME, name)
            except ValidationError as error:
                # Under marshmallow's key for the section as a whole, beside what is wrong inside.
                refused[name] = {**refused.get(name, {}), SCHEMA: error.messages}
        if refused:
            raise ValidationError(refused)
        return taken
