"""Where we differ from the recordings: the steps (rows of a table) of each scenario, why, and where that is explained.

A step that differs only because an earlier one did is listed with it. A step that is listed and agrees fails the tests
like one that differs and is not listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """`section` is an anchor in docs/compatibility.md; `steps` are numbers and ranges, separated by blanks."""

    section: str
    steps: str
    reason: str

    @property
    def numbers(self) -> frozenset[int]:
        """The steps."""
        return frozenset(number for part in self.steps.split() for number in numbers_in(part))


def numbers_in(part: str) -> Iterator[int]:
    """Yield the numbers of `7` or `7-53`."""
    first, _, last = part.partition("-")
    yield from range(int(first), int(last or first) + 1)


DIFFERENCES: Mapping[str, tuple[Difference, ...]] = {
    "006-flow-create-bad-json": (
        Difference("named-actions", "12", "an action id that is no uuid is a name"),
        Difference("action-times", "17 18", "tm_execute of a given action is ignored"),
    ),
    "010-flow-create-anonymous": (Difference("checked-options", "7 8 16 17", "anonymous is no text"),),
    "012-flow-create-text": (
        Difference("direct-hash-last", "3 6", "the name is too long: direct-manager is not asked"),
        Difference("surrogates", "7", "half a surrogate pair is no text"),
    ),
    "013-flow-create-numbers": (Difference("whole-numbers", "1 2 4", "numbers above 2^53 keep their value"),),
    "015-flow-list-pagination": (
        Difference("page-tokens", "8 15", "not the time of a row"),
        Difference("page-sizes", "9-13", "absent, 0, negative, no number"),
        Difference("list-uris", "18", "without a query"),
    ),
    "016-flow-list-filters": (
        Difference("filters", "25", "a filter that is SQL"),
        Difference("filters", "28", "no filters at all"),
    ),
    "022-flow-delete": (Difference("deleted-once", "4", "deleted already: nothing is left to give back"),),
    "024-flow-direct-hash-regenerate": (Difference("temporary-flows", "6", "the new hash is kept"),),
    "025-uri-routing": (
        Difference("list-uris", "4 14", "without a query"),
        Difference("whole-uris", "12", "text before the path"),
    ),
    "040-af-create-duplicate-id": (Difference("repeated-create", "3 5", "the same creation again"),),
    "043-af-create-reference-activeflow": (
        Difference("chain-limit", "7", "the sixth of a chain is refused"),
        Difference("unknown-parent", "12", "runs without the variables of the unknown one"),
    ),
    "045-af-list": (
        Difference("filters", "25", "no filters at all"),
        Difference("page-sizes", "26 27", "absent"),
    ),
    "048-af-execute": (
        Difference("push-mode", "7", "call-manager is told to answer the call"),
        Difference("unknown-activeflow", "9", "there is nothing to execute"),
    ),
    "054-next-duplicate-action-ids": (Difference("reserved-actions", "9-14", "an action with the id of the start"),),
    "057-forward-action": (Difference("ended-activeflow", "18", "nothing can be changed any more"),),
    "060-push-actions": (
        Difference("mute", "8 9", "the call is muted and the flow goes on"),
        Difference("ended-activeflow", "26", "nothing can be changed any more"),
    ),
    "061-push-actions-twice": (Difference("nested-pushes", "7 8", "the first push is not lost"),),
    "063-service-stop": (Difference("service-stop", "5 8 9 11", "idempotent; the cursor moves, nothing is pending"),),
    "064-service-stop-last": (Difference("service-stop", "5", "finishes normally"),),
    "067-variables-api": (Difference("own-variables", "4 20", "they cannot be overwritten"),),
    "070-option-substitution": (Difference("kept-types", "3 5", "numbers and flags in lists stay what they are"),),
    "082-type-mute": (Difference("mute", "3 4", "the call is muted and the flow goes on"),),
    "091-gating-reference-types": (Difference("reference-types", "29 30", "an unknown type is refused"),),
    "094-branch-errors": (
        Difference("checked-options", "13 14 16 17", "a target that no action has; a list of targets"),
    ),
    "099-condition-datetime": (
        Difference("datetime", "1 9 20 28 33 36 44", "now OP value; absent parts do not count"),
        Difference("datetime", "58-63", "weekdays"),
    ),
    "100-condition-datetime-errors": (
        Difference("checked-options", "1 2 4 5 7 8 10-12", "month 13, month x, weekdays x"),
    ),
    "103-goto-loop-count-3": (Difference("goto", "7-53", "ends after three jumps"),),
    "105-goto-pure-loop": (Difference("goto", "3", "ends after two jumps"),),
    "108-limit-skipped-count": (Difference("limits", "6", "one resume, however many actions"),),
    "109-type-fetch-flow": (Difference("checked-options", "24 25", "flow_id is no uuid"),),
    "111-fetch-noid-walk": (Difference("fetch", "4 6", "the recorder's server is on a loopback address"),),
    "112-fetch-failures": (Difference("fetch", "15 21 39", "the recorder's server is on a loopback address"),),
    "114-type-variable-set": (Difference("checked-options", "1-9", "one of the values is a number"),),
    "121-type-connect": (Difference("checked-options", "56 57", "source is a text"),),
    "126-type-webhook-send": (Difference("checked-options", "22-24", "data is an object"),),
    "133-service-push-without-ids": (Difference("generated-ids", "5 6", "the pushed actions run"),),
    "142-failure-queue-join": (Difference("empty-answers", "16 19 22", "a service without an id"),),
    "144-failure-ai-task": (Difference("empty-answers", "16 19 22", "a service without an id"),),
    "160-self-rpc-starvation": (Difference("one-process", "5", "we ask ourselves nothing"),),
    "162-kill-in-action": (Difference("crashes", "12", "the request of the killed process cannot be played"),),
    "163-kill-under-lock": (Difference("one-store", "3 6", "there is no lock to be left behind"),),
    "165-cache-stale": (Difference("one-store", "6", "the recorder changed a row behind the cache"),),
    "166-lost-update-stop-during-action": (Difference("stop-wins", "5", "the stop came while the request ran"),),
    "169-cache-expired": (Difference("one-store", "4 10", "there is no cache to expire"),),
}
