"""The shell step type: its parameters, what data may become in them, and how a command is run."""

from engine.steps.shell.parameters import ShellParameters
from engine.steps.shell.step import Shell, ShellSettings

__all__ = ["Shell", "ShellParameters", "ShellSettings"]
