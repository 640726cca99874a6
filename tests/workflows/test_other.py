"""What a document without a law of its own must still be: signed on its day, or after."""

from datetime import date

from workflows.families.other.rules import dated_in_the_past

TODAY = date(2026, 11, 25)


def test_nobody_signs_what_bears_a_date_to_come():
    assert dated_in_the_past({"dated_on": "2026-11-26"}, TODAY).key == "dated-in-the-future"
    for facts in ({}, {"dated_on": "2026-11-25"}, {"dated_on": "2026-01-01"}):
        assert dated_in_the_past(facts, TODAY) is None
