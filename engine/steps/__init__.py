"""The step types: what a playbook's steps can be. One file each; none knows another."""

from collections.abc import Callable
from typing import Any

import aiohttp

from engine.flashduty.client import FlashdutyClient
from engine.playbooks.step_type import StepType
from engine.steps.approve import Approve
from engine.steps.flashduty import Flashduty
from engine.steps.http import Http, HttpSettings
from engine.steps.set import Set
from engine.steps.shell import Shell, ShellSettings
from engine.steps.stop import Stop
from engine.steps.wait import Wait


def step_types(
    *,
    session: Callable[[], aiohttp.ClientSession],
    flashduty: FlashdutyClient,
    shell: ShellSettings,
    http: HttpSettings,
) -> dict[str, StepType[Any]]:
    """Every step type, by the key that names it in a playbook. A new one is one line here."""
    return {
        "http": Http(session, http),
        "shell": Shell(shell),
        "flashduty": Flashduty(flashduty),
        "wait": Wait(),
        "set": Set(),
        "stop": Stop(),
        "approve": Approve(),
    }
