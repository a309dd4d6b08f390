"""What data may not become in a command: an option, a line of its own, a variable that runs code.

All of it is refused before anything is started, in a run and in a rehearsal, with one sentence.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.playbooks.load import Loader
from engine.playbooks.playbook import Step
from engine.playbooks.template import RenderError
from engine.problem import EngineError
from engine.processes.warden import Warden
from engine.runs.rendering import rendered, rendering_error
from engine.steps.shell import Shell, ShellSettings
from engine.steps.shell.data import runs_code

SHELL = Shell(ShellSettings({}, Path("/"), 1000, Warden("offline", print)))
DASH = (
    "begins with '-', so that the command may take it for an option "
    '(put "--" before it in the list if the command knows that, or say `allow_dash: true`)'
)
LINE = (
    "has a line break in it, which data does not bring into an argument "
    "(hand such a text over by `env` or `stdin`)"
)


def a_step(shell: str) -> Step:
    text = (
        f"name: x\ntrigger: {{}}\nvars: {{a: '{{{{ labels.a }}}}'}}\nsteps:\n  - shell: {shell}\n"
    )
    return Loader({"shell": SHELL}).load(text, "x.yaml").steps[0]


def said_of(shell: str, value: object = "-rf", **document: Any) -> str | None:
    """Why the step fails over a label `a`; None where it does not."""
    labels = {"a": value}
    seen = {"labels": labels, "vars": labels, "config": {}, "secrets": {}, **document}
    try:
        rendered(a_step(shell), SHELL, seen)
    except RenderError as error:
        return rendering_error(a_step(shell), error)
    return None


# Options


@pytest.mark.parametrize(
    "argument",
    [
        '"{{ labels.a }}"',
        '"{{ vars.a }}"',  # nobody knows any more where it came from
        '"{{ labels.a }} and more"',
        '"{{ labels.a | trim }}"',
        '"{% if labels.a %}-x{% endif %}"',
        '"{{ config.x }}{{ labels.a }}"',
        '"-{{ labels.a }}"',  # data would say which option
        '"--{{ labels.a }}=1"',
        '"--ho{{ labels.a }}"',
    ],
)
def test_an_argument_of_data_is_no_option(argument: str) -> None:
    assert said_of(f"[rm, {argument}]", config={"x": ""}) == f"shell.argv.1: {DASH}"


@pytest.mark.parametrize("value", ["-", "--", "-1", -1, "-n web-1"])
def test_whatever_begins_with_a_dash_may_be_one(value: object) -> None:
    assert said_of('[rm, a, "{{ labels.a }}"]', value) == f"shell.argv.2: {DASH}"


@pytest.mark.parametrize(
    "shell",
    [
        '[rm, --, "{{ labels.a }}"]',
        '[rm, -r, --, x, "{{ labels.a }}"]',
        '{ argv: [rm, "{{ labels.a }}"], allow_dash: true }',
        '[rm, "--host={{ labels.a }}"]',
        '[rm, "-n{{ labels.a }}"]',
        '[rm, "-Dhost={{ labels.a }}"]',
        '[rm, "x{{ labels.a }}"]',
        "[rm, -rf]",
        "[rm, -1]",
        '{ argv: [rm], env: { A: "{{ labels.a }}" }, stdin: "{{ labels.a }}", cwd: "{{ labels.a }}" }',
    ],
)
def test_what_the_playbook_writes_itself_is_its_own(shell: str) -> None:
    assert said_of(shell) is None


def test_what_config_says_may_be_an_option() -> None:
    assert said_of('[rm, "{{ config.flag }}"]', config={"flag": "-rf"}) is None
    chosen = '[rm, "{{ config[labels.a] }}"]'
    assert said_of(chosen, "flag", config={"flag": "-rf"}) == f"shell.argv.1: {DASH}"


@pytest.mark.parametrize("before", ['"{{ labels.dashes }}"', '"--{{ labels.nothing }}"'])
def test_two_dashes_out_of_data_end_no_options(before: str) -> None:
    labels = {"dashes": "--", "nothing": "", "a": "-rf"}
    said = said_of(f'[rm, {before}, "{{{{ labels.a }}}}"]', labels=labels)
    assert said == f"shell.argv.1: {DASH}"


def test_behind_the_two_dashes_that_come_later_nothing_is_safe() -> None:
    assert said_of('[rm, "{{ labels.a }}", --]') == f"shell.argv.1: {DASH}"
    assert said_of('[--, "{{ labels.a }}"]'.replace("--,", "rm,")) == f"shell.argv.1: {DASH}"


def test_each_item_of_a_list_out_of_data_is_data() -> None:
    whole = '{ argv: "{{ labels.a }}" }'
    assert said_of(whole, ["rm", "--", "x"]) == f"shell.argv.1: {DASH}"
    assert said_of(whole, ["rm", "x\ny"]) == f"shell.argv.1: {LINE}"
    assert said_of(whole, ["rm", "x"]) is None
    assert said_of('{ argv: "{{ labels.a }}", allow_dash: true }', ["rm", "--", "-x"]) is None


# Lines


@pytest.mark.parametrize("value", ["a\nb", "a\n", "\r", "a\r\nb"])
def test_data_brings_no_line_break_into_an_argument(value: str) -> None:
    assert said_of('[rm, "x{{ labels.a }}"]', value) == f"shell.argv.1: {LINE}"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a\tb", "a tab"),
        ("\x1b[2J", r"the control character '\x1b'"),
        ("\x7f", r"the control character '\x7f'"),
        ("\x9b2J", r"the control character '\x9b'"),
    ],
)
def test_other_control_characters_are_named(value: str, name: str) -> None:
    assert said_of('[rm, "{{ labels.a }}"]', value) == (
        f"shell.argv.1: has {name} in it, which data does not bring into an argument "
        "(hand such a text over by `env` or `stdin`)"
    )
    as_command = said_of('["{{ labels.a }}"]', value)
    assert as_command is not None
    assert as_command.startswith(f"shell.argv.0: has {name} in it")


def test_a_nul_is_refused_wherever_it_ends_a_text() -> None:
    for shell in ('[rm, "{{ labels.a }}"]', '{ script: id, env: { A: "{{ labels.a }}" } }'):
        said = said_of(shell, "a\0b")
        assert said is not None
        assert said.endswith("cannot hold a NUL character")


def test_where_the_playbook_writes_lines_data_may_bring_some() -> None:
    query = '[psql, -c, "SELECT 1\\n  WHERE {{ labels.a }}"]'
    assert said_of(query, "x\ny") is None
    assert said_of(query, "x\ty") == (
        "shell.argv.2: has a tab in it, which data does not bring into an argument "
        "(hand such a text over by `env` or `stdin`)"
    )
    assert said_of('[python3, -c, "import os\\n\\tprint(1)"]') is None


def test_an_environment_takes_lines_and_no_other_control_characters() -> None:
    shell = '{ script: id, env: { A: "{{ labels.a }}" } }'
    assert said_of(shell, "a\r\n\tb") is None
    assert said_of(shell, "\x1b[2J") == (
        r"shell.env.A: has the control character '\x1b' in it, which data does not bring into an "
        "environment (`stdin` takes any text)"
    )


def test_an_input_takes_everything() -> None:
    assert said_of('{ argv: [cat], stdin: "{{ labels.a }}" }', "\0\x1b\n\t-") is None


def test_a_folder_takes_no_control_character() -> None:
    assert said_of('{ argv: [ls], cwd: "/srv/{{ labels.a }}" }', "a\nb") == (
        "shell.cwd: has a line break in it"
    )


# The command


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty, and there is no such command"),
        ("-bash", "begins with '-', and no command does"),
        (
            "../rm",
            "is a relative path that comes from data (use the name of a command, or a whole path)",
        ),
        ("rm -rf", None),  # there is no command of this name
        ("rm", None),
        ("/bin/rm", None),
    ],
)
def test_a_command_out_of_data_is_a_name_or_a_whole_path(value: str, said: str | None) -> None:
    expected = said and f"shell.argv.0: {said}"
    assert said_of('{ argv: ["{{ labels.a }}"], allow_dash: true }', value) == expected


def test_what_config_names_may_be_a_path_of_any_kind() -> None:
    assert said_of('["{{ config.tool }}"]', config={"tool": "./tool"}) is None


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ('[""]', "'argv[0]' is empty, and there is no such command"),
        ("[-x]", "'argv[0]' begins with '-', and no command does"),
    ],
)
def test_a_command_that_is_written_wrong_is_found_at_load(argv: str, said: str) -> None:
    with pytest.raises(EngineError, match="no-command") as refused:
        a_step(argv)
    assert [problem.message for problem in refused.value.problems] == [said]


# Variables


@pytest.mark.parametrize(
    "name",
    [
        *(
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "BASH_ENV",
            "ENV",
            "IFS",
            "PYTHONPATH",
            "PERL5OPT",
        ),
        *("NODE_OPTIONS", "GIT_SSH_COMMAND", "DYLD_INSERT_LIBRARIES", "BASH_FUNC_ls%%", "HOME"),
        *("EDITOR", "MANPAGER", "RUBYOPT", "JAVA_TOOL_OPTIONS", "PROMPT_COMMAND"),
    ],
)
def test_no_data_in_a_variable_that_decides_what_is_run(name: str) -> None:
    with pytest.raises(EngineError) as refused:
        a_step(f'{{ script: id, env: {{ "{name}": "x{{{{ labels.a }}}}" }} }}')
    (problem,) = refused.value.problems
    assert (problem.code, problem.message) == (
        "env-runs-code",
        f"'env.{name}' decides what is run, and its value would come from data",
    )
    a_step(f'{{ script: id, env: {{ "{name}": /opt/x }} }}')
    a_step(f'{{ script: id, env: {{ "{name}": "{{{{ config.x }}}}" }} }}')


@pytest.mark.parametrize(
    "name", ["MOUNT", "NODE_NAME", "GIT_COMMIT", "ENVIRONMENT", "MY_PATH", "path"]
)
def test_other_variables_are_for_data(name: str) -> None:
    assert not runs_code(name)


def test_names_out_of_data_are_looked_at_when_they_are_known() -> None:
    shell = '{ script: id, env: "{{ labels.a }}" }'
    assert said_of(shell, {"MOUNT": "/"}) is None
    assert said_of(shell, {"LD_PRELOAD": "/srv/x.so"}) == (
        "shell.env.LD_PRELOAD: decides what is run, and its value would come from data "
        "(write it out or take it from `config`, or use a name of your own)"
    )


# Secrets


SECRET = (
    "would show a secret to every user of the machine, in the list of processes",
    "hand it over by `env` or `stdin`, or say `secrets_in_argv: true`",
)


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        ('[login, "{{ secrets.T }}"]', "argv[1]"),
        ("[login, -u, x, \"--token={{ secrets['T'] | trim }}\"]", "argv[3]"),
        ('["{{ secrets.T }}"]', "argv[0]"),
        ("\"{{ ['login', secrets.T] }}\"", "argv"),
    ],
)
def test_a_secret_is_no_argument_unless_the_step_says_so(argv: str, place: str) -> None:
    with pytest.raises(EngineError) as refused:
        a_step(f"{{ argv: {argv} }}")
    (problem,) = refused.value.problems
    assert (problem.code, problem.message, problem.hint) == (
        "secret-in-argv",
        f"'{place}' {SECRET[0]}",
        SECRET[1],
    )
    a_step(f"{{ argv: {argv}, secrets_in_argv: true }}")


def test_a_secret_may_be_in_the_environment_and_in_the_input() -> None:
    given = '{ argv: [login], env: { T: "{{ secrets.T }}" }, stdin: "{{ secrets.T }}" }'
    assert said_of(given, secrets={"T": "-hunter2"}) is None


@pytest.mark.parametrize("flag", ["allow_dash", "secrets_in_argv"])
def test_the_words_that_let_things_pass_are_constants(flag: str) -> None:
    with pytest.raises(EngineError, match=f"'{flag}' takes true or false"):
        a_step(f'{{ argv: [id], {flag}: "{{{{ labels.a }}}}" }}')


# Any data


@given(st.text(), st.sampled_from(["{}", "x{}", "--host={}", "{}{{{{ labels.a }}}}"]))
@settings(max_examples=500, deadline=None)
def test_no_data_becomes_an_option_or_a_second_line(value: str, form: str) -> None:
    text = form.format("{{ labels.a }}")
    said = said_of(f'[rm, "{text}"]', value)
    if said is None:
        assert not value.startswith("-") or not form.startswith("{}")
        assert all(ord(character) >= 32 for character in value)
    else:
        assert value.startswith("-") or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value)
