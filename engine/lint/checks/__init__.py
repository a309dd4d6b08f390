"""Every check, by the code that it reports. A new one is a file and a line here."""

from collections.abc import Mapping
from typing import Final

from engine.lint.check import Check
from engine.lint.checks import (
    bad_pattern,
    beyond_timeout,
    constant_condition,
    double_quoted_name,
    event_data_as_command,
    event_data_as_host,
    event_data_as_option,
    literal_secret,
    number_and_text,
    refused_by_config,
    retry_repeats,
    retry_without_effect,
    same_action,
    secret_in_set,
    trigger_never,
    undeclared_config,
    undeclared_input,
    undeclared_secret,
    unguarded_destruction,
    unknown_event,
    unknown_field,
    unknown_step,
    unknown_var,
    unknown_word,
    unreachable_step,
)

CHECKS: Final[Mapping[str, Check]] = {
    check.code: check
    for check in (
        # conditions and templates
        double_quoted_name.CHECK,
        unknown_field.CHECK,
        unknown_word.CHECK,
        unknown_event.CHECK,
        unknown_var.CHECK,
        unknown_step.CHECK,
        undeclared_config.CHECK,
        undeclared_input.CHECK,
        undeclared_secret.CHECK,
        secret_in_set.CHECK,
        constant_condition.CHECK,
        bad_pattern.CHECK,
        number_and_text.CHECK,
        event_data_as_command.CHECK,
        event_data_as_host.CHECK,
        event_data_as_option.CHECK,
        literal_secret.CHECK,
        # triggers and steps
        trigger_never.CHECK,
        same_action.CHECK,
        unreachable_step.CHECK,
        refused_by_config.CHECK,
        retry_repeats.CHECK,
        retry_without_effect.CHECK,
        unguarded_destruction.CHECK,
        beyond_timeout.CHECK,
    )
}
