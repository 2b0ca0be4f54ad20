"""A caller who does, at each place where one can do something, what is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flowmanager.core.activeflow import ReferenceType, State
from flowmanager.exploration.draft import Draft
from flowmanager.exploration.hints import Hints
from flowmanager.simulation.caller import Acts, Caller
from flowmanager.simulation.script import Hangup, Press, Resume, Silence, Step

LISTENS, HANGS_UP, SILENT, MACHINE = "listens", "hangs up", "is silent", "is a machine"
CONTINUES, STAYS = "is continued", "stays blocked"

Choose = Callable[[str, str, tuple[str, ...]], str]


@dataclass(slots=True, kw_only=True)
class CuriousCaller(Caller):
    """Asks once for every action that the flow waits at."""

    choose: Choose
    hints: Hints
    draft: Draft
    decided: set[int] = field(default_factory=set)
    """Numbers in the history of the actions that were decided about."""
    rested: float = 0.0
    """When the last step was done."""

    def play(self) -> Acts:
        """Decide again and again."""
        while True:
            yield self.undecided
            self.decided.add(self.flow.executed_count)
            step = self.decision()
            if step is not None:
                self.draft.step(step)
                yield from self.perform(step)
                self.rested = self.office.recorder.now

    def undecided(self) -> bool:
        """Say whether the flow waits at an action that nothing was decided about."""
        waits = self.flow.state in (State.WAITING, State.BLOCKED)
        return waits and self.flow.executed_count not in self.decided

    def decision(self) -> Step | None:
        """Return what to do; None: nothing."""
        action = self.flow.current_action
        label = self.office.recorder.labels.of(action.id, action.type)
        options = self.options()
        taken = self.choose("caller", label, tuple(options))
        if taken == MACHINE:
            self.draft.values["amd"] = "machine"
            self.office.peers.recognize_machine(self.call_id, action.option or {})
        return options[taken]

    def options(self) -> dict[str, Step | None]:
        """Return what can be done here, the most telling first."""
        if self.flow.state is State.BLOCKED:
            return {CONTINUES: Resume(), STAYS: None}
        leaves = {HANGS_UP: self.hangup_here()} if self.may_leave() else {}
        if self.asked_for_keys():
            option = self.flow.current_action.option or {}
            length = option.get("length")
            keys = self.hints.keys_for(length if isinstance(length, int) else 1)
            pressed: dict[str, Step | None] = {f"presses {one}": Press(keys=one) for one in keys}
            return {**pressed, SILENT: Silence(seconds=None) if self.waits_for_keys() else None, **leaves}
        if self.flow.current_action.type == "amd":
            return {LISTENS: None, MACHINE: None, **leaves}
        return {LISTENS: None, **leaves}

    def may_leave(self) -> bool:
        """Say whether the call can end here. What a service repeats is as good as its first time."""
        if self.flow.reference_type is not ReferenceType.CALL or self.flow.after_reference:
            return False
        recorder, action = self.office.recorder, self.flow.current_action
        return not self.flow.stack_depth or recorder.entered.count(recorder.labels.of(action.id, action.type)) == 1

    def waits_for_keys(self) -> bool:
        """Say whether silence can run out here: a text that is said ends by itself."""
        return self.flow.current_action.type == "digits_receive"

    def hangup_here(self) -> Step:
        """Return the end of the call at this place."""
        recorder = self.office.recorder
        label = recorder.labels.of(self.flow.current_action.id, self.flow.current_action.type)
        first = label in recorder.labels.main and recorder.entered.count(label) == 1
        return Hangup(at=label) if first else Hangup(after=recorder.now - self.rested)
