"""Variables of activeflows from outside: read, set, delete, substitute."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flowmanager.core import machine
from flowmanager.core.frozen import frozen
from flowmanager.core.ids import Id
from flowmanager.core.variables import REFERENCE_DATA, Variables, is_own, names_in, substitute_within
from flowmanager.orchestrator import record
from flowmanager.orchestrator.claims import locked
from flowmanager.orchestrator.engine import Engine, Work
from flowmanager.orchestrator.fold import needs_reference
from flowmanager.orchestrator.lifecycle import found
from flowmanager.orchestrator.reference import ask_reference, with_reference
from flowmanager.ports import Transaction
from flowmanager.schemas.wire import Wire, variables_wire


@frozen
class VariableStore:
    """Variables change only under the activeflow's lock: two writers never lose a write."""

    engine: Engine

    def get(self, work: Work, activeflow_id: Id) -> Wire:
        """Show all variables. Raises ActiveflowNotFound."""
        return work.look(lambda transaction: variables_wire(found(transaction, activeflow_id)))

    def set(self, work: Work, activeflow_id: Id, changes: Variables) -> None:
        """Set variables; each value may refer to what is stored before. Raises ActiveflowNotFound, VariableLimit."""
        extra = self.reference(work, activeflow_id, changes) if REFERENCE_DATA in names_in(changes) else {}
        work.commit(partial(self.changed, work, activeflow_id, changes, extra))

    def reference(self, work: Work, activeflow_id: Id, changes: Variables) -> Variables:
        """Return the reference's data as a variable, asked outside any transaction."""
        flow = work.look(lambda transaction: found(transaction, activeflow_id))
        return {REFERENCE_DATA: ask_reference(work, flow)} if needs_reference(changes, flow.variables) else {}

    def changed(
        self, work: Work, activeflow_id: Id, changes: Variables, extra: Variables, transaction: Transaction
    ) -> None:
        """Set variables inside a transaction. `extra` are variables that the values may refer to, too."""
        flow = locked(transaction, activeflow_id)
        known = {**extra, **flow.variables}
        limit = self.engine.limits.option_characters
        values = {key: substitute_within(value, known, limit=limit) for key, value in changes.items()}
        changed = machine.set_variables(flow, values, limits=self.engine.limits)
        if changed is not flow:
            record.save_silently(transaction, machine.Change(changed))
        work.answer(transaction)

    def delete(self, work: Work, activeflow_id: Id, key: str) -> None:
        """Delete a variable; one that is not there is no error. Raises ActiveflowNotFound."""
        work.commit(partial(self.without, work, activeflow_id, key))

    def without(self, work: Work, activeflow_id: Id, key: str, transaction: Transaction) -> None:
        """Delete a variable inside a transaction; those of the activeflow itself stay."""
        flow = locked(transaction, activeflow_id)
        if key in flow.variables and not is_own(key):
            rest: Mapping[str, str] = {name: value for name, value in flow.variables.items() if name != key}
            record.save_silently(transaction, machine.Change(flow.evolve(variables=rest)))
        work.answer(transaction)

    def substitute(self, work: Work, activeflow_id: Id, text: str) -> str:
        """Return a text with its placeholders replaced; nothing is stored. Raises ActiveflowNotFound."""
        flow = work.look(lambda transaction: found(transaction, activeflow_id))
        limit = self.engine.limits.option_characters
        return substitute_within(text, with_reference(work, flow, text), limit=limit)
