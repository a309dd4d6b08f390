"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.config.config import Config
from engine.config.load import find_config, load_config, read_config

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """`--config`."""
    return click.option(
        "--config",
        "config_path",
        metavar="FILE",
        help="config.yaml to go by.  [default: $ENGINE_CONFIG, then ./config.yaml]",
    )(command)


def format_option(command: F) -> F:
    """`--format text|json`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json has stable keys, for programs.  [default: text]",
    )(command)


def load(config_path: str | None) -> Config:
    """The config, for a command that acts."""
    return load_config(find_config(config_path, os.environ), os.environ)


def load_offline(config_path: str | None) -> Config:
    """The config, for a command that only looks: without secrets, and without a file if need be."""
    path = find_config(config_path, os.environ)
    if config_path is None and "ENGINE_CONFIG" not in os.environ and not path.exists():
        return read_config("", Path.cwd() / "config.yaml", {}, offline=True)
    return load_config(path, os.environ, offline=True)
