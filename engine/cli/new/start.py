"""What a new playbook begins with: one that ships with the engine, or next to nothing."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from engine.cli.playbook_files import TESTS
from engine.cli.shipped import shipped_playbooks


@dataclass(frozen=True, slots=True)
class Start:
    """A playbook that becomes another one."""

    stem: str  # of its file, and its name
    sample: str = "custom-action"  # an event to try it with
    shipped: bool = True

    def playbook(self, name: str) -> str:
        """The file of one that is named so."""
        return self._renamed((self._folder / f"{self.stem}.yaml").read_text("utf-8"), name)

    def test(self, name: str) -> str | None:
        """Its test file; None where there is none."""
        path = self._folder / f"{self.stem}{TESTS[0]}"
        return self._renamed(path.read_text("utf-8"), name) if path.is_file() else None

    @property
    def _folder(self) -> Path:
        return shipped_playbooks() if self.shipped else Path(str(files("engine.cli.new")))

    def _renamed(self, text: str, name: str) -> str:
        """With its own name changed, and not what else is called so, such as a command."""
        own = rf"(?m)(^name: |\baction: |actions/|labels/|resume |playbooks/){self.stem}(?![\w-])"
        return re.sub(own, rf"\g<1>{name}", text)


STARTS: Final = {
    "blank": Start("blank", shipped=False),
    "restart-host": Start("restart-host"),
    "enrich": Start("enrich-incident"),
    "rollback": Start("rollback-change"),
    "status-page": Start("update-status-page"),
    "labels": Start("add-labels", sample="label-mapping"),
}
