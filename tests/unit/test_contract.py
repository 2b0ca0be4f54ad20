"""The contract with other programs: valid, whole, and written down as the code says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from asyncapi3 import AsyncAPI3
from click.testing import CliRunner
from jsonschema import Draft202012Validator, ValidationError

from flowmanager.bootstrap import all_subscriptions
from flowmanager.cli import main
from flowmanager.commands.contract import PARTS
from flowmanager.contract.asyncapi import document
from flowmanager.contract.parts import PUBLISHED, all_routes, heard_events
from flowmanager.schemas.meanings import MEANINGS, OWN
from flowmanager.schemas.records import record_schemas
from flowmanager.schemas.trace_answers import FRAME, STEP, TRACE, samples, trace_schemas
from flowmanager.subscription import plain
from tests.conformance.contract import validator

DOCS = Path(__file__).parents[2] / "docs"
FILES = {
    "asyncapi": "asyncapi.yaml",
    "page": "reference/messages.md",
    "actions": "reference/actions.md",
    "commands": "reference/commands.md",
}


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document()


def objects_in(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a document."""
    if isinstance(part, Mapping):
        yield part
    for inner in part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ():
        yield from objects_in(inner)


def found(made: Any, path: str) -> Any:
    """What a reference refers to."""
    for name in path.removeprefix("#/").split("/"):
        made = made[name]
    return made


def test_the_document_is_asyncapi(made: dict[str, Any]) -> None:
    """As a program understands it that knows the specification."""
    assert len(AsyncAPI3.model_validate(made).operations or {}) == len(made["operations"])


def test_a_wrong_document_would_be_found_out(made: dict[str, Any]) -> None:
    """The judge is none who accepts everything."""
    operation = {**made["operations"]["create_flow"], "action": "take"}
    with pytest.raises(ValueError, match="action"):
        AsyncAPI3.model_validate({**made, "operations": {"create_flow": operation}})


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    """Channels, messages and schemas are all there."""
    references = [one["$ref"] for one in objects_in(made) if "$ref" in one]
    assert all(found(made, path) for path in references)
    assert len(references) > 200


def test_every_schema_is_one(made: dict[str, Any]) -> None:
    """Of messages and of records."""
    parts = made["components"]
    payloads = [one["payload"] for one in parts["messages"].values()]
    for schema in [*parts["schemas"].values(), *payloads]:
        Draft202012Validator.check_schema(schema)


def test_it_holds_every_route_and_every_event(made: dict[str, Any]) -> None:
    """Nothing is left out, and no two are called the same."""
    heard = list(heard_events())
    assert len(made["operations"]) == len(all_routes()) + len(PUBLISHED) + len(heard)
    assert {(one.source, plain(one.name)) for one in heard} == set(all_subscriptions())


def test_every_field_of_a_trace_says_what_it_means() -> None:
    """In a sentence; and no field that is written is left out."""
    for name, meanings, found in zip(
        ("trace", "trace_step", "trace_frame"), (TRACE, STEP, FRAME), written(), strict=True
    ):
        told = trace_schemas()[name]["properties"]
        assert all(field["description"].endswith((".", ").")) for field in told.values())
        assert set(told) == set(meanings) == found, name


def test_every_field_of_a_record_says_what_it_means() -> None:
    """And nothing is explained that no record has."""
    records = {name: one.get("items", one)["properties"] for name, one in record_schemas().items()}
    assert all(field["description"].endswith((".", ").")) for fields in records.values() for field in fields.values())
    assert set(MEANINGS) <= {name for fields in records.values() for name in fields}
    assert all(name in records[record] for record, name in OWN)


def written() -> tuple[set[str], set[str], set[str]]:
    """The fields of traces, steps and frames as the samples have them."""
    made = samples()
    steps = [step for one in made for step in (*one["steps"], one["current"] or {})]
    return set().union(*made), set().union(*steps), set().union(*(frame for one in made for frame in one["frames"]))


def test_a_recorded_trace_is_what_the_contract_says() -> None:
    """The one of the picture in the README, of the demonstration's call."""
    recorded = orjson.loads((DOCS / "images" / "trace.json").read_bytes())
    validator("trace_activeflow_answer").validate({"status_code": 200, "data": recorded})
    with pytest.raises(ValidationError):
        validator("trace_activeflow_answer").validate({"status_code": 200, "data": {**recorded, "steps": [{}]}})


def test_every_field_of_a_request_says_what_it_means(made: dict[str, Any]) -> None:
    """In a sentence."""
    forms = [made["components"]["schemas"][one.form.__name__] for one in all_routes() if one.form]
    fields = [field for form in forms for field in form["properties"].values()]
    assert len(fields) > 20
    assert all(field.get("description", "").endswith(".") for field in fields)


def test_the_fields_of_an_event_are_those_that_are_read(made: dict[str, Any]) -> None:
    """Found by reading one."""
    data = made["components"]["messages"]["call_callhangup"]["payload"]["properties"]["data"]
    assert list(data["properties"]) == ["activeflow_id", "reference_id", "call_id", "id"]


@pytest.mark.parametrize("part", FILES)
def test_the_written_file_is_what_the_code_says(part: str) -> None:
    """After a change: `make contract`."""
    result = CliRunner().invoke(main, ["contract", part, "--check", str(DOCS / FILES[part])])
    assert (result.exit_code, result.output) == (0, "")


def test_the_written_document_is_the_document(made: dict[str, Any]) -> None:
    """Nothing is lost in YAML."""
    assert yaml.safe_load((DOCS / FILES["asyncapi"]).read_text()) == made


@pytest.mark.parametrize("part", PARTS)
def test_a_file_that_is_not_current_is_told(part: str, tmp_path: Path) -> None:
    """With what to do about it, and a status for CI."""
    for path in (tmp_path / "missing", tmp_path / "old"):
        (tmp_path / "old").write_text("old")
        result = CliRunner().invoke(main, ["contract", part, "--check", str(path)])
        assert result.exit_code == 1
        assert f"run `flowmanager contract {part} > {path}`" in result.output


@pytest.mark.parametrize("part", PARTS)
def test_what_is_printed_can_be_checked(part: str, tmp_path: Path) -> None:
    """What one call prints, the next finds current."""
    printed = CliRunner().invoke(main, ["contract", part])
    (tmp_path / "file").write_text(printed.output)
    assert CliRunner().invoke(main, ["contract", part, "--check", str(tmp_path / "file")]).exit_code == 0
