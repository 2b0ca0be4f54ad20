"""How variables are replaced, how a set is built, and what may be in it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from flowmanager.core.limits import Limits
from flowmanager.core.variables import (
    byte_size,
    expanded_size,
    initial,
    is_own,
    merge,
    names_in,
    placeholders,
    request_fault,
    sanitize,
    substitute,
    substitute_option,
    substitute_text,
    texts,
)
from flowmanager.errors import VariableLimit

VALUES = {"name": "Ada", "a b": "x", "": "nothing", "a${b": "odd", "again": "${name}", "Name": "other", "digit": "1"}
LIMITS = Limits()

TEXTS: list[tuple[str, str, str]] = [
    ("a known name", "Hello ${name}!", "Hello Ada!"),
    ("several", "${name}${digit}", "Ada1"),
    ("a missing one is empty", "<${missing}>", "<>"),
    ("names are case-sensitive", "${Name} ${NAME}", "other "),
    ("names are literal, spaces too", "${a b}|${ name }", "x|"),
    ("the empty name", "${}", "nothing"),
    ("nested: the shortest run is the name", "${a${b}}", "odd}"),
    ("what is inserted is not read again", "${again}", "${name}"),
    ("no name goes over a line break", "${na\nme} ${name}", "${na\nme} Ada"),
    ("the break may come first", "${\n${name}", "${\nAda"),
    ("but a carriage return is a character", "${na\rme}", ""),
    ("never closed", "${name", "${name"),
    ("never opened", "name}", "name}"),
    ("a dollar before it stays", "$${name}", "$Ada"),
    ("other forms are text", "{{name}} $name $(name) #{name}", "{{name}} $name $(name) #{name}"),
    ("no placeholder", "plain", "plain"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_a_text(text: str, expected: str) -> None:
    """The case's name says the rule."""
    assert substitute_text(text, VALUES) == expected


@pytest.mark.parametrize(
    "tree", [1, 2.5, 10**15, True, False, None, [], {}, [1, None, True], {"a": {"b": [0.1]}}], ids=repr
)
def test_what_is_no_text_keeps_its_type(tree: Any) -> None:
    """Also inside lists."""
    found = substitute(tree, VALUES)
    assert (found, type(found)) == (tree, type(tree))


def test_texts_at_any_depth_are_replaced_and_keys_never() -> None:
    """Objects in lists in objects."""
    tree = {"${name}": ["${name}", {"k": ["${digit}", 1]}], "n": 1}
    assert substitute(tree, VALUES) == {"${name}": ["Ada", {"k": ["1", 1]}], "n": 1}
    assert names_in(tree) == {"name", "digit"}


@pytest.mark.parametrize(
    "text", ["${" * 500_000, "${\n" * 300_000, "${a\n" * 250_000 + "}", "${a}" * 250_000, "}" * 1_000_000]
)
def test_a_hostile_text_is_read_once(text: str) -> None:
    """A megabyte of openings does not keep a worker busy: it is read from begin to end, not from each opening."""
    assert len(substitute_text(text, {})) <= len(text)


def test_an_option_that_was_not_given() -> None:
    """Stays none."""
    assert substitute_option(None, VALUES, limit=10) is None


def test_nested_actions_are_left_alone() -> None:
    """Their placeholders belong to the flow that they will be; nor do they count."""
    option = {"text": "${name}", "actions": [{"option": {"text": "${again}" * 9}}], "inner": {"actions": "${name}"}}
    found = substitute_option(option, {**VALUES, "again": "x" * 100}, limit=10)
    assert found == {**option, "text": "Ada", "inner": {"actions": "Ada"}}
    assert list(found or ()) == list(option)


@pytest.mark.parametrize(("limit", "refused"), [(10, False), (9, True)])
def test_an_option_is_limited_before_it_is_built(limit: int, refused: bool) -> None:
    """Ten characters in all texts together."""
    option = {"text": "${name}${name}", "list": ["${name}", "!"]}
    if not refused:
        assert substitute_option(option, VALUES, limit=limit) == {"text": "AdaAda", "list": ["Ada", "!"]}
        return
    with pytest.raises(VariableLimit):
        substitute_option(option, VALUES, limit=limit)


def test_the_limit_holds_for_gigabytes() -> None:
    """A quarter of a million placeholders of 32 KiB each are refused, not built."""
    with pytest.raises(VariableLimit):
        substitute_option({"text": "${v}" * 250_000}, {"v": "x" * 32_768}, limit=LIMITS.option_characters)


pieces = some.sampled_from(["${", "}", "$", "{", "\n", "\r", "a", "b", "name", "${name}", "${a${b}}"])
riddles = some.lists(pieces, max_size=30).map("".join) | some.text()
values = some.dictionaries(some.sampled_from(["", "a", "name", "a${b"]), some.text(max_size=5) | riddles)
scalars = some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False)
trees = some.recursive(
    scalars | riddles,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(riddles, inner, max_size=4),
    max_leaves=15,
)
options = some.dictionaries(some.text(max_size=3) | some.just("actions"), trees, max_size=4)
PATTERN = re.compile(r"\$\{([^\n]*?)\}")


def skeleton(tree: Any) -> Any:
    """Return a JSON value with each text replaced by the same mark."""
    if isinstance(tree, str):
        return "text"
    if isinstance(tree, dict):
        return {key: skeleton(inner) for key, inner in tree.items()}
    return [skeleton(inner) for inner in tree] if isinstance(tree, list) else (tree, type(tree))


@given(riddles)
def test_placeholders_are_those_of_the_pattern(text: str) -> None:
    """Found by hand in linear time, but the same."""
    assert list(placeholders(text)) == [found.span() for found in PATTERN.finditer(text)]


@given(riddles, values)
def test_a_text_is_replaced_in_a_single_pass(text: str, values: dict[str, str]) -> None:
    """Each placeholder by its value, nothing else."""
    assert substitute_text(text, values) == PATTERN.sub(lambda found: values.get(found[1], ""), text)


@given(trees, values)
def test_substitution_keeps_shape_types_and_keys(tree: Any, values: dict[str, str]) -> None:
    """Only text leaves change, each as a text of its own would."""
    found = substitute(tree, values)
    assert skeleton(found) == skeleton(tree)
    assert list(texts(found)) == [substitute_text(text, values) for text in texts(tree)]


@given(trees, values)
def test_the_size_is_known_before(tree: Any, values: dict[str, str]) -> None:
    """It is that of the texts which substitution makes."""
    assert expanded_size(tree, values) == sum(map(len, texts(substitute(tree, values))))


@given(trees, values)
def test_only_the_named_variables_matter(tree: Any, values: dict[str, str]) -> None:
    """Without the others the result is the same."""
    named = {name: value for name, value in values.items() if name in names_in(tree)}
    assert substitute(tree, named) == substitute(tree, values)


@given(options, values)
def test_an_option_is_substituted_but_for_actions(option: dict[str, Any], values: dict[str, str]) -> None:
    """Every other key as if it were alone."""
    found = substitute_option(option, values, limit=1_000_000)
    expected = {key: inner if key == "actions" else substitute(inner, values) for key, inner in option.items()}
    assert found == expected


OWN = {"voipbin.activeflow.id": "own"}


def many(count: int, size: int) -> dict[str, str]:
    """Return variables of together exactly `size` bytes of value, with three-byte names."""
    each, rest = divmod(size, count)
    return {f"{number:03d}": "v" * (each + (rest if number == 0 else 0)) for number in range(count)}


BORDERS: list[tuple[str, dict[str, str], str | None]] = [
    ("one value at its limit", {"k": "v" * 32_768}, None),
    ("one value over it", {"k": "v" * 32_769}, "rejected_value_size"),
    ("bytes count, not characters", {"k": "é" * 16_385}, "rejected_value_size"),
    ("a hundred", many(100, 100), None),
    ("a hundred and one", many(101, 101), "rejected_count"),
    ("the sum at its limit, names counted", many(10, 65_536 - 30), None),
    ("the sum over it", many(10, 65_537 - 30), "rejected_total"),
    ("the size of a value is told first", {**many(101, 101), "k": "v" * 32_769}, "rejected_value_size"),
    ("then the count", many(101, 101 * 1000), "rejected_count"),
    ("nothing", {}, None),
]


@pytest.mark.parametrize(("given_ones", "reason"), [case[1:] for case in BORDERS], ids=[case[0] for case in BORDERS])
def test_the_limits_of_a_request(given_ones: dict[str, str], reason: str | None) -> None:
    """A creation leaves the given ones out and says why; a later write is refused and names the limit."""
    made, told = initial({"old": "1"}, given_ones, OWN, limits=LIMITS)
    assert (made, told) == ({"old": "1", **({} if reason else given_ones), **OWN}, reason)
    assert request_fault(given_ones, LIMITS) == reason
    if reason is None:
        assert merge({"old": "1"}, given_ones, limits=LIMITS) == {"old": "1", **given_ones}
        return
    with pytest.raises(VariableLimit, match=reason):
        merge({"old": "1"}, given_ones, limits=LIMITS)


@pytest.mark.parametrize(("size", "reason"), [(262_144, None), (262_145, "rejected_merged")])
def test_the_limit_of_the_whole_set(size: int, reason: str | None) -> None:
    """What is inherited and given together."""
    inherited = {"k": "v" * (size - 1 - 4)}
    made, told = initial(inherited, {"ab": "cd"}, {}, limits=LIMITS)
    assert (made, told) == (inherited if reason else {**inherited, "ab": "cd"}, reason)
    if reason is None:
        assert merge(inherited, {"ab": "cd"}, limits=LIMITS)["ab"] == "cd"
        return
    with pytest.raises(VariableLimit, match="rejected_merged"):
        merge(inherited, {"ab": "cd"}, limits=LIMITS)


def test_what_is_inherited_is_never_refused() -> None:
    """There is nothing to leave out when nothing is given; nor does a write of nothing fail."""
    large = {"k": "v" * 300_000}
    assert initial(large, {}, {}, limits=LIMITS) == (large, None)
    assert merge(large, {"voipbin.activeflow.id": "x"}, limits=LIMITS) == large


def test_the_own_names_win_over_the_given_and_those_over_the_inherited() -> None:
    """In this order."""
    inherited = {"a": "parent", "b": "parent", "voipbin.activeflow.id": "parent", "voipbin.call.id": "call"}
    made, reason = initial(inherited, {"a": "given"}, OWN, limits=LIMITS)
    assert made == {"a": "given", "b": "parent", "voipbin.activeflow.id": "own", "voipbin.call.id": "call"}
    assert reason is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("name", "name"),
        ("  name\t", "name"),
        ("a b", "a b"),
        ("", None),
        (" \n", None),
        ("voipbin.call.id", None),
        (" VoipBin.x", None),
        ("voipbin", "voipbin"),
        ("voipbinx.y", "voipbinx.y"),
    ],
)
def test_names_of_initial_variables(name: str, kept: str | None) -> None:
    """They are trimmed; empty and reserved ones are dropped one by one, with no reason told."""
    assert sanitize({name: "v", "z": "1"}) == {**({kept: "v"} if kept is not None else {}), "z": "1"}
    assert initial({}, {name: "v"}, {}, limits=LIMITS)[1] is None


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("voipbin.activeflow.id", True),
        (" Voipbin.ActiveFlow.new", True),
        ("voipbin.activeflow", False),
        ("voipbin.call.digits", False),
        ("id", False),
    ],
)
def test_the_activeflows_own_names_cannot_be_written(name: str, own: bool) -> None:
    """They are left out; other managers' names may be written."""
    assert is_own(name) is own
    assert merge({}, {name: "v", "z": "1"}, limits=LIMITS) == {**({} if own else {name: "v"}), "z": "1"}


sets = some.dictionaries(some.text(max_size=8) | some.sampled_from(["voipbin.activeflow.id", "voipbin.x"]), some.text())
FEW = Limits(variable_count=3, variable_bytes=6, variables_request_bytes=20, variables_bytes=30)


@given(sets, sets, sets)
def test_building_a_set_never_fails(inherited: dict[str, str], external: dict[str, str], own: dict[str, str]) -> None:
    """The given ones are all there or, with a reason, none."""
    made, reason = initial(inherited, external, own, limits=FEW)
    kept = sanitize(external)
    assert made == ({**inherited, **own} if reason else {**inherited, **kept, **own})
    assert reason in (None, "rejected_value_size", "rejected_count", "rejected_total", "rejected_merged")
    assert reason or not kept or byte_size(made) <= FEW.variables_bytes


@given(sets, sets)
def test_a_write_is_whole_or_refused(current: dict[str, str], changes: dict[str, str]) -> None:
    """What is there otherwise stays."""
    try:
        merged = merge(current, changes, limits=FEW)
    except VariableLimit:
        return
    assert merged == {**current, **{key: value for key, value in changes.items() if not is_own(key)}}


@given(sets)
def test_the_size_is_that_of_names_and_values(values: dict[str, str]) -> None:
    """In UTF-8."""
    assert byte_size(values) == len("".join([*values, *values.values()]).encode())
