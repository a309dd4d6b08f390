"""The shipped playbooks: each begins with what a team needs to know, and each would run."""

import re
from pathlib import Path

import pytest
import yaml

from engine.cli.main import run

ROOT = Path(__file__).parents[1]
PLAYBOOKS = sorted(
    path for path in (ROOT / "playbooks").glob("*.yaml") if not path.name.endswith(".test.yaml")
)
PRESS = ROOT / "tests/fixtures/custom-action.vendor-page.json"
CALL = ROOT / "tests/fixtures/label-mapping.vendor-page.json"


@pytest.fixture
def config(tmp_path: Path) -> str:
    """The shipped one, and no ledger beside it: whoever has tried the engine here has one."""
    path = tmp_path / "config.yaml"
    path.write_bytes((ROOT / "config.yaml").read_bytes())
    return str(path)


def test_there_is_one_for_each_use_case() -> None:
    assert [path.stem for path in PLAYBOOKS] == [
        "add-labels",
        "enrich-incident",
        "restart-host",
        "rollback-change",
        "update-status-page",
    ]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_its_head_says_what_it_needs_and_how_to_attach_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head = text.split("\nname:")[0]
    config = yaml.load((ROOT / "config.yaml").read_text(encoding="utf-8"), yaml.SafeLoader)

    assert "In config.yaml it needs" in head
    kind = "labels" if "answer: labels" in text else "actions"
    assert f"https://YOUR-ENGINE/flashduty/{kind}/{path.stem}" in head
    assert "X-Engine-Token" in head
    for name in set(re.findall(r"config\.(?!yaml)(\w+)", text.split("\nname:")[1])):
        assert f"vars.{name} " in head, name
        assert name in config["vars"], name
    for name in set(re.findall(r"secrets\.(\w+)", text.split("\nname:")[1])):
        assert f"secrets.{name} " in head, name
        assert name in config["secrets"], name


@pytest.mark.parametrize(
    ("name", "conclusion"),
    [
        ("enrich-incident", "enrich-incident would succeed."),
        ("restart-host", "restart-host would succeed."),
        (
            "rollback-change",  # the vendor's example is about another service than its example:
            (
                "rollback-change would fail at Stop when there is nothing to roll back: "
                "no finished deploy of engine in the last 24 hours."
            ),
        ),
        (
            "update-status-page",
            (
                "update-status-page would fail at Stop when the service has no component: "
                "vars.status_components in config.yaml names no component for engine."
            ),
        ),
    ],
)
def test_the_vendors_example_has_the_end_one_would_expect(
    name: str, conclusion: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        [
            "dry-run",
            str(ROOT / f"playbooks/{name}.yaml"),
            "--event",
            str(PRESS),
            "--action",
            name,
            "--config",
            config,
        ]
    )

    assert capsys.readouterr().out.splitlines()[-1] == conclusion


def test_the_vendors_example_of_a_call_for_labels_has_an_answer(
    config: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    playbook = str(ROOT / "playbooks/add-labels.yaml")
    arguments = ["--event", str(CALL), "--action", "add-labels", "--config", config]

    assert run(["dry-run", playbook, *arguments]) == 0

    assert capsys.readouterr().out.splitlines()[-3:] == [
        "    answers owner_team = team-engine",
        "    answers service_tier = 1",
        "add-labels would succeed.",
    ]


def test_their_own_cases_hold_and_take_every_way_through_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without config.yaml: a case says all that it needs."""
    assert run(["test", str(ROOT / "playbooks"), "--min-coverage", "100"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1].endswith(f"cases in {len(PLAYBOOKS)} files: {len(out) - 1} hold, 0 fail")
