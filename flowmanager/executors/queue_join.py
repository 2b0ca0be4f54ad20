"""`queue_join`: put the call into a queue and run the queue's wait flow until an agent answers."""

from __future__ import annotations

from functools import partial

from flowmanager.core.outcomes import Outcome, Push
from flowmanager.executor import Media, Task, executor
from flowmanager.managers.managers import Managers
from flowmanager.schemas.fields import Uuid
from flowmanager.schemas.options import Option


class QueueJoinOption(Option):
    """The options of `queue_join`."""

    examples = ({"queue_id": "5c6f0a4e-0d7b-4b8e-9a51-3f2f6f1c7d10"},)

    queue_id = Uuid(about="The queue.")


@executor("queue_join", option=QueueJoinOption, media=Media.RTC)
def queue_join(task: Task, managers: Managers) -> Outcome:
    """Start the service and push its actions; only then say that the call waits: an agent may be found at once."""
    service = managers.queue.start_queuecall(task.activeflow, task.option["queue_id"])
    return Push(service.id, service.push_actions, follow_up=partial(managers.queue.set_waiting, service.id))
