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


def name(about: str) -> Text:
    """Return a field for a text that is shown in lists."""
    return Text(validate=validate.Length(max=NAME_CHARACTERS), about=about)


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
    empty: Any = partial(dict, id=NIL, next_id=NIL, type="", option=None)
    return Items(Record(parts, load_default=empty), about="The actions, in their order.")


class FlowTexts(Form):
    """What every change of a flow brings."""

    name = name("What it is called.")
    detail = Detail(about="What it is for.")
    actions = actions()
    on_complete_flow_id = Uuid(about="The flow that is started when one of its activeflows has ended.")
    on_drop_flow_id = Uuid(about="The flow that is started when one was replaced by a newer one of its reference.")


class FlowCreate(FlowTexts):
    """`POST /v1/flows`."""

    customer_id = Uuid(about="Whose it is.")
    type = name("Of what kind it is; one of type `flow` that is kept gets a direct hash.")
    persist = Flag(about="Whether it is kept; else it is deleted after 24 hours.")


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

    customer_id = Uuid(about="The customer.")


class ActiveflowCreate(Form):
    """`POST /v1/activeflows`."""

    id = Uuid(about="Its id; absent: a new one.")
    customer_id = Uuid(about="Whose it is; the flow must be of the same customer.")
    flow_id = Uuid(about="The flow that it runs; absent: none, actions are pushed later.")
    reference_type = Text(validate=validate.OneOf(REFERENCE_TYPES), about="What it belongs to.")
    reference_id = Uuid(about="Id of the call, the conversation or whatever it belongs to.")
    reference_activeflow_id = Uuid(about="An activeflow whose variables it inherits.")
    webhook_uri = Text(
        validate=validate.Length(max=URI_CHARACTERS), about="Where its changes are told to the customer."
    )
    webhook_method = Text(validate=validate.OneOf(METHODS), about="By which method.")
    variables = Named(Text(), about="Its first variables.")


class CurrentAction(Form):
    """A body that names the action its sender believes to be current."""

    current_action_id = Uuid(about="The action that the caller has done; one that is not current changes nothing.")


class ForwardAction(Form):
    """`PUT …/forward_action_id`."""

    forward_action_id = Uuid(about="Where it goes on.")
    forward_now = Flag(about="At once; else when the action in hand is done.")


class ServiceStop(Form):
    """`POST …/service_stop`."""

    service_id = Uuid(about="The service whose actions are left.")


class SetVariables(Form):
    """`POST /v1/variables/<id>/variables`."""

    variables = Named(Text(), about="Names and values; others stay as they are.")


class Substitute(Form):
    """`POST /v1/variables/<id>/substitute`."""

    data = Text(about="A text with placeholders.")
