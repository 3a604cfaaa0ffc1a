"""What Fxiaoke's words mean: its states, and the places that an address of one line names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mappings.canonical.errors import MappingError
from mappings.canonical.records import OrderState
from mappings.canonical.words import say

#: `life_status`. What is under approval may still become another order, or none.
ORDER_STATES: Final[Mapping[str, OrderState]] = {
    "ineffective": OrderState.DRAFT,
    "under_review": OrderState.ON_HOLD,
    "normal": OrderState.PROCESSING,
    "in_change": OrderState.ON_HOLD,
    "invalid": OrderState.CANCELLED,
}
STATE_PATH: Final = "SalesOrderObj.life_status"

_PROVINCE: Final = re.compile(r"^.{2,8}?(?:省|自治区|特别行政区)")
_CITY: Final = re.compile(r"^.{2,10}?(?:市|自治州|地区|盟)")
#: Written without a province: each is one by itself.
_MUNICIPALITIES: Final = ("北京", "上海", "天津", "重庆")


def order_state(word: str, custom: Mapping[str, OrderState]) -> OrderState:
    """What a state means. Raises MappingError naming one that nobody has explained."""
    state = custom.get(word) or ORDER_STATES.get(word)
    if state is None:
        raise MappingError(
            STATE_PATH,
            say(
                "found the state %(word)s, expected one of %(known)s",
                word=repr(word[:100]),
                known=", ".join([*ORDER_STATES, *custom]),
            ),
            cause="unmapped",
            subject=f"order_state:{word[:100]}",
            next_step=say("say what this state means in the order_state look-up"),
        )
    return state


def places(address: str) -> tuple[str, str]:
    """(province, city) that a Chinese address begins with; empty texts where it does not say.

    The address itself keeps both: nobody has to put it together again.
    """
    text = address.strip()
    text = text.removeprefix("中国")
    province = ""
    if found := _PROVINCE.match(text):
        province, text = found[0], text[found.end() :]
    city = _CITY.match(text)
    if city is not None:
        return province, city[0]
    return province, next((f"{name}市" for name in _MUNICIPALITIES if text.startswith(name)), "")
