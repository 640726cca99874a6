"""What the law makes the signature of a flow mean is read in the sign dialog and in a batch, by what the flow holds."""

import re

import pytest

from app.core.db import reading
from app.folders.models import Folder
from app.pes.meaning import meaning
from app.pes.models import FlowIndex
from tests.batches.town import Hand
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

MAYOR = "a.kervadec"
EXPENSES = (
    "Vous ordonnancez ces dépenses : votre signature des 2 bordereaux de mandats certifie le service fait de chaque dépense "
    "et le caractère exécutoire des pièces justificatives, et le comptable public paiera (CGCT D1617-23)."
)
REVENUE = (
    "Votre signature du bordereau de titres rend ces titres exécutoires, et le comptable public les recouvrera "
    "(CGCT D1617-23)."
)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", page)


@pytest.mark.law("PES-01")
def test_the_dialog_and_the_batch_say_what_a_bordereau_of_mandats_entails(house: House) -> None:
    folder_id = house.a_flow()
    page = plain(house.client(MAYOR).get(f"/dossiers/{folder_id}/signer").get_data(as_text=True))
    assert EXPENSES in page
    assert page.index(EXPENSES) < page.index("data-sign-go")
    mayor = Hand(house, MAYOR)
    number = mayor.propose("sign", [folder_id])
    shown = mayor.text(f"/lots/{number}")
    assert EXPENSES in plain(shown)
    assert "Flux comptable, 1 dossier." in plain(shown)
    assert "Signé avec la mention « Maire »." in plain(shown)


@pytest.mark.parametrize(
    ("slips", "said"),
    [
        ({"mandats": 2, "titres": 0}, EXPENSES),
        ({"mandats": 0, "titres": 1}, REVENUE),
        ({"mandats": 2, "titres": 1}, f"{EXPENSES} {REVENUE}"),
        ({"mandats": 0, "titres": 0}, ""),
    ],
)
def test_each_kind_of_bordereau_has_its_own_effect(house: House, slips: dict[str, int], said: str) -> None:
    folder_id = house.a_flow()
    with reading() as db:
        index = db.get_one(FlowIndex, folder_id)
        index.summary = {**index.summary, "slips": slips}
        assert meaning(db, db.get_one(Folder, folder_id)) == said
        db.expunge_all()
