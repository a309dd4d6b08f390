"""Values that are not there yet: a template before it is rendered, a result before its step ran."""

from typing import Any, NoReturn, Self

from typing_extensions import override

from engine.rules.undecided import Undecided, UndecidedError


class Deferred:
    """Stands where a value will be. Parameters accept one anywhere until they are rendered."""

    __slots__ = ()


class Unknown(Deferred, Undecided):
    """In a rehearsal: what a step that was not performed would have returned.

    Names the path a value would come from and passes through templates as that name; whatever
    would need the value itself, such as a comparison, cannot tell.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def get(self, key: str) -> Any:
        """What JMESPath asks of a mapping."""
        return Unknown(f"{self._name}.{key}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.get(name)

    def __getitem__(self, key: str | int) -> Any:
        return Unknown(f"{self._name}[{key}]") if isinstance(key, int) else self.get(key)

    @override
    def __str__(self) -> str:
        return f"‹{self._name}›"

    __repr__ = __str__

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    @override
    def ask(self) -> NoReturn:
        raise UndecidedError(f"depends on {self}, which is not known before the step is performed")

    def _ask(self, *_: object) -> NoReturn:
        self.ask()

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _ask
    __len__ = __iter__ = __bool__ = __contains__ = __hash__ = __int__ = __float__ = _ask
    __index__ = __neg__ = __pos__ = __abs__ = __round__ = __pow__ = __rpow__ = _ask
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __floordiv__ = _ask
    __mod__ = __rmod__ = __rtruediv__ = __rfloordiv__ = __call__ = _ask
