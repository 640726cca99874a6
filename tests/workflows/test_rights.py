"""Rights for every type of folders or for some: what a word gives, what several give together."""

import pytest

from workflows.rights import Rights, allows, type_name
from workflows.vocabulary import Right


def test_a_right_for_a_type_is_none_for_another_nor_for_the_family_it_is_made_from() -> None:
    rights = Rights.read(["sign:invoice.energie", "act:contract", "create"])
    assert list(rights) == [Right.CREATE, Right.ACT, Right.SIGN]
    assert Right.SIGN in rights
    assert "sign" in rights
    assert Right.PUBLISH not in rights
    assert rights.covers(Right.SIGN, "invoice", "energie")
    assert not rights.covers(Right.SIGN, "invoice")
    assert not rights.covers(Right.SIGN, "invoice", "gaz")
    assert not rights.covers(Right.SIGN, "contract", "energie")
    assert rights.touches(Right.SIGN, "invoice")
    assert not rights.touches(Right.SIGN, "contract")
    # Who has it for a family has it for the types made from it
    assert rights.covers(Right.ACT, "contract", "convention")
    assert rights.covers(Right.CREATE, "deliberation", "whatever")
    assert rights.types(Right.CREATE) is None
    assert rights.types(Right.SIGN) == ("invoice.energie",)
    assert rights.types(Right.PUBLISH) == ()


def test_rights_are_written_one_way_whatever_the_order_in_which_they_are_given() -> None:
    words = ["sign:invoice", "sign:invoice.energie", "archive", "act:contract", "act", "create"]
    assert Rights.read(words) == Rights.read(reversed(words))
    assert Rights.read(words).grants == ("create", "act", "sign:invoice", "archive")
    assert len(Rights.read(words)) == 4
    assert Rights.read(["sign:invoice"]) | Rights.of(Right.SIGN) == Rights.of(Right.SIGN)
    assert not Rights()


@pytest.mark.parametrize(
    "word", ["tout", "sign:", "sign:Invoice", "sign:a b", "sign:invoice.", "sign:x:y", ""]
)
def test_a_word_that_is_no_right_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Rights.read([word])


def test_what_is_lost_is_what_nobody_else_has_for_that_type() -> None:
    his = Rights.read(["create", "sign", "act:invoice", "act:contract"])
    theirs = Rights.read(["create", "sign:invoice", "act:invoice"])
    assert his.without(theirs).grants == ("act:contract", "sign")
    assert not Rights.read(["act:invoice.energie"]).without(Rights.read(["act:invoice"]))
    assert allows(theirs.grants, Right.SIGN, "invoice", "energie")


def test_rights_are_said_in_words() -> None:
    rights = Rights.read(["create", f"sign:{type_name('invoice', 'energie')}", "sign:contract"])
    called = {"invoice.energie": "Facture d’énergie", "contract": "Contrats"}
    assert rights.in_words(called) == "déposer des dossiers, signer (Contrats, Facture d’énergie)"
