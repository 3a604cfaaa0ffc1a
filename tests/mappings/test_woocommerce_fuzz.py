"""Whatever a real order is turned into: an order that can be stored, or problems that name their field."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.tryout import try_document
from tests.contract.recorded_orders import recorded_orders
from tests.mappings.woocommerce_orders import mapped, problems_of
from tests.shared import THOROUGH

#: Everything that may stand where something else was expected; what Python cannot print apart.
STRANGE = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        10**400,
        10**5000,
        "",
        " ",
        "0",
        "0.00",
        "-1.00",
        "NaN",
        "1e400",
        "1_000",
        "٣",
        "a\x00",
    ),
    *("\ud83d", "x" * 70_000, "&#0;&#xD800;", "2026-13-45T00:00:00", [], {}, [[]], [{}], {"id": 1}, [None], b"bytes"),
    *(1.5, float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e999999")),
    *(Decimal("1E+5"), Decimal("0.1000000000000000055"), Decimal("1e-999999"), object()),
]
strange = st.sampled_from(STRANGE) | st.text(max_size=20) | st.integers() | st.decimals()


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything inside."""
    inside: list[tuple[str | int, ...]] = []
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        inside += [(*path, key), *places(child, (*path, key))]
    return inside


@st.composite
def mutated_orders(draw: st.DrawFn) -> dict[str, Any]:
    body = copy.deepcopy(draw(st.sampled_from(recorded_orders())).body)
    for _ in range(draw(st.integers(1, 4))):
        where = places(body)
        if not where:
            break
        *way, last = draw(st.sampled_from(where))
        holder: Any = body
        for step in way:
            holder = holder[step]
        action = draw(st.sampled_from(["put", "drop", "double"]))
        if action == "put":
            holder[last] = draw(strange)
        elif action == "drop":
            del holder[last]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[last]))
    return body


@given(mutated_orders())
@settings(
    max_examples=300 if THOROUGH else 100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_a_mutated_order_is_an_order_or_problems(body: dict[str, Any]):
    problems = problems_of(body)
    if problems:
        assert all(problem.reason and problem.cause for problem in problems)
        json.dumps([[problem.path, problem.reason, problem.subject] for problem in problems])
        return
    order = mapped(body)
    written = json.dumps(order_to_json(order), ensure_ascii=False)
    assert order_from_json(json.loads(written)) == order
    written.encode()
    assert "\\u0000" not in written


@given(st.sampled_from(recorded_orders()), st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_an_answer_and_never_a_crash(recorded: Any, data: st.DataObject):
    text = json.dumps(recorded.body, default=str).encode()
    position = data.draw(st.integers(0, len(text)))
    damage = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 8))
    for result in try_document("woocommerce", text[:position] + damage + text[position + cut :]):
        line = result.to_json("order.json")
        assert line["ok"] is ("order" in line)
        json.dumps(line)
