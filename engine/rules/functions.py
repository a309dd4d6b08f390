"""The functions that conditions have beyond JMESPath's own. None of them has a side effect."""

import ipaddress
import re
from typing import Any, Final

import regex
from jmespath import functions
from jmespath.exceptions import JMESPathError

MATCH_SECONDS: Final = 0.2  # a pattern may backtrack for ever over a text that somebody chose


class FunctionError(JMESPathError):
    """A function was given something it cannot work with; the condition cannot tell."""


class EngineFunctions(functions.Functions):
    """`matches`, `lower`, `upper`, `split`, `trim`, `in_cidr`, called as in `lower(labels.env)`."""

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_matches(self, text: str, pattern: str) -> bool:
        """Whether the regular expression, in the syntax of `re`, is found anywhere in the text.

        `regex` looks for it, which can be told to give up; `re` cannot.
        """
        try:
            re.compile(pattern)
            return regex.search(pattern, text, timeout=MATCH_SECONDS) is not None
        except (re.error, regex.error) as error:
            raise FunctionError(f"matches(): {error} in the pattern '{pattern}'") from None
        except TimeoutError:
            said = f"no answer within {MATCH_SECONDS:g} s"
            raise FunctionError(f"matches(): {said} of the pattern '{pattern}'") from None

    @functions.signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @functions.signature({"types": ["string"]})
    def _func_upper(self, text: str) -> str:
        return text.upper()

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, text: str, separator: str) -> list[str]:
        if not separator:
            raise FunctionError("split(): the separator is empty")
        return text.split(separator)

    @functions.signature({"types": ["string"]})
    def _func_trim(self, text: str) -> str:
        return text.strip()

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_in_cidr(self, address: str, network: str) -> bool:
        """Whether an IPv4 or IPv6 address lies in a network such as 10.0.0.0/8."""
        try:
            return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
        except ValueError as error:
            raise FunctionError(f"in_cidr(): {error}") from None


FUNCTIONS: Final = EngineFunctions()


def arity_of(name: str) -> tuple[int, bool] | None:
    """How many arguments a function takes and whether more are welcome; None if nobody knows it."""
    known: dict[str, Any] = EngineFunctions.FUNCTION_TABLE
    if name not in known:
        return None
    parameters = known[name]["signature"]
    return len(parameters), bool(parameters and parameters[-1].get("variadic"))


def function_names() -> tuple[str, ...]:
    """Every function a condition can call."""
    return tuple(sorted(EngineFunctions.FUNCTION_TABLE))
