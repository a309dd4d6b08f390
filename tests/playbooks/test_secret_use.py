"""A template cannot make a text of a secret that the redactor would not know again."""

import pytest

from engine.playbooks.template import Templates, TemplateSyntaxError
from engine.runs.redaction import Redactor

SECRET = "p/ss <w&rd>'\"é"
TEMPLATES = Templates()


@pytest.mark.parametrize(
    "source",
    [
        "{{ secrets.A }}",
        "{{ secrets['A'] }}",
        "Bearer {{ secrets.A }}",
        "{{ 'Bearer ' ~ secrets.A }}",
        "{{ 'Bearer ' + secrets.A }}",
        "{{ secrets.A | default('x') }}",
        "{{ nothing | default(secrets.A) }}",
        "{{ secrets.A | urlencode }}",
        "{{ secrets.A | tojson }}",
        "{{ secrets.A | e }}",
        "{{ {'token': secrets.A} | tojson }}",
        "{{ {'token': secrets.A, 'of': ['x', secrets.A]} }}",
        "{{ [secrets.A, 'x'] | join('&') }}",
        "{{ ['x', 'y'] | join(secrets.A) }}",
        "{{ secrets.A if yes else 'x' }}",
        "{{ 'x' if secrets.A == 'y' else secrets.A }}",
        "{% if secrets.A is defined %}{{ secrets.A }}{% endif %}",
        "{% for a in [1] %}{{ secrets.A }}{% endfor %}",
        "{{ no or secrets.A }}",
    ],
)
def test_what_a_secret_stands_is_masked_wherever_it_goes(source: str) -> None:
    redactor = Redactor()
    redactor.learn(SECRET)
    made = TEMPLATES.parse(source).render({"secrets": {"A": SECRET}, "yes": True, "no": False})
    assert "ss" not in str(redactor.data(made))
    assert "******" in str(redactor.data(made))


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("secrets.A | reverse", "the filter reverse"),
        ("secrets.A | upper", "the filter upper"),
        ("secrets.A | list", "the filter list"),
        ("secrets.A | replace('a', 'b')", "the filter replace"),
        ("secrets.A | truncate(3)", "the filter truncate"),
        ("secrets.A | first", "the filter first"),
        ("secrets.A | trim | lower", "the filter lower"),
        ("('x' ~ secrets.A) | upper", "the filter upper"),
        ("[secrets.A] | map('upper') | list", "the filter map"),
        ("'x' | replace('x', secrets.A)", "the filter replace"),
        ("secrets.A | int", "the filter int"),
        ("secrets.A.upper()", "a method"),
        ("secrets.A.split('a')", "a method"),
        ("'x'.join(secrets.A)", "a method"),
        ("'x'.replace('x', secrets.A)", "a method"),
        ("secrets.A[1:]", "getitem"),
        ("secrets.A[0]", "getitem"),
        ("secrets.A * 2", "mul"),
        ("secrets", "what takes all of them, or one by a name that is computed,"),
        ("secrets[labels.name]", "what takes all of them, or one by a name that is computed,"),
        ("secrets['A' ~ 'B']", "what takes all of them, or one by a name that is computed,"),
        ("secrets | items", "what takes all of them, or one by a name that is computed,"),
        ("secrets.get('A')", "a method"),
    ],
)
def test_what_would_undo_its_mask_is_refused_when_the_file_is_read(
    expression: str, what: str
) -> None:
    for source in ("{{ " + expression + " }}", "x {{ " + expression + " }}"):
        with pytest.raises(TemplateSyntaxError) as caught:
            TEMPLATES.parse(source)
        assert caught.value.message == (
            f"a secret is used as it is: {what} would make a text of it that nobody can mask"
        )


@pytest.mark.parametrize(
    "source",
    [
        "{% set a = secrets.A %}{{ a | reverse }}",
        "{% set a = secrets %}{{ a.A | reverse }}",
        "{% with a = secrets.A %}{{ a | reverse }}{% endwith %}",
        "{% for char in secrets.A %}{{ char }}-{% endfor %}",
        "{% for name in secrets %}{{ name }}{% endfor %}",
    ],
)
def test_it_gets_no_other_name(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="a secret is used as it is"):
        TEMPLATES.parse(source)
