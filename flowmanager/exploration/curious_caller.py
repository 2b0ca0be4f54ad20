"""A caller who does, at each place where one can do something, what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flowmanager.core.activeflow import ReferenceType, State
from flowmanager.core.variables import DIGITS
from flowmanager.executors.digits_receive import complete
from flowmanager.exploration.draft import Draft
from flowmanager.exploration.hints import Hints
from flowmanager.exploration.troubles import HANGS_UP, HANGS_UP_TYPING
from flowmanager.schemas.options import load_option
from flowmanager.simulation.action_types import real_executors
from flowmanager.simulation.caller import Caller
from flowmanager.simulation.script import Hangup, Press, Resume, Silence, Step
from flowmanager.simulation.thread import Acts

LISTENS, SILENT, MACHINE = "listens", "is silent", "is a machine"
PLAYING = frozenset({"amd", "beep", "digits_send", "echo", "play", "stream_echo", "talk"})
"""Types of actions that take their time, in the middle of which the caller hangs up."""
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
            for step in self.decision():
                self.draft.step(step)
                yield from self.perform(step)
                self.rested = self.office.recorder.now

    def undecided(self) -> bool:
        """Say whether the flow waits at an action that nothing was decided about."""
        waits = self.flow.state in (State.WAITING, State.BLOCKED)
        return waits and self.flow.executed_count not in self.decided

    def decision(self) -> Sequence[Step]:
        """Return what to do, one step after the other."""
        action = self.flow.current_action
        label = self.office.recorder.labels.of(action.id, action.type)
        options = self.options()
        taken = self.choose("caller", label, tuple(options))
        if taken == MACHINE:
            self.draft.values["amd"] = "machine"
            self.office.peers.recognize_machine(self.call_id, action.option or {})
        return options[taken]

    def options(self) -> dict[str, Sequence[Step]]:
        """Return what can be done here, the most telling first."""
        if self.flow.state is State.BLOCKED:
            return {CONTINUES: [Resume()], STAYS: []}
        leaves: dict[str, Sequence[Step]] = {}
        if self.may_leave():
            leaves[HANGS_UP] = [self.hangup_here(self.middle())]
        if self.asked_for_keys():
            option = self.flow.current_action.option or {}
            length = option.get("length")
            keys = self.hints.keys_for(length if isinstance(length, int) else 1)
            pressed = {f"presses {one}": self.pressing(one) for one in keys}
            if leaves and len(keys[0]) > 1:
                leaves[HANGS_UP_TYPING] = [Press(keys=keys[0][0]), Hangup()]
            return {**pressed, SILENT: [Silence(seconds=None)] if self.waits_for_keys() else [], **leaves}
        if self.flow.current_action.type == "amd":
            return {LISTENS: [], MACHINE: [], **leaves}
        return {LISTENS: [], **leaves}

    def pressing(self, keys: str) -> Sequence[Step]:
        """Return the steps that press keys; when they are not enough, nothing more is pressed until the time is up."""
        action = self.flow.current_action
        enough = True
        if action.type == "digits_receive":
            option = load_option(real_executors()[action.type].option, action.option)
            enough = complete(option, self.flow.variables.get(DIGITS, "") + keys)
        return [Press(keys=keys)] if enough else [Press(keys=keys), Silence(seconds=None)]

    def may_leave(self) -> bool:
        """Say whether the call can end here. What a service repeats is as good as its first time."""
        if self.flow.reference_type is not ReferenceType.CALL or self.flow.after_reference:
            return False
        recorder, action = self.office.recorder, self.flow.current_action
        return not self.flow.stack_depth or recorder.entered.count(recorder.labels.of(action.id, action.type)) == 1

    def waits_for_keys(self) -> bool:
        """Say whether silence can run out here: a text that is said ends by itself."""
        return self.flow.current_action.type == "digits_receive"

    def middle(self) -> float:
        """Return when an action that plays or records something is half over, in seconds; 0 for all others."""
        action = self.flow.current_action
        length = self.office.peers.media_seconds(action.type, action.option or {}) if action.type in PLAYING else 0.0
        return round((length or 0.0) / 2, 1)

    def leave_after(self, seconds: float) -> None:
        """Hang up in the middle of what happens now, and write it down."""
        step = self.hangup_here(seconds)
        self.draft.step(step)
        self.office.peers.after(seconds, self.leave)

    def leave(self) -> None:
        """Hang up."""
        self.tell("hangs up")
        self.office.peers.hang_up(self.call_id)

    def hangup_here(self, after: float) -> Hangup:
        """Return the end of the call at this place, some seconds from now."""
        recorder = self.office.recorder
        label = recorder.labels.of(self.flow.current_action.id, self.flow.current_action.type)
        first = label in recorder.labels.main and recorder.entered.count(label) == 1
        return Hangup(at=label, after=after) if first else Hangup(after=recorder.now - self.rested + after)
