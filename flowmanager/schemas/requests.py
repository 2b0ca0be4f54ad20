"""The forms of request bodies."""

from __future__ import annotations

from functools import partial
from typing import Any

from marshmallow import INCLUDE, ValidationError, validate

from flowmanager.core.activeflow import ReferenceType
from flowmanager.core.ids import NIL, Id
from flowmanager.schemas.fields import Flag, Form, Items, JsonObject, Named, Record, Text, Uuid, Value, parse_id

NAME_CHARACTERS = 255
DETAIL_BYTES = 65_535
URI_CHARACTERS = 1024
METHODS = ("", "POST", "GET", "PUT", "DELETE")
REFERENCE_TYPES = tuple(kind.value for kind in ReferenceType)


def name() -> Text:
    """Return a field for a text that is shown in lists."""
    return Text(validate=validate.Length(max=NAME_CHARACTERS))


class Detail(Text):
    """A long text, as long as its column."""

    def read(self, value: Any) -> str:
        """Return it as it is."""
        text = super().read(value)
        if len(text.encode()) > DETAIL_BYTES:
            raise ValidationError(f"Longer than {DETAIL_BYTES} bytes.")
        return text


class IdOrName(Value):
    """An action id: a uuid in any spelling, or a name that stands for one in this list."""

    zero = NIL

    def read(self, value: Any) -> Id | str:
        """Return the canonical id, or the name as it is."""
        if not isinstance(value, str) or not value.strip() or len(value) > NAME_CHARACTERS:
            raise ValidationError("Not an id.")
        return parse_id(value) or value


def actions() -> Items:
    """Return a field for a list of actions."""
    parts = {"id": IdOrName(), "next_id": IdOrName(), "type": Text(), "option": JsonObject()}
    return Items(Record(parts, load_default=partial(dict, id=NIL, next_id=NIL, type="", option=None)))


class FlowTexts(Form):
    """What every change of a flow brings."""

    name = name()
    detail = Detail()
    actions = actions()
    on_complete_flow_id = Uuid()
    on_drop_flow_id = Uuid()


class FlowCreate(FlowTexts):
    """`POST /v1/flows`."""

    customer_id = Uuid()
    type = name()
    persist = Flag()


class ActionsOnly(Form):
    """A body that holds actions."""

    actions = actions()


class AnyObject(Form):
    """A body that is read as it is."""

    class Meta:
        """Whatever it holds is looked at later."""

        unknown = INCLUDE


class CustomerOnly(Form):
    """A body that names a customer."""

    customer_id = Uuid()


class ActiveflowCreate(Form):
    """`POST /v1/activeflows`."""

    id = Uuid()
    customer_id = Uuid()
    flow_id = Uuid()
    reference_type = Text(validate=validate.OneOf(REFERENCE_TYPES))
    reference_id = Uuid()
    reference_activeflow_id = Uuid()
    webhook_uri = Text(validate=validate.Length(max=URI_CHARACTERS))
    webhook_method = Text(validate=validate.OneOf(METHODS))
    variables = Named(Text())


class CurrentAction(Form):
    """A body that names the action its sender believes to be current."""

    current_action_id = Uuid()


class ForwardAction(Form):
    """`PUT …/forward_action_id`."""

    forward_action_id = Uuid()
    forward_now = Flag()


class ServiceStop(Form):
    """`POST …/service_stop`."""

    service_id = Uuid()


class SetVariables(Form):
    """`POST /v1/variables/<id>/variables`."""

    variables = Named(Text())


class Substitute(Form):
    """`POST /v1/variables/<id>/substitute`."""

    data = Text()
