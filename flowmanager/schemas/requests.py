"""The forms of request bodies."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL
from flowmanager.schemas.fields import Flag, Form, JsonObject, Uuid, parse_id

NAME_CHARACTERS = 255
DETAIL_BYTES = 65_535
URI_CHARACTERS = 1024
METHODS = ("", "POST", "GET", "PUT", "DELETE")
ACTION_NAME_CHARACTERS = 255


class IdOrName(fields.Field[str]):
    """An action id: a uuid in any spelling, or a name that stands for one in this list."""

    default_error_messages = {"invalid": "Not an id."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > ACTION_NAME_CHARACTERS:
            raise self.make_error("invalid")
        return parse_id(value) or value


class ActionForm(Form):
    """An action as requests bring it."""

    id = IdOrName(load_default=NIL, allow_none=True)
    next_id = IdOrName(load_default=NIL, allow_none=True)
    type = fields.String(load_default="")
    option = JsonObject(load_default=None, allow_none=True)


class Actions(fields.List[dict[str, Any]]):
    """A list of actions; null and absent are the empty list."""

    def __init__(self) -> None:
        super().__init__(fields.Nested(ActionForm), load_default=list, allow_none=True)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """Take null as the empty list, and a null id as none."""
        forms = [] if value is None else super().deserialize(value, attr, data, **options)
        return [{**form, "id": form["id"] or NIL, "next_id": form["next_id"] or NIL} for form in forms]


class Texts(fields.Dict):
    """An object of texts; null and absent are the empty object."""

    def __init__(self) -> None:
        super().__init__(keys=fields.String(), values=fields.String(), load_default=dict, allow_none=True)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """Take null as the empty object."""
        return {} if value is None else super().deserialize(value, attr, data, **options)


class Text(fields.String):
    """A text; null and absent are the empty text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(load_default="", allow_none=True, **options)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """Take null as the empty text."""
        return "" if value is None else super().deserialize(value, attr, data, **options)


class FlowTexts(Form):
    """What every change of a flow brings."""

    name = Text(validate=validate.Length(max=NAME_CHARACTERS))
    detail = Text()
    actions = Actions()
    on_complete_flow_id = Uuid()

    @validates_schema
    def check_detail(self, data: dict[str, Any], **options: Any) -> None:
        """Refuse a detail that the column cannot hold."""
        del options
        if len(data.get("detail", "").encode()) > DETAIL_BYTES:
            raise ValidationError(f"Longer than {DETAIL_BYTES} bytes.", "detail")


class FlowCreate(FlowTexts):
    """`POST /v1/flows`."""

    customer_id = Uuid()
    type = Text(validate=validate.Length(max=NAME_CHARACTERS))
    persist = Flag(load_default=False, allow_none=True)


class ActionsOnly(Form):
    """A body that holds actions."""

    actions = Actions()


class CustomerOnly(Form):
    """A body that names a customer."""

    customer_id = Uuid()


class ActiveflowCreate(Form):
    """`POST /v1/activeflows`."""

    id = Uuid()
    customer_id = Uuid()
    flow_id = Uuid()
    reference_type = Text(validate=validate.OneOf([kind.value for kind in ReferenceType]))
    reference_id = Uuid()
    reference_activeflow_id = Uuid()
    webhook_uri = Text(validate=validate.Length(max=URI_CHARACTERS))
    webhook_method = Text(validate=validate.OneOf(METHODS))
    variables = Texts()


class CurrentAction(Form):
    """A body that names the action its sender believes to be current."""

    current_action_id = Uuid()


class ForwardAction(Form):
    """`PUT …/forward_action_id`."""

    forward_action_id = Uuid()
    forward_now = Flag(load_default=False)


class ServiceStop(Form):
    """`POST …/service_stop`."""

    service_id = Uuid()


class SetVariables(Form):
    """`POST /v1/variables/<id>/variables`."""

    variables = Texts()


class Substitute(Form):
    """`POST /v1/variables/<id>/substitute`."""

    data = Text()
