"""What a command takes on reaches the launcher as it was meant."""

from hypothesis import given
from hypothesis import strategies as st

from engine.processes.preparation import Limits, Preparation, User, read_preparation

NUMBERS = st.integers(0, 2**40)
IDS = st.integers(0, 2**32 - 2)
MAYBE = st.none() | NUMBERS
USERS = st.builds(User, IDS, IDS, st.lists(IDS, max_size=5).map(tuple))


@given(
    st.builds(
        Preparation,
        st.none() | st.integers(0, 0o777),
        st.none() | USERS,
        st.builds(Limits, MAYBE, MAYBE, MAYBE, MAYBE),
    )
)
def test_what_is_written_is_read(preparation: Preparation) -> None:
    assert read_preparation(preparation.text) == preparation


def test_nothing_to_prepare_is_an_empty_text() -> None:
    assert Preparation().text == ""
    assert read_preparation("") == Preparation()


def test_each_part_is_one_word_without_spaces() -> None:
    user = User(1000, 100, (100, 4))
    assert Preparation(0o77, user, Limits(cpu=5, files=64)).text == (
        "umask=63,uid=1000,gid=100,groups=100:4,cpu=5,files=64"
    )
