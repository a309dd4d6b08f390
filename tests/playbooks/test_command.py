"""A command that is copied into a shell does the same as the step: word for word."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.playbooks.command import Command, quoted
from engine.playbooks.deferred import Unknown

SECRETS = frozenset({"TOKEN", "TOKEN_2"})
ENVIRON = {"TOKEN": 'a $(b) "c"', "TOKEN_2": "d", "PATH": "/usr/bin:/bin", "HOME": "/nowhere"}


def words(line: str) -> list[str]:
    """What a shell makes of it, one word each."""
    script = f"for word in {line}; do printf '%s\\0' \"$word\"; done"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, check=True, env=ENVIRON)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("es.nj.01", "es.nj.01"),
        ("a b", "'a b'"),
        ("", "''"),
        ("it's", "'it'\\''s'"),
        ("$HOME", "'$HOME'"),
        ("‹steps.a.body›", "‹steps.a.body›"),
        ("{a,b}", "'{a,b}'"),
        ("Bearer $TOKEN", '"Bearer $TOKEN"'),
        ("$TOKEN_2!", "\"$TOKEN_2\"'!'"),
        ("$TOKENx", '"${TOKEN}x"'),
        ('{"key":"$TOKEN"}', '\'{"key":"\'"$TOKEN"\'"}\''),
        ("$TOKEN$TOKEN_2", '"$TOKEN$TOKEN_2"'),
    ],
)
def test_a_word_is_literal_but_for_secrets(text: str, word: str) -> None:
    assert quoted(text, SECRETS) == word


TEXTS = st.lists(
    st.sampled_from([*"a 'b\"$`\\!~*?[]{}()<>|&;#=\n\té‹", "$TOKEN", "$TOKEN_2"]), max_size=12
).map("".join)


@given(st.lists(TEXTS, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_shell_reads_each_word_back_with_its_secrets(texts: list[str]) -> None:
    line = " ".join(quoted(text, SECRETS) for text in texts)
    wanted = [
        text.replace("$TOKEN_2", "\0").replace("$TOKEN", ENVIRON["TOKEN"]).replace("\0", "d")
        for text in texts
    ]
    assert words(line) == wanted


@given(st.lists(TEXTS, min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_where_there_are_no_secrets_nothing_is_expanded(texts: list[str]) -> None:
    assert words(" ".join(quoted(text, frozenset()) for text in texts)) == texts


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (Command(("ls", "a b")), "ls 'a b'"),
        (Command(("a=b", "c")), "'a=b' c"),
        (Command(("ls",), {"M": "a b", "T": "$TOKEN"}), "M='a b' T=\"$TOKEN\" ls"),
        (Command(("ls",), {"k8s-app": "x"}), "env k8s-app=x ls"),
        (Command(("cat",), stdin="a\nb"), "printf %s 'a\nb' | cat"),
        (
            Command(("cat",), {"A": "1"}, "/var/a b", "x"),
            "cd '/var/a b' && printf %s x | A=1 cat",
        ),
    ],
)
def test_a_command_is_one_line(command: Command, line: str) -> None:
    assert command.typed(SECRETS) == line


def test_what_is_not_known_yet_stands_there_by_its_name() -> None:
    unknown = Unknown("steps.a.argv")
    assert Command.of(unknown, unknown, unknown, unknown).typed() == (
        "cd ‹steps.a.argv› && printf %s ‹steps.a.argv› | env ‹steps.a.argv›='' ‹steps.a.argv›"
    )
    assert Command.of(["ls", unknown]) == Command(("ls", "‹steps.a.argv›"))
