"""Which party a reference means: the surest rung first, nobody by number alone, and a person's word before all."""

from __future__ import annotations

import pytest

from connectors.kit.ladder import asked_as, chosen_ids, climb, email_of, vat_spellings
from mappings.canonical.refs import Ref

MAIL = "a@example.com"


def party(number, code, *, vat_id="", email=MAIL):
    told = {"vat_ids": [vat_id] if vat_id else [], "emails": [email] if email else []}
    return {"id": number, "code": code, "name": f"party {number}", **told}


def ref(code=f"email:{MAIL}", **hint):
    return Ref("party", code, hint={"code": code, "email": MAIL, **hint})


def found(wanted, *parties):
    answer = climb(wanted, parties)
    return answer and (answer["id"], answer["matched_by"])


def test_a_person_s_word_comes_before_every_rung():
    both = party(1, f"email:{MAIL}"), party(2, "C2")
    assert found(ref(), *both) == (1, "code")
    assert found(ref(id="2"), *both) == (2, "id")
    # Gone is gone: nobody else is meant.
    assert found(ref(id="3"), *both) is None
    assert found(ref(apart=True), both[1]) is None
    assert found(ref(apart=True), *both) == (1, "code")


def test_what_is_decided_is_not_looked_for_otherwise():
    chosen, apart = ref(id="2", vat_id="DE 1"), ref(apart=True, vat_id="DE 1")
    for each in (chosen, apart):
        assert (email_of(each), vat_spellings(each)) == ("", set())
    assert chosen_ids([chosen, apart, ref(id="x-1"), ref(id="²")]) == [2]
    assert len({asked_as(ref()), asked_as(chosen), asked_as(apart), asked_as(ref(id="3"))}) == 4


@pytest.mark.parametrize("companies", [1, 2])
def test_who_names_no_company_is_none_of_those_that_we_made_with_the_same_mailbox(companies):
    ann, made = party(1, "C1"), [party(9 + n, f"email:{MAIL}#bar {n}") for n in range(companies)]
    assert found(ref(), ann, *made) == (1, "email")
    assert found(ref(f"email:{MAIL}#else"), ann, *made) == (None, "email")


def test_a_candidate_says_what_it_can_be_compared_by():
    answer = climb(
        ref(), [party(1, "C1", vat_id="ATU1"), party(2, None)], lambda party: [{"city": f"town {party['id']}"}]
    )
    assert answer["candidates"] == [
        {
            "id": 1,
            "code": "C1",
            "name": "party 1",
            "vat_ids": ["ATU1"],
            "emails": [MAIL],
            "places": [{"city": "town 1"}],
        },
        {"id": 2, "code": None, "name": "party 2", "vat_ids": [], "emails": [MAIL], "places": [{"city": "town 2"}]},
    ]
