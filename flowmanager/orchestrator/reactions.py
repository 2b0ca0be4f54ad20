"""What a signal does to an activeflow: nothing, a change while it goes on waiting, or the end of its wait."""

from __future__ import annotations

from flowmanager.core import machine
from flowmanager.core.activeflow import Activeflow, Driver, EndedReason, State, StepResult
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.machine import Command
from flowmanager.core.outcomes import Hold
from flowmanager.core.signals import Signal, SignalKind
from flowmanager.core.suspension import postpone
from flowmanager.errors import FlowManagerError
from flowmanager.orchestrator.fold import Fold, Progress, executor_of, task_of
from flowmanager.orchestrator.option_text import option_text


@frozen
class Reaction:
    """Applies signals to the activeflow of a turn. None means that the signal changes nothing."""

    fold: Fold

    def apply(self, progress: Progress, signal: Signal) -> Progress | None:
        """Apply one signal."""
        flow = progress.flow
        if flow.over:
            return None
        if signal.kind is SignalKind.REFERENCE_ENDED:
            if flow.after_reference:
                return None  # it began because the reference had ended: the same news, told again, is not its end
            return progress.with_change(machine.end(flow, EndedReason.REFERENCE_ENDED, self.fold.moment(progress)))
        if flow_rests(flow) and signal.kind is not SignalKind.SERVICE_DONE:
            return None
        if signal.kind is SignalKind.VARIABLES:
            return self.set_variables(progress, signal)
        if signal.kind is SignalKind.SERVICE_DONE:
            return self.release(progress, signal)
        return self.wake(progress, signal)

    def set_variables(self, progress: Progress, signal: Signal) -> Progress:
        """Set the variables that the event brings."""
        flow = machine.set_variables(progress.flow, signal.variables, limits=self.fold.limits)
        return progress.evolve(flow=machine.hear(flow, signal.cause))

    def release(self, progress: Progress, signal: Signal) -> Progress | None:
        """Release the service's frame; a flow that nobody pulls goes on behind it at once."""
        service_id = service_of(progress.flow, signal)
        if service_id is None:
            return None
        released = progress.evolve(flow=machine.release(progress.flow, service_id))
        if signal.variables:
            released = self.set_variables(released, signal)
        if flow_rests(released.flow):
            return released.evolve(flow=postpone(released.flow) or released.flow)
        if not waits_for_us(released.flow):
            return released
        return self.resume(released, StepResult.INTERRUPTED)

    def wake(self, progress: Progress, signal: Signal) -> Progress | None:
        """Let an event about the action that was sent out, or a jump that is due now, end the wait."""
        flow = progress.flow
        if flow.state is State.EXECUTING:
            return self.keep(progress, signal)
        if signal.kind is SignalKind.FORWARD:
            return self.resume(progress, StepResult.INTERRUPTED) if waits_for_us(flow) else None
        if not pushed(flow) or not about(flow, signal):
            return None
        return self.ask_executor(progress, signal)

    def keep(self, progress: Progress, signal: Signal) -> Progress | None:
        """Keep a signal that came while an executor is running; a flood of them is cut off."""
        early = progress.flow.early_signals
        if len(early) >= self.fold.limits.early_signals:
            return None
        return progress.evolve(flow=progress.flow.evolve(early_signals=(*early, signal)))

    def ask_executor(self, progress: Progress, signal: Signal) -> Progress | None:
        """Let the current action's executor say what the event means."""
        flow = progress.flow
        executor = executor_of(self.fold.executors, flow.current_action.type)
        outcome = executor.on_signal(task_of(flow, executor, option_text(flow.current_action), self.fold.now), signal)
        if outcome is None:
            return None
        if isinstance(outcome, Hold):
            changed = machine.set_variables(flow, outcome.variables, limits=self.fold.limits)
            return progress.evolve(flow=machine.hear(changed, signal.cause))
        resumed = self.resumed(progress)
        return self.fold.settle(resumed, outcome) if not resumed.flow.over else resumed

    def resume(self, progress: Progress, result: StepResult) -> Progress:
        """End the wait, whatever it was for."""
        resumed = self.resumed(progress)
        if resumed.flow.over or resumed.flow.tm_execute is None:
            return resumed
        return resumed.with_change(machine.leave(resumed.flow, result, self.fold.moment(progress)))

    def resumed(self, progress: Progress) -> Progress:
        """Return the turn with the activeflow executing again."""
        moment = self.fold.moment(progress)
        change = machine.resume(progress.flow, Command.SIGNAL, moment, limits=self.fold.limits)
        return progress.with_change(change)

    def replay(self, progress: Progress) -> Progress:
        """Apply the signals that were kept while the executor ran, as long as the flow waits for them."""
        early = progress.flow.early_signals
        if not early or progress.talks:
            return progress
        progress = progress.evolve(flow=progress.flow.evolve(early_signals=()))
        for signal in early:
            if progress.flow.state is not State.WAITING:
                return progress
            progress = self.attempt(progress, signal)
        return progress

    def attempt(self, progress: Progress, signal: Signal) -> Progress:
        """Apply a kept signal; one that cannot be applied is dropped."""
        try:
            return self.apply(progress, signal) or progress
        except FlowManagerError:
            return progress


def flow_rests(flow: Activeflow) -> bool:
    """Say whether another activeflow is on top of this one."""
    return flow.state is State.SUSPENDED


def waits_for_us(flow: Activeflow) -> bool:
    """Say whether the flow waits for something other than its caller's next request."""
    if flow.state is State.BLOCKED:
        return True
    return flow.state is State.WAITING and flow.wait is not None and flow.wait.driver is not Driver.PULL


def pushed(flow: Activeflow) -> bool:
    """Say whether the flow waits for the completion of an action that was sent out."""
    return flow.state is State.WAITING and flow.wait is not None and flow.wait.driver is Driver.PUSH


def about(flow: Activeflow, signal: Signal) -> bool:
    """Say whether a signal can concern the current action."""
    if signal.action_id is not None and signal.action_id != flow.current_action.id:
        return False
    return not signal.action_types or flow.current_action.type in signal.action_types


def service_of(flow: Activeflow, signal: Signal) -> Id | None:
    """Return the frame of the service that is over: by its id, else the nearest one that such an action pushed."""
    if signal.service_id is not None:
        return signal.service_id if signal.service_id in flow.stacks.frames else None
    top = flow.forward.stack_id if flow.forward else flow.cursor.stack_id
    for frame in flow.stacks.chain(top):
        pusher = flow.stacks.action(frame.returns.place) if frame.returns else None
        if pusher is not None and pusher.type in signal.action_types:
            return frame.id
    return None
