"""Forged PDF deposited: what the depositor and the mayor read is never green, and what is refused says what to do."""

import re
import warnings

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.models import Folder
from app.folders.sockets import cautions
from app.verification.records import judge_kept
from tests.attacks import catalogue
from tests.attacks.catalogue import FORGERIES, Answer
from tests.builders.house import House

catalogue.everything()
READY = [one for one in FORGERIES.values() if not one.silent]
FAMILIES = ("ISA", "SSA", "USF", "Champs", "Shadow: hide", "Fichier")
SAMPLE = {family: next(one for one in READY if one.family == family) for family in FAMILIES}
DEPOSITOR, MAYOR = "k.morizur", "a.kervadec"


def text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def deposited(house: House, data: bytes) -> int | Refusal:
    """The folder that waits for the mayor, or why there is none."""
    try:
        return house.a_document(data, "convention.pdf")
    except Refusal as refusal:
        return refusal


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_one_forgery_of_each_family_is_green_for_nobody(shop, house: House) -> None:
    for entry in SAMPLE.values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forged files make libraries complain
            data = entry.make(shop)
            found = deposited(house, data)
        if isinstance(found, Refusal):
            said = sentences.say(found.key, found.facts)[1]
            assert "Rien n’a été déposé" in said, entry.name
            continue
        (version,) = house.versions(found)
        judged = judge_kept(house.actor(DEPOSITOR), version.sha256)
        assert Answer(verdicts=judged.verdicts).believed(entry.victim) == [], entry.name
        page = house.client(MAYOR).get(f"/dossiers/{found}?onglet=pieces").get_data(as_text=True)
        assert "Déjà signé par" not in page
        doubtful = [one for one in judged.verdicts if one.verdict != "valide"]
        with reading() as db:
            told = [
                one.title for one in cautions(db, db.get_one(Folder, found)) if one.key == "earlier-signature"
            ]
        assert len(told) == len(doubtful), (entry.name, version.note, [one.reason for one in doubtful])
        dialog = text(house.client(MAYOR).get(f"/dossiers/{found}/signer").get_data(as_text=True))
        assert all(one in dialog for one in told), entry.name
        if len(judged.verdicts) == len(doubtful):
            assert "small mt-1 t-ok" not in page, entry.name
