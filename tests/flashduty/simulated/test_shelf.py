"""A shelf keeps copies, gives copies, and says what it has not."""

import pytest

from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.shelf import Shelf


def test_what_is_put_or_given_out_can_be_changed_without_changing_the_shelf() -> None:
    shelf = Shelf("team_id")
    team = {"team_id": 1, "person_ids": [7]}
    shelf.put(team)
    team["person_ids"] = []
    for given in (shelf.find(1), shelf.get(1), *shelf.all(), *shelf.some([1, 2])):
        assert given == {"team_id": 1, "person_ids": [7]}
        given["person_ids"].clear()


def test_a_thing_that_is_put_again_is_replaced_in_its_place() -> None:
    shelf = Shelf("team_id")
    for team_id, name in ((1, "a"), (2, "b"), (1, "c")):
        shelf.put({"team_id": team_id, "name": name})
    assert [one["name"] for one in shelf.all()] == ["c", "b"]


def test_what_is_not_there_is_not_found() -> None:
    shelf = Shelf("team_id")
    assert shelf.get(1) is None
    for ask in (shelf.find, shelf.remove):
        with pytest.raises(RefusalError, match="not found: team_id 1") as caught:
            ask(1)
        assert caught.value.code == "ResourceNotFound"
