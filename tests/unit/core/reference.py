"""A second, simpler account of what is still to run: lists of action ids on top of each other."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from flowmanager.core.ids import Id


@dataclass
class Layer:
    """The actions of one frame and the position of the next one."""

    stack_id: Id
    ids: list[Id]
    position: int = 0
    chosen: bool = False
    """A jump has chosen the next action: nothing that is inserted comes before it."""


@dataclass
class Reference:
    """What is to run: layers, innermost last; those from number `begun` on have not begun."""

    layers: list[Layer]
    begun: int = 1
    standing: list[Layer] = field(default_factory=list)
    """The layers as they were before any jump that was not made yet."""

    def __post_init__(self) -> None:
        """Stand before the first action."""
        self.standing = deepcopy(self.layers)

    @property
    def remaining(self) -> list[Id]:
        """Return everything that will run if nothing more happens."""
        return [action_id for layer in reversed(self.layers) for action_id in layer.ids[layer.position :]]

    def step(self) -> Id | None:
        """Take the next action."""
        while self.layers and self.layers[-1].position >= len(self.layers[-1].ids):
            self.layers.pop()
        if not self.layers:
            return None
        top = self.layers[-1]
        top.position, top.chosen, self.begun = top.position + 1, False, len(self.layers)
        self.standing = deepcopy(self.layers)
        return top.ids[top.position - 1]

    def push(self, stack_id: Id, ids: list[Id]) -> None:
        """Put a layer on top."""
        self.layers.append(Layer(stack_id, list(ids)))

    def jump(self, target_id: Id) -> bool:
        """Leave the layers above the target, but for those that have not begun; say whether there is the target."""
        pending = len(self.layers) > self.begun
        layers = self.layers if pending else deepcopy(self.standing)
        number = next((n for n in reversed(range(len(layers))) if target_id in layers[n].ids), None)
        if number is None:
            return False
        layers[number].position, layers[number].chosen = layers[number].ids.index(target_id), True
        waiting = layers[max(self.begun, number + 1) :] if pending else []
        self.layers = layers[: number + 1] + waiting
        self.begun = min(self.begun, number + 1) if pending else number + 1
        return True

    def insert(self, stack_id: Id, after: Id, ids: list[Id]) -> None:
        """Insert actions; they are next unless a jump has chosen another one."""
        for layer in [*self.layers, *self.standing]:
            if layer.stack_id == stack_id:
                cut = layer.ids.index(after) + 1
                layer.ids[cut:cut] = ids
                if layer.position > cut or (layer.position == cut and layer.chosen):
                    layer.position += len(ids)

    def release(self, stack_id: Id) -> None:
        """Forget a layer and all above it."""
        self.layers, self.standing = below(self.layers, stack_id), below(self.standing, stack_id)
        self.begun = min(self.begun, len(self.layers))


def below(layers: list[Layer], stack_id: Id) -> list[Layer]:
    """Return the layers below one; all when it is not among them."""
    number = next((n for n, one in enumerate(layers) if one.stack_id == stack_id), len(layers))
    return layers[:number]
