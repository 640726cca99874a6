"""An act's subject whose accents are spoilt is told, with what it most likely was; a sound one never is."""

import pytest

from app.channels.actes.garbled import cautions, unspoilt, warning
from app.folders import sending
from app.folders.models import Folder
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("Tarifs du CafÃ© de la plage", "Tarifs du Café de la plage"),
        ("Subvention pour lâ€™Å“uvre", "Subvention pour l’œuvre"),
        ("Café, puis CafÃ©", ""),
        ("Caf\ufffd", ""),
        ("Château d’Éléonore, Ça coûte 3 €, œuvre, « à » naïve", None),
        ("Quai du port", None),
        ("", None),
    ],
)
def test_what_was_read_in_the_wrong_alphabet_is_told_and_nothing_else(text: str, former: str | None) -> None:
    assert unspoilt(text) == former
    assert bool(warning(text)) == (former is not None)
    if former:
        assert f"« {former} »" in warning(text)


def test_it_is_said_of_acts_alone() -> None:
    act = Folder(fields={"nature": "1", "subject": "CafÃ©"}, sources={"depositors": [7]})
    (caution,) = cautions(None, act)  # type: ignore[arg-type]
    assert (caution.key, caution.by) == ("subject-garbled", {7})
    act.fields = {**act.fields, "subject": "Le CafÃ©"}  # another subject is another caution: one asks again
    assert cautions(None, act)[0].about != caution.about  # type: ignore[arg-type]
    assert cautions(None, Folder(fields={"subject": "CafÃ©"}, sources={})) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_read_on_the_draft_where_one_decides_and_by_other_software(house: House) -> None:
    act = house.a_deliberation(at="draft", subject="Tarifs du CafÃ© de la plage")
    told = "Sans doute : « Tarifs du Café de la plage »."
    assert told in Hand(house, "k.morizur").text(f"/dossiers/{act}/brouillon")
    sending.send(house.actor("k.morizur"), act, version=house.folder(act).version)
    director = Hand(house, "s.rivoal")
    for where in (f"/dossiers/{act}", f"/lots/{director.propose('approve', [act])}"):
        assert told in director.text(where), where
    shown = Software(house, "direction", [Right.ACT]).get(f"/folders/{act}").json["warnings"]
    assert [one["key"] for one in shown] == ["subject-garbled"]
