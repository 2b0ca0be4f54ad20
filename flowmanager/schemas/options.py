"""The base of action options: how they are checked when a flow is stored and when an action runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, ClassVar

import orjson
from marshmallow import ValidationError

from flowmanager.core.variables import RAW_OPTIONS, names_in
from flowmanager.errors import InvalidAnonymousValue, InvalidRequest
from flowmanager.schemas.fields import Form, Milliseconds, Text, Uuid, first_fault, loader, paths

ANONYMOUS = "anonymous"
"""The option that hides the caller's number; a wrong value has an error of its own on the wire."""

REMEMBERED_BYTES = 2000
"""Options of more than this are checked each time: 2048 of them take a few MB."""


class Option(Form):
    """The options of an action type."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """As people write them; the catalogue of actions shows them."""


class NoOption(Option):
    """An action without options."""


class AssistanceOption(Option):
    """`ai_id` is the older form; it counts where no `assistance_type` is given."""

    examples = ({"assistance_type": "ai", "assistance_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    assistance_type = Text(about="Who helps: `ai` or `team`.")
    assistance_id = Uuid(about="Its id.")
    ai_id = Uuid(about="An AI: the older form, read where there is no `assistance_type`.")


class TranscribeOption(Option):
    """The options of a transcription."""

    examples = ({"language": "en-US", "direction": "both"},)

    language = Text(about="Language that is spoken, such as `en-US`.")
    on_end_flow_id = Uuid(about="The flow that is started with the text.")
    provider = Text(about="Who transcribes: `gcp` or `aws`; empty: any.")
    direction = Text(about="Whom is listened to: `in`, `out` or `both`; empty: both.")


class EchoOption(Option):
    """The options of an echo."""

    examples = ({"duration": 60000},)

    duration = Milliseconds(about="Milliseconds; 0: three minutes.")


def echo_limit(option: Mapping[str, Any]) -> timedelta | None:
    """Return how long an echo lasts."""
    return timedelta(milliseconds=option["duration"] or 180_000)


def check_option(form: type[Form], option: Mapping[str, Any] | None, path: str) -> None:
    """Check an option before it runs; values with placeholders are checked when they are known.

    Raises InvalidRequest, or InvalidAnonymousValue, naming the JSON path.
    """
    for fault in option_faults(form, option, path):
        raise fault


def option_faults(form: type[Form], option: Mapping[str, Any] | None, path: str) -> list[InvalidRequest]:
    """Return everything that `check_option` has against an option, each with its JSON path."""
    given = {key: value for key, value in (option or {}).items() if not names_in(value)}
    try:
        loader(form).load(given, partial=True)
    except ValidationError as error:
        return [option_fault(f"{path}.{where}", where, sentence) for where, sentence in paths(error.messages)]
    return []


def option_fault(path: str, where: str, sentence: str) -> InvalidRequest:
    """Return the error about one place of an option."""
    refusal = InvalidAnonymousValue if where == ANONYMOUS else InvalidRequest
    return refusal(f"{path}: {sentence}", path=path)


def load_option(form: type[Form], option: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the option of an action that runs now. Raises InvalidRequest naming the field.

    Most options come again with every call of the same flow: checked once, they are remembered.
    """
    if not option or RAW_OPTIONS & option.keys():
        return checked_option(form, option or {})
    text = orjson.dumps(option)
    return remembered_option(form, text) if len(text) <= REMEMBERED_BYTES else checked_option(form, option)


@lru_cache(maxsize=2048)
def remembered_option(form: type[Form], text: bytes) -> Mapping[str, Any]:
    """Return the option of a JSON text."""
    return checked_option(form, orjson.loads(text))


def checked_option(form: type[Form], option: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an option in the program's own form. Nobody may change it. Raises InvalidRequest naming the field."""
    try:
        loaded: dict[str, Any] = loader(form).load(option)
    except ValidationError as error:
        where, sentence = first_fault(error)
        raise InvalidRequest(f"option.{where}: {sentence}", path=f"option.{where}") from error
    return MappingProxyType(loaded)
