"""A hundred playbooks or more that are asked about every event.

Of most playbooks the engine sees at once that an event cannot concern them: by the event's type,
by the action, or by a field that `when` compares with a text. Those that leave nothing to see it by
are asked one after another. A few are no matter; of a hundred, each event takes milliseconds longer
to judge, and a storm of them is over that much later. One note, at the first, tells of all.

    asked always:  trigger: { when: "labels.env != 'test'" }
    asked always:  trigger: { when: "starts_with(title, 'CPU')" }
    found:         trigger: { events: [i_new], when: "labels.env != 'test'" }
    found:         trigger: { when: "labels.check == 'cpu' && starts_with(title, 'CPU')" }
    found:         trigger: { action: restart-host }
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject

MANY: Final = 100


def _find(subject: Subject, around: Around) -> Iterator[Finding]:
    asked = around.always_asked
    if len(asked) < MANY or subject is not asked[0]:
        return
    said = f"{len(asked)} playbooks are asked about every event, this is the first of them"
    hint = "name `events` or an `action`, or compare a field with a text in `when`"
    yield Finding(said, subject.marked.locate(("trigger",)), hint)


CHECK: Final = Check("always-asked", "note", _find, __doc__)
