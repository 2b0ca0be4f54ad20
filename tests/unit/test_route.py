"""Templates, the choice of a route, pages, and bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager import routes as route_package
from flowmanager.discover import collect
from flowmanager.errors import InvalidRequest, RouteNotFound
from flowmanager.orchestrator.engine import Work
from flowmanager.route import App, Call, Route, Router, compiled, decoded, query_of, route
from flowmanager.schemas.envelopes import Request
from flowmanager.schemas.requests import CurrentAction

ID = "9c37e1f0-58ab-4d62-8e19-07b4c6d2a5f3"
OTHER = "2f7b9c61-d3e4-4085-a1f6-5c8e0b7d9a24"
ROUTES = collect(route_package, Route)
ROUTER = Router(cast(App, None), ROUTES)


def found(method: str, uri: str) -> tuple[str, Mapping[str, str]]:
    """Return the template and the ids of the route that is chosen."""
    one, path = ROUTER.find(Request(uri, method))
    return one.template, path


EVERY = """
GET    /v1/actions
GET    /v1/activeflows?
POST   /v1/activeflows
GET    /v1/activeflows/ID
DELETE /v1/activeflows/ID
GET    /v1/activeflows/ID/next
GET    /v1/activeflows/ID/stacks
GET    /v1/activeflows/ID/trace?since=3&limit=10
PUT    /v1/activeflows/ID/forward_action_id
POST   /v1/activeflows/ID/continue
POST   /v1/activeflows/ID/execute
POST   /v1/activeflows/ID/stop
POST   /v1/activeflows/ID/add_actions
POST   /v1/activeflows/ID/push_actions
POST   /v1/activeflows/ID/service_stop
GET    /v1/flow_stacks/call/ID
GET    /v1/flow_stacks//ID
GET    /v1/flows/count_by_customer
POST   /v1/flows
POST   /v1/flows/validate
GET    /v1/flows?page_size=10&page_token=x
GET    /v1/flows
GET    /v1/flows/ID
PUT    /v1/flows/ID
DELETE /v1/flows/ID
POST   /v1/flows/ID/direct-hash-regenerate
PUT    /v1/flows/ID/actions
GET    /v1/flows/ID/actions/ID
GET    /v1/variables/ID
POST   /v1/variables/ID/variables
DELETE /v1/variables/ID/variables/a%20key
DELETE /v1/variables/ID/variables/a/b
POST   /v1/variables/ID/substitute
"""
URIS = [(line.split()[0], line.split()[1].replace("ID", ID)) for line in EVERY.strip().splitlines()]


@pytest.mark.parametrize(("method", "uri"), URIS)
def test_a_request_finds_its_route(method: str, uri: str) -> None:
    """And its ids."""
    template, path = found(method, uri)
    assert template.split("/")[2] == uri.partition("?")[0].split("/")[2]
    assert {value for name, value in path.items() if name.endswith("_id")} <= {ID}


def test_the_list_names_every_route() -> None:
    """A new one belongs into it."""
    assert {(method, found(method, uri)[0]) for method, uri in URIS} == {(one.method, one.template) for one in ROUTES}


def test_no_uri_has_two_routes() -> None:
    """So their order does not matter."""
    for method, uri in URIS:
        path = uri.partition("?")[0]
        assert sum(one.method == method and bool(one.pattern.fullmatch(path)) for one in ROUTES) == 1


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        ("PATCH", "/v1/flows"),
        ("get", "/v1/flows"),
        ("", "/v1/flows"),
        ("PUT", "/v1/activeflows"),
        ("POST", f"/v1/activeflows/{ID}/next"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/v1/flows/"),
        ("GET", "/v2/flows"),
        ("GET", "v1/flows"),
        ("GET", "/x/v1/flows"),
        ("GET", "/v1/flows/x"),
        ("GET", f"/v1/flows/{ID}/"),
        ("GET", f"/v1/flows/{ID}0"),
        ("GET", f"/v1/flows/{ID.upper()}"),
        ("GET", f"/v1/flows/{ID.replace('-', '')}"),
        ("GET", f"/v1/flows/{{{ID}}}"),
        ("GET", f"/v1/flows/{ID}\n"),
        ("GET", f"/v1/flows/{ID}/actions/{ID.upper()}"),
        ("GET", f"/v1/flows/{ID}?"),
        ("POST", "/v1/flows?page_size=1"),
        ("GET", f"/v1/activeflows/{ID}/next?x=1"),
        ("DELETE", f"/v1/variables/{ID}/variables"),
    ],
)
def test_there_is_no_such_route(method: str, uri: str) -> None:
    """Wrong path and wrong method are the same 404; ids are canonical, and only lists have a query."""
    with pytest.raises(RouteNotFound) as caught:
        found(method, uri)
    assert caught.value.status_code == 404


def test_what_is_told_of_a_long_uri() -> None:
    """Only its beginning."""
    with pytest.raises(RouteNotFound) as caught:
        found("X" * 99, "/" * 9999)
    assert caught.value.facts == {"method": "X" * 16, "uri": "/" * 200}


@pytest.mark.parametrize(
    ("template", "path", "groups"),
    [
        ("/a.b", "/a.b", {}),
        ("/a.b", "/axb", None),
        ("/a/{one:id}/b/{two:id}", f"/a/{ID}/b/{OTHER}", {"one": ID, "two": OTHER}),
        ("/a/{one:id}", "/a/", None),
        ("/a/{one:word}/b", "/a/new_word/b", {"one": "new_word"}),
        ("/a/{one:word}/b", "/a//b", {"one": ""}),
        ("/a/{one:word}/b", "/a/Word/b", None),
        ("/a/{one:rest}", "/a/b/c?", {"one": "b/c?"}),
        ("/a/{one:rest}", "/a/", {"one": ""}),
    ],
)
def test_a_template_is_a_pattern_for_a_whole_path(template: str, path: str, groups: dict[str, str] | None) -> None:
    """Everything outside the braces is literal."""
    match = compiled(template).fullmatch(path)
    assert (match.groupdict() if match else None) == groups


def test_a_route_is_made_of_a_function() -> None:
    """The function stays as it is."""

    def handle(call: Call, app: App) -> str:
        return f"{call}{app}"

    made = route("GET", "/a/{one:id}", form=CurrentAction)(handle)
    assert (made.method, made.template, made.handle, made.form, made.filters) == (
        "GET",
        "/a/{one:id}",
        handle,
        CurrentAction,
        False,
    )


def call(uri: str, body: Mapping[str, Any] | None = None) -> Call:
    """Return a call of a list."""
    return Call(work=cast(Work, None), path={"flow_id": ID}, query=query_of(uri), body=body or {})


@pytest.mark.parametrize(
    ("uri", "size", "token"),
    [
        ("/v1/flows", 100, ""),
        ("/v1/flows?", 100, ""),
        ("/v1/flows?page_size=", 100, ""),
        ("/v1/flows?page_size=0", 100, ""),
        ("/v1/flows?page_size=1", 1, ""),
        ("/v1/flows?page_size=010", 10, ""),
        ("/v1/flows?page_size=1000", 1000, ""),
        ("/v1/flows?page_size=1001", 1000, ""),
        ("/v1/flows?page_size=999999999", 1000, ""),
        ("/v1/flows?page_size=5&page_size=6", 5, ""),
        ("/v1/flows?page_token=2026-05-04T09%3A30%3A00.000000Z&page_size=5", 5, "2026-05-04T09:30:00.000000Z"),
        ("/v1/flows?other=1", 100, ""),
    ],
)
def test_a_page(uri: str, size: int, token: str) -> None:
    """The size is 100 when nothing is said, 1000 at most; the first of equal names counts."""
    page = call(uri, {"customer_id": ID}).page()
    assert (page.size, page.token, page.filters) == (size, token, {"customer_id": ID})


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "1e3", "%201", "+1", "9999999999", "0x10", "1_0"])
def test_a_size_that_is_no_whole_number(text: str) -> None:
    """It is refused, not guessed."""
    with pytest.raises(InvalidRequest, match="page_size") as caught:
        call(f"/v1/flows?page_size={text}").page()
    assert caught.value.facts["path"] == "page_size"


def test_a_query_of_too_many_names() -> None:
    """It is refused like any other mistake."""
    assert len(query_of("/?" + "&".join(f"n{number}=" for number in range(20)))) == 20
    with pytest.raises(InvalidRequest, match="uri"):
        query_of("/?" + "&".join(f"n{number}=" for number in range(21)))


def test_an_id_of_the_path() -> None:
    """By the name that the template gives it."""
    assert call("/").id("flow_id") == ID


FORMED = route("GET", "/a", form=CurrentAction)(lambda call, app: (call, app))
BODYLESS = route("GET", "/a")(lambda call, app: (call, app))
LIST = route("GET", "/a", filters=True)(lambda call, app: (call, app))


@pytest.mark.parametrize("data", [None, {}, {"a": 1}], ids=repr)
def test_the_body_of_a_list(data: Any) -> None:
    """Filters, as they are, or none."""
    assert LIST.load(Request("/a", "GET", data)) == (data or {})


@pytest.mark.parametrize("data", [None, 5, "x", [], {"a": 1}], ids=repr)
def test_a_body_that_is_not_read(data: Any) -> None:
    """It may be anything."""
    assert BODYLESS.load(Request("/a", "GET", data, has_data=True)) == {}


@pytest.mark.parametrize("data", [5, 0, "", "x", [], [{}], False], ids=repr)
@pytest.mark.parametrize("one", [FORMED, LIST], ids=["form", "list"])
def test_a_body_must_be_an_object(one: Route, data: Any) -> None:
    """Where it is read."""
    with pytest.raises(InvalidRequest, match="data: Not an object"):
        one.load(Request("/a", "GET", data, has_data=True))


def test_a_formed_body() -> None:
    """It is checked; null is the empty object, nothing at all is refused."""
    assert FORMED.load(Request("/a", "GET", {"current_action_id": ID.upper()})) == {"current_action_id": ID}
    assert FORMED.load(Request("/a", "GET", None, has_data=True))["current_action_id"].endswith("0000")
    with pytest.raises(InvalidRequest, match="data"):
        FORMED.load(Request("/a", "GET"))
    with pytest.raises(InvalidRequest, match=r"current_action_id: Not a uuid\.") as caught:
        FORMED.load(Request("/a", "GET", {"current_action_id": "x"}))
    assert caught.value.facts == {"path": "current_action_id"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("%24%7Ba%7D", "${a}"),
        ("%C3%A9", "é"),
        ("%FF", "\ufffd"),
        ("", ""),
    ],
)
def test_a_path_is_decoded(text: str, expected: str) -> None:
    """Once."""
    assert decoded(text) == expected


@pytest.mark.parametrize("text", ["%", "a%2", "%zz", "100%", "%%20"])
def test_what_is_no_encoding(text: str) -> None:
    """It is refused."""
    with pytest.raises(InvalidRequest, match="uri"):
        decoded(text)


@given(some.sampled_from(["GET", "POST", "PUT", "DELETE", "x"]), some.text())
def test_any_uri_has_a_route_or_none(method: str, text: str) -> None:
    """It never fails otherwise."""
    for uri in (text, f"/v1/flows{text}", f"/v1/variables/{ID}/variables/{text}"):
        try:
            assert found(method, uri)[0]
        except RouteNotFound:
            continue
