"""A type of event that Flashduty does not name.

    wrong:  trigger: { events: [i_create] }
    right:  trigger: { events: [i_new] }

Incidents: i_new, i_assign, i_a_rspd, i_snooze, i_wake, i_ack, i_unack, i_storm, i_custom, i_rslv,
i_reopen, i_merge, i_comm, i_r_title, i_r_desc, i_r_impact, i_r_rc, i_r_rsltn, i_r_severity,
i_r_field. Alerts: a_new, a_update, a_merge, a_close. Calls for labels: label_mapping. A press of a
button is i_custom. Flashduty says that there may be more, so this is a warning.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.checks.unknown_word import TYPE, compared_words, nearest_words
from engine.lint.fields import EVENT_TYPES
from engine.lint.subject import Subject

_MEANT: Final = {  # by those who know the words of the API or of the console
    "i_create": "i_new",
    "i_close": "i_rslv",
    "i_resolve": "i_rslv",
    "i_comment": "i_comm",
    "a_create": "a_new",
}


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    events = subject.part("trigger").get("events")
    for at, event in enumerate(events if isinstance(events, list) else []):
        if isinstance(event, str) and event and event not in EVENT_TYPES:
            where = subject.marked.locate(("trigger", "events", at))
            yield Finding(f"Flashduty has no event '{event}'", where, _hint(event))
    for placed, path, word, offset in compared_words(subject):
        if path == TYPE and word not in EVENT_TYPES:
            where = subject.marked.locate_in(placed, offset)
            yield Finding(f"Flashduty has no event '{word}'", where, _hint(word))


def _hint(word: str) -> str:
    near = [_MEANT[word]] if word in _MEANT else nearest_words(word, EVENT_TYPES)
    if near:
        return f"did you mean '{near[0]}'?"
    return "`engine lint --explain unknown-event` has them all"


CHECK: Final = Check("unknown-event", "warning", _find, __doc__)
