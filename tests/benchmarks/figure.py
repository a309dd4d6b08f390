"""What a benchmark answers: figures, each with what it is measured against and what it has to hold."""

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """A bound of DESIGN.md section 10; `of` says whether it is on the figure or on its ratio."""

    bound: float
    aim: float | None = None
    of: Literal["figure", "ratio"] = "figure"
    at_least: bool = False

    def said(self, bound: float | None) -> str:
        """As it stands in the table."""
        if bound is None:
            return ""
        times = " x" if self.of == "ratio" else ""
        return f"{'≥' if self.at_least else '≤'} {bound:g}{times}"

    def held_by(self, found: float) -> bool:
        return found >= self.bound if self.at_least else found <= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `ratio` is the figure over that of `against`, from the same run."""

    name: str
    value: float
    unit: str
    means: str
    bar: Bar | None = None
    ratio: float | None = None
    against: str = ""

    @property
    def held(self) -> bool | None:
        """Whether it holds its bar; None where it has none."""
        if self.bar is None:
            return None
        found = self.ratio if self.bar.of == "ratio" else self.value
        return found is not None and self.bar.held_by(found)

    def as_json(self) -> dict[str, Any]:
        """Stable keys; `bar` and `aim` are bounds on `bar_of`, `held` is null without a bar."""
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "against": self.against or None,
            "bar": self.bar and self.bar.bound,
            "aim": self.bar and self.bar.aim,
            "bar_of": self.bar and self.bar.of,
            "at_least": self.bar and self.bar.at_least,
            "held": self.held,
            "means": self.means,
        }


class DishonestError(AssertionError):
    """What was measured did not do what it said: there is no figure then."""


def require(holds: bool, said: str) -> None:
    """Raises DishonestError, unless it holds."""
    if not holds:
        raise DishonestError(said)


def quantile(times: list[float], part: float) -> float:
    """Of measurements in any order."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
