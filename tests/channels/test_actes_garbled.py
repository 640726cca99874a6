"""An act's subject whose accents are spoilt is told, with what it most likely was; a sound one never is."""

import pytest

from app.channels.actes.garbled import cautions, told, unspoilt
from app.folders.models import Folder


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
    assert bool(told(text)) == (former is not None)
    if former:
        assert f"« {former} »" in told(text)


def test_it_is_said_of_acts_alone() -> None:
    act, other = Folder(fields={"nature": "1", "subject": "CafÃ©"}), Folder(fields={"subject": "CafÃ©"})
    assert [one.key for one in cautions(None, act)] == ["subject-garbled"]  # type: ignore[arg-type]
    assert cautions(None, other) == []  # type: ignore[arg-type]
