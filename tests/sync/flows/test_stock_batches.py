"""Articles are put together so that a shop is called as rarely as it can be."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from sync.flows.stock.batches import batches, calls

DUE = st.lists(st.sampled_from(["", "", "P1", "P2", "P3", "P4"]), max_size=80).map(lambda names: [*enumerate(names)])


@given(DUE, st.integers(1, 12))
def test_every_article_is_in_one_batch_of_no_more_than_a_call_takes(due, size):
    found = batches(due, size)
    assert sorted(itertools.chain(*found)) == list(range(len(due)))
    assert all(0 < len(batch) <= size for batch in found)


@given(DUE, st.integers(1, 12))
def test_the_calls_of_all_batches_are_as_few_as_if_everything_were_written_at_once(due, size):
    parents = dict(due)
    made = [call for batch in batches(due, size) for call in calls(batch, size, parents.__getitem__)]
    counts = {parent: sum(name == parent for name in parents.values()) for parent in parents.values()}
    assert len(made) == sum(math.ceil(count / size) for count in counts.values())
    assert all(len({parents[item] for item in call}) == 1 for call in made)


def test_what_belongs_to_nobody_goes_first_and_whole_families_fill_what_is_left():
    assert batches([(1, "P"), (2, ""), (3, "P"), (4, "")], 2) == [[2, 4], [1, 3]]
    assert batches([(1, ""), (2, "P"), (3, "P"), (4, "Q")], 3) == [[1, 2, 3], [4]]
