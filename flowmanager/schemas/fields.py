"""Field types of the wire: uuids in the spellings peers use, whole numbers, addresses, plain JSON objects."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Set
from contextlib import suppress
from functools import cache, cached_property
from typing import Any, ClassVar, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, pre_load

from flowmanager.core.ids import NIL, Id

CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
LOOSE = re.compile(r"(?:urn:uuid:)?(\{?)([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})(\}?)")


def parse_id(text: str) -> Id | None:
    """Return the canonical form of a uuid in either case, as 32 digits, in braces or as urn. None: not a uuid."""
    if CANONICAL.fullmatch(text):
        return text
    found = LOOSE.fullmatch(text.lower())
    if found is None or bool(found[1]) != bool(found[3]):
        return None
    digits = found[2].replace("-", "")
    if "-" in found[2] and found[2].count("-") != 4:
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Value(fields.Field[Any]):
    """A field whose null means the same as its absence: the default, which is the zero value when none is given."""

    zero: ClassVar[Any] = None

    def __init__(self, *, about: str = "", **options: Any) -> None:
        """`about`: what it means, for those who read the contract."""
        if not options.get("required"):
            options.setdefault("load_default", self.zero)
        super().__init__(metadata={"description": about} if about else None, **options)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """Take null as absent."""
        return super().deserialize(missing if value is None else value, attr, data, **options)

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> Any:
        return self.read(value)

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Return the value in our form. Raises ValidationError."""


class Uuid(Value):
    """A uuid."""

    zero = NIL

    def read(self, value: Any) -> Id:
        """Return its canonical form."""
        found = parse_id(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError("Not a uuid.")
        return found


class Text(Value):
    """A text."""

    zero = ""

    def read(self, value: Any) -> str:
        """Return it as it is."""
        if not isinstance(value, str):
            raise ValidationError("Not a text.")
        return value


class Number(Value):
    """A number: no text and no boolean."""

    zero = 0.0

    def read(self, value: Any) -> float:
        """Return it as a float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Not a number.")
        return float(value)


class Whole(Value):
    """A whole number of at most 64 bits: 5 or 5.0, but no text and no boolean."""

    zero = 0

    def read(self, value: Any) -> int:
        """Return it as an int."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValidationError("Not a whole number.")
        if isinstance(value, float) and not value.is_integer():
            raise ValidationError("Not a whole number.")
        if not -(2**63) <= value < 2**63:
            raise ValidationError("Not within 64 bits.")
        return int(value)


class Milliseconds(Whole):
    """A duration; a negative one is none."""

    longest: ClassVar[int] = 10 * 365 * 24 * 3600 * 1000
    """A longer one could not be added to a date."""

    def read(self, value: Any) -> int:
        """Return it as an int, at least 0."""
        found = super().read(value)
        if found > self.longest:
            raise ValidationError("Longer than ten years.")
        return max(found, 0)


class Flag(Value):
    """true or false, nothing that merely looks like it."""

    zero = False

    def read(self, value: Any) -> bool:
        """Return it as it is."""
        if not isinstance(value, bool):
            raise ValidationError("Not a boolean.")
        return value


class Items(Value):
    """A list of values of one kind."""

    zero = list

    def __init__(self, item: fields.Field[Any], **options: Any) -> None:
        super().__init__(**options)
        self.item = item

    def read(self, value: Any) -> list[Any]:
        """Return each item in our form; the error tells the positions of the wrong ones."""
        if not isinstance(value, list | tuple):
            raise ValidationError("Not a list.")
        return list(read_each(self.item, dict(enumerate(value))).values())


class Named(Value):
    """An object whose values are of one kind under any name."""

    zero = dict

    def __init__(self, item: fields.Field[Any], **options: Any) -> None:
        super().__init__(**options)
        self.item = item

    def read(self, value: Any) -> dict[str, Any]:
        """Return each value in our form; the error tells the names of the wrong ones."""
        return read_each(self.item, read_object(value))


class Record(Value):
    """An object with known parts; unknown ones are left out."""

    def __init__(self, parts: Mapping[str, fields.Field[Any]], **options: Any) -> None:
        super().__init__(**options)
        self.parts = parts

    def read(self, value: Any) -> dict[str, Any]:
        """Return the parts in our form; the error tells the names of the wrong ones."""
        given = in_known_case(read_object(value), self.parts.keys())
        return read_parts({key: (part, given.get(key)) for key, part in self.parts.items()})


class Json(Value):
    """Any JSON value."""

    def read(self, value: Any) -> Any:
        """Return it as it is."""
        return value


class JsonObject(Value):
    """A JSON object."""

    def read(self, value: Any) -> Mapping[str, Any]:
        """Return it as it is."""
        return read_object(value)


ADDRESS_KEYS = ("type", "target", "target_name", "name", "detail")


class Address(Record):
    """Where a call or message comes from or goes to; empty and unknown parts are left out on the wire."""

    def __init__(self, **options: Any) -> None:
        super().__init__({key: Text() for key in ADDRESS_KEYS}, **options)

    def read(self, value: Any) -> dict[str, Any]:
        """Return the parts that are not empty."""
        return {key: part for key, part in super().read(value).items() if part}


ANONYMOUS_VALUES = ("", "yes", "no", "auto")


class Anonymous(Text):
    """Whether a call hides its number."""

    def read(self, value: Any) -> str:
        """Return one of the known words."""
        if value not in ANONYMOUS_VALUES:
            raise ValidationError("Must be empty, yes, no or auto.")
        return super().read(value)


def read_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object. Raises ValidationError."""
    if not isinstance(value, Mapping):
        raise ValidationError("Not an object.")
    return value


def in_known_case(given: Mapping[str, Any], known: Set[str]) -> Mapping[str, Any]:
    """Return an object whose keys are spelled as we know them: the other managers read keys in any case."""
    strange = {key.lower(): key for key in given if key not in known}
    found = {name: given[strange[name]] for name in strange.keys() & known if name not in given}
    return {**given, **found} if found else given


def read_each(item: fields.Field[Any], given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return each value in our form. Raises ValidationError with the faults by key."""
    return read_parts({key: (item, value) for key, value in given.items()})


def read_parts(given: Mapping[Any, tuple[fields.Field[Any], Any]]) -> dict[Any, Any]:
    """Return each value in the form of its field. Raises ValidationError with the faults by key."""
    found, faults = {}, {}
    for key, (item, value) in given.items():
        try:
            found[key] = item.deserialize(value)
        except ValidationError as error:
            faults[key] = error.messages
    if faults:
        raise ValidationError(faults)
    return found


class Form(Schema):
    """A form of the wire: unknown keys are ignored, an absent optional field has its zero value."""

    class Meta:
        """Peers may be newer than we are."""

        unknown = EXCLUDE

    def load(self, data: Any, **options: Any) -> Any:
        """Return the checked values. Raises ValidationError.

        An object in which nothing is wrong or strange is read here, without the library's ways to intervene: they take
        a twentieth of a step. All others are for the library, whose words tell what is wrong.
        """
        known = self._known
        if known and not options and isinstance(data, dict) and data.keys() <= known.keys():
            with suppress(ValidationError):
                return {name: taken(field, data.get(key)) for key, (name, field) in known.items()}
        return super().load(data, **options)

    @cached_property
    def _known(self) -> Mapping[str, tuple[str, Value]]:
        """Name and field by key; none where unknown keys are kept."""
        if self.unknown != EXCLUDE:
            return {}
        return {field.data_key or name: (name, cast(Value, field)) for name, field in self.load_fields.items()}

    @pre_load
    def fold_keys(self, data: Any, **_options: Any) -> Any:
        """Take keys in any case."""
        known = {field.data_key or name for name, field in self.load_fields.items()}
        return in_known_case(data, known) if isinstance(data, Mapping) else data


def taken(field: Value, value: Any) -> Any:
    """Return what a field makes of a value; None: absent. Raises ValidationError."""
    if value is None:
        if field.required:
            raise ValidationError("Missing.")
        return field.load_default() if callable(field.load_default) else field.load_default
    found = field.read(value)
    for check in field.validators:
        check(found)
    return found


def paths(messages: Any, path: str = "") -> list[tuple[str, str]]:
    """Turn marshmallow's nested messages into pairs of JSON path and sentence."""
    if isinstance(messages, Mapping):
        found = []
        for key, inner in messages.items():
            if key == "_schema":
                found += paths(inner, path)
            else:
                found += paths(inner, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."))
        return found
    if isinstance(messages, list):
        return [pair for inner in messages for pair in paths(inner, path)]
    return [(path, str(messages))]


@cache
def loader(form: type[Form]) -> Form:
    """Return the one instance of a form: making one costs more than using it, and every step of every flow does."""
    return form()


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Return path and sentence of the first thing wrong."""
    return paths(error.messages)[0]
