"""Values that nobody knows yet are found by their names."""

from engine.rehearsal.unknowns import steps_of, unknowns_in


def test_each_is_found_once_however_deep_it_stands() -> None:
    shown = [
        {"url": "http://h/‹steps.a.body.id›", "json": ["‹steps.b.stdout›", "‹steps.a.body.id›"]},
        "if steps.c.ok (depends on ‹steps.c.ok›, which is not known)",
        ["‹item.name›", "‹index›", "‹{{ steps.d.n + 1 }}›", "‹steps/3.body›"],
        None,
    ]
    unknown = unknowns_in(shown)
    assert unknown == (
        "steps.a.body.id",
        "steps.b.stdout",
        "steps.c.ok",
        "item.name",
        "index",
        "{{ steps.d.n + 1 }}",
        "steps/3.body",
    )
    assert steps_of(unknown) == ("a", "b", "c", "d")


def test_what_an_alert_says_in_such_quotes_is_none() -> None:
    assert unknowns_in(["‹disk full›", "‹itemized›", "‹›"]) == ()
