"""The classification is read whole and found by words."""

from datetime import date
from pathlib import Path

import pytest

from app.channels.actes.classification import load_classification, read_classification

MINI = Path(__file__).parents[1] / "assets" / "actes" / "classification" / "classification-mini.xml"


def test_the_shipped_classification_is_whole():
    shipped = load_classification()
    assert shipped.dated == date(2019, 4, 18)
    assert [nature.abbreviation for nature in shipped.natures] == ["DE", "AR", "AI", "CC", "BF", "AU"]
    assert [len(nature.types) for nature in shipped.natures] == [18, 9, 36, 47, 3, 2]
    assert sum(len(nature.types) for nature in shipped.natures) == 115
    assert len(shipped.matters) == 291
    assert not [one.label for one in shipped.matters if "?" in one.label or "¿" in one.label]


def test_every_nature_offers_its_own_type_first():
    natures = load_classification().natures
    assert [nature.default_type for nature in natures] == [
        "99_DE",
        "99_AR",
        "99_AI",
        "99_DC",
        "99_BU",
        "99_AU",
    ]
    for nature in natures:
        codes = [kind.code for kind in nature.types]
        assert codes == sorted(codes, key=lambda code: not code.startswith("99_"))
        assert nature.allows("99_SE")
        assert not nature.allows("ZZ_ZZ")


def test_the_tenth_matter_is_ten_and_not_one():
    mini = load_classification(MINI)
    assert mini.matter((7, 10)).full_label == "Finances locales › Divers"
    assert mini.matter((7, 10)).code == "7.10"
    assert [matter.path for matter in mini.matters][-1] == (7, 10)


def test_a_matter_is_found_by_words_without_accents():
    found = load_classification().search_matters("decisions budgetaires")
    assert found[0].path == (7, 1)
    assert load_classification().search_matters("7.5 associations")[0].path == (7, 5, 5)
    assert load_classification().search_matters("zzz") == ()
    assert all(len(matter.path) > 1 for matter in load_classification().sendable_matters())


def test_another_message_is_no_classification():
    other = MINI.parents[1] / "messages" / "029-212909998-20261201-2026_057-DE-1-2_0.xml"
    with pytest.raises(ValueError, match="7-2"):
        read_classification(other.read_bytes())
