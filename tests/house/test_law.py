"""docs/law.md says which test holds which rule, and is the page that the tests make."""

from tests.house import law


def test_the_page_of_the_rules_is_the_one_that_the_tests_make() -> None:
    assert law.PAGE.read_text(encoding="utf-8") == law.page(), "run: python -m tests.house.law"


def test_no_test_names_a_rule_that_is_not_known_and_no_rule_is_silent() -> None:
    every = {number: rule for chapter in law.rules().values() for number, rule in chapter.items()}
    held = law.tests_of()
    assert set(held) <= set(every)
    assert [number for number, rule in every.items() if number not in held and not rule.get("why")] == []


def test_a_mark_is_a_word_that_k_finds(request) -> None:
    """`pytest -k TRA_01` finds the tests that are marked, as those that are named."""
    marked = [item for item in request.session.items if list(item.iter_markers("law"))]
    for item in marked:
        for mark in item.iter_markers("law"):
            assert {one.replace("-", "_") for one in mark.args} <= item.extra_keyword_matches
