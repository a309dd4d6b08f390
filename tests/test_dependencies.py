"""pyproject.toml allows no version of anything in which a hole is known."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HOLES = tomllib.loads((ROOT / "tests/vulnerable.toml").read_text(encoding="utf-8"))["hole"]
OURS = [
    Requirement(one)
    for one in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"])
]


def floor_of(name: str, requirements: list[Requirement]) -> Version | None:
    """The oldest version that is allowed; None where any is, or the package is not named."""
    for one in requirements:
        if canonicalize_name(one.name) == canonicalize_name(name):
            floors = [Version(part.version) for part in one.specifier if part.operator == ">="]
            return max(floors, default=None)
    return None


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: f"{hole['package']} {hole['id']}")
def test_no_version_with_a_known_hole_is_allowed(hole: dict[str, str]) -> None:
    assert re.fullmatch(r"(CVE|PYSEC|GHSA)-[\w-]+", hole["id"])
    floor = floor_of(hole["package"], OURS)
    if floor is None:  # what pulls it in may know better
        floor = floor_of(hole["package"], [Requirement(one) for one in requires(hole["for"]) or ()])
    assert floor is not None
    assert floor >= Version(hole["fixed"]), hole["says"]


@pytest.mark.parametrize("one", OURS, ids=lambda one: one.name)
def test_each_dependency_says_its_oldest_version_and_no_newest(one: Requirement) -> None:
    assert [part.operator for part in one.specifier] == [">="]
