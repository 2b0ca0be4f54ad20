"""A call flow of six actions that a caller hears and answers."""

from __future__ import annotations

from bench.flows import act, talk

IVR = (
    act("answer"),
    talk("Welcome to the support line, ${voipbin.call.source.target}."),
    act("digits_receive", duration=3000, length=1),
    act("variable_set", key="menu.choice", value="${voipbin.call.digits}"),
    talk("You pressed ${menu.choice}."),
    act("hangup"),
)

SPOKEN = (*IVR[:2], talk("Nobody has to press anything."), *IVR[3:])
"""The same without waiting for keys, which takes the time it takes."""
