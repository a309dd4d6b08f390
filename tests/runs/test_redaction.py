"""A secret is masked in every form it commonly takes, and nothing else is."""

import base64
import html
import json
import shlex
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from xml.sax import saxutils

import markupsafe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.utils import htmlsafe_json_dumps

from engine.playbooks.command import Command
from engine.runs.redaction import MASK, MAX_DEPTH, SHORTEST, TOO_DEEP, Redactor

SECRET = "p/ss w+rd?\"é'&=%~"
# A secret that looks like the mask is no secret: after masking, the text may hold it again.
secrets = st.text(
    st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=8, max_size=40
)
texts = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), max_size=20)
unhurried = settings(deadline=None)  # a busy machine is no failure


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for value in values:
        redactor.learn(value)
    return redactor


def masked(text: str, *values: str) -> str:
    return knowing(*values).text(text)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="!'()*"),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%C3%A9", "%c3%a9").lower(),
        "p/ss+w%2Brd?%22%C3%A9'%26%3D%25~",
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        json.dumps(SECRET).replace("&", "\\u0026")[1:-1],
        str(htmlsafe_json_dumps(SECRET))[1:-1],
        json.dumps(SECRET)[1:-1].replace("\\u00e9", "\\u00E9"),
        json.dumps(json.dumps(SECRET))[3:-3],
        json.dumps(json.dumps(SECRET, ensure_ascii=False), ensure_ascii=False)[3:-3],
        html.escape(SECRET),
        html.escape(SECRET, quote=False),
        str(markupsafe.escape(SECRET)),
        saxutils.quoteattr(SECRET)[1:-1],
        repr(SECRET)[1:-1],
        shlex.quote(SECRET)[1:-1],
        Command.of([SECRET]).typed()[1:-1],
        quote(quote(SECRET, safe=""), safe=""),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_every_form_is_masked_wherever_it_stands(form: str) -> None:
    assert masked(form, SECRET) == MASK
    assert masked(f"before {form} and {form}.", SECRET) == f"before {MASK} and {MASK}."


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    secret = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEF\n{\n-----END KEY-----"
    assert masked("first MIIEvQIBADANBgkq\r\nthen\thkiG9w0BAQEF {", secret) == (
        f"first {MASK}\r\nthen\t{MASK} {{"
    )


def test_a_form_post_and_a_query_are_masked() -> None:
    assert masked(urlencode({"token": SECRET, "a": "b"}), SECRET) == f"token={MASK}&a=b"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("secret", ["hunter22", "hunter222", "hunter2222", "~~~???>>>", "密码密码"])
@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_base64_of_a_longer_text_is_masked_at_every_alignment(
    encode: Any, secret: str, before: str, after: str
) -> None:
    encoded = encode(f"{before}{secret}{after}".encode()).decode()
    seen = masked(f"Authorization: Basic {encoded}", secret)
    assert MASK in seen
    # No more than the characters that the neighbours share with it are left.
    left = seen.removeprefix("Authorization: Basic ").replace(MASK, "").rstrip("=")
    assert len(left) <= len(base64.b64encode((before + after).encode())) + 4


def test_base64_is_masked_at_its_place() -> None:
    encoded = base64.b64encode(b"user:hunter22!").decode()
    assert encoded == "dXNlcjpodW50ZXIyMiE="
    assert masked(encoded, "hunter22") == f"dXNlcjp{MASK}iE="


def test_keys_are_masked_as_well_as_values() -> None:
    redactor = knowing("hunter22")
    data = {"hunter22": ["x hunter22", {"a": ("hunter22", 1, None, 2.5, True)}], 7: "b"}
    assert redactor.data(data) == {
        MASK: [f"x {MASK}", {"a": [MASK, 1, None, 2.5, True]}],
        "7": "b",
    }


def nested(levels: int, inmost: Any = "b") -> Any:
    """A text, or whatever is inmost, in so many lists and mappings."""
    for level in range(levels):
        inmost = [inmost] if level % 2 else {"a": inmost}
    return inmost


def test_a_redactor_that_knows_nothing_changes_nothing_and_hands_out_a_copy() -> None:
    data: dict[str, Any] = {"a": [1, ["b"], {"c": None}]}
    copied = Redactor().data(data)
    assert copied == data
    data["a"][1].append("later")
    assert copied == {"a": [1, ["b"], {"c": None}]}
    assert Redactor().text("hunter22") == "hunter22"


@pytest.mark.parametrize("redactor", [Redactor(), knowing("hunter22")])
def test_what_is_nested_deeper_than_anyone_could_write_down_is_cut(redactor: Redactor) -> None:
    assert redactor.data(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert redactor.data(nested(MAX_DEPTH, [])) == nested(MAX_DEPTH, TOO_DEEP)
    cut = redactor.data(nested(100_000, "hunter22"))
    assert json.dumps(cut).count(TOO_DEEP) == 1
    assert "hunter22" not in json.dumps(cut)


@pytest.mark.parametrize("order", [("hunter22", "hunter22-and-more"), ("xhunter22x", "hunter22")])
def test_a_secret_in_another_one_leaves_nothing_of_it(order: tuple[str, str]) -> None:
    text = f"{order[0]} {order[1]}"
    assert masked(text, *order) == f"{MASK} {MASK}"
    assert masked(text, *reversed(order)) == f"{MASK} {MASK}"


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_a_value_too_short_to_be_a_secret_garbles_nothing(value: str) -> None:
    assert len(value) < SHORTEST
    assert masked("abc abcd", value) == "abc abcd"


def test_the_shortest_secret_is_masked() -> None:
    assert masked("abcd abc", "abcd") == f"{MASK} abc"


def test_learning_twice_is_learning_once() -> None:
    redactor = knowing(SECRET)
    before = redactor._forms  # noqa: SLF001 - that it does not grow with each resolved secret
    redactor.learn(SECRET)
    assert redactor._forms is before  # noqa: SLF001
    assert redactor.text(SECRET) == MASK


def test_a_secret_that_is_learned_later_is_masked_from_then_on() -> None:
    redactor = knowing("hunter22")
    assert redactor.text("hunter22 swordfish") == f"{MASK} swordfish"
    redactor.learn("swordfish")
    assert redactor.text("hunter22 swordfish") == f"{MASK} {MASK}"


def test_a_secret_of_bytes_that_are_no_utf_8_is_masked() -> None:
    secret = b"hunter\xff22".decode(errors="surrogateescape")  # as os.environ has it
    assert (
        masked(
            f"{secret} hunter%FF22 {base64.b64encode(b'hunter' + bytes([255]) + b'22')!r}", secret
        )
        == f"{MASK} {MASK} b'{MASK}'"
    )


@unhurried
@given(secrets, texts, texts)
def test_the_plain_form_never_stays(secret: str, before: str, after: str) -> None:
    assert secret not in masked(before + secret + after, secret)


@unhurried
@given(secrets, texts, texts)
def test_no_url_form_stays(secret: str, before: str, after: str) -> None:
    for write in (quote, quote_plus, lambda text: quote(text, safe="")):
        assert write(secret) not in masked(write(before + secret + after), secret)


@unhurried
@given(secrets, texts, texts)
def test_no_json_form_stays(secret: str, before: str, after: str) -> None:
    for ascii_only in (True, False):
        text = json.dumps({before: before + secret + after}, ensure_ascii=ascii_only)
        assert json.dumps(secret, ensure_ascii=ascii_only)[1:-1] not in masked(text, secret)


@unhurried
@given(secrets, texts, texts)
def test_no_base64_form_stays(secret: str, before: str, after: str) -> None:
    start = len(before.encode())
    end = start + len(secret.encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode((before + secret + after).encode()).decode()
        form = text[-(-start * 8 // 6) : end * 8 // 6]  # the characters that it alone decides
        assert form not in masked(text, secret)


@unhurried
@given(secrets, texts)
def test_a_text_without_the_secret_stays_as_it_is(secret: str, text: str) -> None:
    redactor = knowing(secret)
    if not any(form in text for form in redactor._forms):  # noqa: SLF001
        assert redactor.text(text) == text


@unhurried
@given(st.lists(secrets, min_size=1, max_size=4))
def test_of_several_secrets_none_stays(several: list[str]) -> None:
    seen = masked("\n".join(several), *several)
    assert not [secret for secret in several if secret in seen]


# A text that comes in pieces


def streamed(redactor: Redactor, pieces: list[str]) -> str:
    masking = redactor.stream()
    return "".join([*(masking.add(piece) for piece in pieces), masking.end()])


def cut(text: str, places: list[int]) -> list[str]:
    at = sorted(place % (len(text) + 1) for place in places)
    return [text[start:end] for start, end in pairwise([0, *at, len(text)])]


# Of few letters, so that they overlap, repeat and begin with each other; the mask is of stars.
narrow = st.text("ab*", min_size=SHORTEST, max_size=7)


@given(
    st.lists(narrow, max_size=4),
    st.lists(narrow | st.text("ab*", max_size=3), max_size=12).map("".join),
    st.lists(st.integers(0, 100), max_size=10),
)
def test_cut_into_any_pieces_a_text_is_masked_as_the_whole_of_it(
    known: list[str], text: str, places: list[int]
) -> None:
    redactor = knowing(*known)
    assert streamed(redactor, cut(text, places)) == redactor.text(text)


@given(
    st.lists(secrets, min_size=1, max_size=4),
    st.data(),
    st.lists(st.integers(0, 5000), max_size=10),
)
def test_so_is_a_text_with_secrets_in_every_form(
    known: list[str], data: st.DataObject, places: list[int]
) -> None:
    redactor = knowing(*known)
    forms = st.sampled_from(redactor._forms)  # noqa: SLF001 - what a command could print
    text = "".join(data.draw(st.lists(forms | texts, max_size=8)))
    assert streamed(redactor, cut(text, places)) == redactor.text(text)
    assert streamed(redactor, list(text)) == redactor.text(text)


@given(secrets, texts, texts)
def test_no_piece_lets_a_part_of_a_secret_through(secret: str, before: str, after: str) -> None:
    """What is written down when the engine is killed holds no beginning of one either."""
    masking = knowing(secret).stream()
    seen = [masking.add(piece) for piece in f"{before}{secret}{after}"]
    whole = masked(before + secret + after, secret)
    written = ""
    for piece in seen:
        written += piece
        assert whole.startswith(written)


def test_what_cannot_be_the_beginning_of_a_secret_is_let_through_at_once() -> None:
    masking = knowing("hunter22").stream()
    assert masking.add("a line\n") == "a line\n"
    assert masking.add("so he hunt") == "so he "
    assert masking.add("ed on") == "hunted on"
    assert masking.end() == ""


def test_a_secret_that_is_learned_meanwhile_is_masked_in_what_was_held_back() -> None:
    redactor = knowing("swordfish-1")
    masking = redactor.stream()
    assert masking.add("1: sword") == "1: "
    redactor.learn("sword")
    assert masking.add("; 2: sw") == f"{MASK}; 2: "
    assert masking.add("ord") + masking.end() == MASK


def test_a_stream_that_knows_nothing_changes_nothing() -> None:
    assert streamed(Redactor(), ["hunter", "22"]) == "hunter22"
