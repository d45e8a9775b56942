"""Shifting the clock of every running function, so that timers can be watched (`make clock`)."""

import re
from collections.abc import Mapping
from typing import Any

from infrastructure.local.aws import LocalAws
from infrastructure.local.console import HubError, say

OFFSET = re.compile(r"([+-][0-9]+[smhd])?")  # as the template's parameter ClockOffset


def shift(hub: Mapping[str, Any], offset: str) -> None:
    """Set CLOCK_OFFSET on each function that has one; empty is the real time."""
    if not OFFSET.fullmatch(offset):
        raise HubError(f"OFFSET={offset} is no sign, number and one of s, m, h, d, such as +8h")
    functions = LocalAws(hub["aws"]["endpoint_url"]).client("lambda")
    shifted = 0
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            variables = function.get("Environment", {}).get("Variables", {})
            if "CLOCK_OFFSET" in variables:
                functions.update_function_configuration(
                    FunctionName=function["FunctionName"],
                    Environment={"Variables": {**variables, "CLOCK_OFFSET": offset}},
                )
                shifted += 1
    say(f"The clock of {shifted} functions is {offset or 'the real time'}.")
