"""What the Préfecture would refuse is told on the draft, line by line, and nobody signs it."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.channels.actes.channel import ActesChannel
from app.core.db import engine
from app.core.refusals import Refusal
from app.folders import sending
from app.transmission import channels
from tests.assets import make_signed
from tests.builders.house import ACT, BUDGET, House

CLERK, MAYOR = "k.morizur", "a.kervadec"
TO_COME = "2199-12-31"  # no day that midnight may reach while the tests run


def draft(house: House, folder_id: int) -> str:
    """The words of a draft's page."""
    return words(house.client(CLERK).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True))


def words(page: str) -> str:
    return re.sub(
        r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)).replace("\xa0", " ").replace("\u202f", " ")
    )


def told_and_refused(house: House, folder_id: int, sentence: str) -> None:
    """The draft's page says it, and the verb that sends refuses with it: nobody is ever asked to sign."""
    assert sentence in draft(house, folder_id)
    with pytest.raises(Refusal, match="to-fix"):
        sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    assert house.folder(folder_id).place == "draft"


def change(sql: str, **values: Any) -> None:
    with engine().begin() as connection:
        connection.execute(sa.text(sql), values)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"number": "2026-057-MARCHE-PUBLIC"},
            "caractères et la préfecture en accepte 15. Raccourcissez-le.",
        ),
        ({"number": ""}, "Le numéro de l’acte manque."),
        ({"decision_date": TO_COME}, "est à venir. Corrigez-la"),
        ({"subject": "Fête 🎉"}, "que la préfecture ne peut pas lire : 🎉. Remplacez-les."),
        ({"subject": "é" * 500}, "L’objet a 500 caractères et la préfecture en accepte 499."),
        ({"nature": "9"}, "La nature de l’acte manque ou est inconnue."),
        ({"matter": "7.99"}, "La matière « 7.99 » n’est pas dans la classification"),
        ({"matter": ""}, "La matière doit avoir au moins deux niveaux"),
    ],
    ids=["A01", "A01-empty", "A03", "A04", "A04-long", "A05", "A06", "A06-empty"],
)
def test_a_fact_that_would_be_refused_is_told_on_the_draft(
    house: House, facts: dict[str, str], sentence: str
) -> None:
    told_and_refused(house, house.a_deliberation(at="draft", **facts), sentence)


def test_an_act_that_breaks_no_rule_is_told_so_with_its_subject_as_it_will_travel(house: House) -> None:
    folder_id = house.a_deliberation(at="draft", subject="Vœux – « l’été » à 5 €…")
    page = draft(house, folder_id)
    assert "Contrôles avant transmission : tout est en ordre" in page
    assert "Objet tel qu’il partira : « Voeux - « l'été » à 5 EUR..." in page
    assert "?" not in page.split("Objet tel qu’il partira")[1][:60]


@pytest.mark.parametrize(
    ("before", "after", "files", "sentence"),
    [
        (b"", b"", (), "Un budget en XML part avec sa délibération."),
        (b"12000.00", b"12500.00", (ACT,), "le contenu a changé après le scellement"),
        (b"Scellement", b"Scelle", (ACT,), "Le fichier n’est pas scellé"),
    ],
    ids=["A09", "A13", "A13-unsealed"],
)
def test_a_budget_alone_or_whose_seal_is_broken_is_told(
    house: House, tmp_path: Path, before: bytes, after: bytes, files: tuple[Path, ...], sentence: str
) -> None:
    budget = tmp_path / "budget.xml"
    budget.write_bytes(BUDGET.read_bytes().replace(before, after))
    told_and_refused(house, house.an_act("budget", budget, *files, at="draft"), sentence)


def test_an_xml_of_another_nature_is_told(house: House) -> None:
    folder_id = house.an_act("budget", BUDGET, ACT, at="draft", nature="1")
    told_and_refused(house, folder_id, "est un XML, réservé aux budgets (nature 5, matière 7.1)")


def test_a_type_that_the_nature_does_not_allow_is_told_and_chosen_again(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    (main,) = house.versions(folder_id)
    client = house.client(CLERK)

    def save(**more: str) -> str:
        page = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
        (version,) = re.findall(r'name="version" value="(\d+)"', page)[:1]
        (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', page)[:1]
        data = {"csrf_token": token, "version": version, "action": "save", **more}
        assert client.post(f"/dossiers/{folder_id}/brouillon", data=data).status_code == 302
        return draft(house, folder_id)

    name = f"type-{main.document_id}"
    assert "tout est en ordre" in save(**{name: "99_DE"})
    # The default of the former nature follows the nature; a type that somebody chose stays, and is told.
    assert "tout est en ordre" in save(nature="2")
    assert "tout est en ordre" in save(nature="1")
    save(**{name: "70_DE"})
    assert "Le type « 70_DE » n’est pas permis" in save(nature="6")
    told_and_refused(house, folder_id, "Choisissez un type permis pour cette nature.")
    assert "tout est en ordre" in save(**{name: "99_AU"})


def test_an_annex_whose_signature_is_broken_is_told(house: House, tmp_path: Path) -> None:
    annex = tmp_path / "annexe.pdf"
    annex.write_bytes(make_signed.tampered())
    folder_id = house.an_act("other_act", ACT, annex, at="draft")
    told_and_refused(house, folder_id, "La signature de Armel Kervadec sur « annexe » n’est plus valable")


def test_an_act_above_the_limit_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = channels.open_channel("actes")
    assert isinstance(channel, ActesChannel)
    monkeypatch.setattr(
        channel, "_settings", channel._settings.model_copy(update={"max_archive_bytes": 1024})
    )
    told_and_refused(house, house.a_deliberation(at="draft"), "Réduisez ou retirez des annexes.")


def test_a_collectivity_that_the_state_would_not_know_is_told(house: House) -> None:
    folder_id = house.a_deliberation(at="draft")
    change("UPDATE collectivity SET department = '29'")
    told_and_refused(house, folder_id, "Le département « 29 » s’écrit « 029 » ou « 02A ».")


def test_a_folder_that_has_come_to_be_refused_is_signed_by_nobody(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    change("UPDATE collectivity SET district = '12'")
    with pytest.raises(Refusal, match="would-be-refused") as refused:
        house.sign(folder_id, MAYOR)
    assert "L’arrondissement « 12 » est un chiffre." in str(refused.value.facts["details"])
    page = words(house.client(MAYOR).get(f"/dossiers/{folder_id}").get_data(as_text=True))
    assert "Signé, ce dossier serait refusé à l’envoi. L’arrondissement « 12 »" in page
    assert "Contrôles avant transmission : 1 à régler" in page
    assert house.folder(folder_id).place == "signatures"
    change("UPDATE collectivity SET district = '1'")
    house.sign(folder_id, MAYOR)


def test_an_invoice_is_not_judged_by_the_state(house: House) -> None:
    page = words(
        house.client("g.trehorel")
        .get(f"/dossiers/{house.an_invoice(at='draft')}/brouillon")
        .get_data(as_text=True)
    )
    assert "Contrôles avant transmission" not in page
    assert "Type de pièce" not in page
