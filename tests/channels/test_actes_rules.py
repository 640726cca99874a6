"""Every rule of the Préfecture is said before it is broken, with its remedy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.channels.actes.channel import ActesChannel
from app.channels.actes.classification import load_classification
from app.channels.actes.settings import ActesSettings
from app.transmission.ports import Rejected
from demo.prefecture.simulator import SimulatedPrefecture
from tests.assets import make_signed
from tests.channels.parcels import NOW, PDF, PNG, SEALED, XML, a_file, a_parcel


@pytest.fixture
def channel(tmp_path):
    settings = ActesSettings.inside(
        tmp_path, folder=tmp_path / "prefecture", delay_seconds=0, max_archive_bytes=1024 * 1024
    )
    return ActesChannel(
        settings, SimulatedPrefecture(settings, load_classification(), lambda: NOW), lambda: NOW
    )


def rules(problems):
    return {(problem.key, problem.field) for problem in problems}


def test_a_complete_act_breaks_no_rule(channel, tmp_path):
    assert channel.check(a_parcel(tmp_path)) == []


@pytest.mark.parametrize(
    ("facts", "rule", "field", "says"),
    [
        ({"number": None}, "A01", "number", "manque"),
        ({"number": "2026_057_MARCHE_PUBLIC"}, "A01", "number", "Raccourcissez-le"),
        ({"decision_date": "19/11/2026"}, "A03", "decision_date", "Donnez-la"),
        ({"decision_date": "2026-02-30"}, "A03", "decision_date", "n’existe pas"),
        ({"decision_date": (NOW + timedelta(days=1)).date()}, "A03", "decision_date", "à venir"),
        ({"subject": "é" * 500}, "A04", "subject", "500 caractères"),
        ({"subject": "Tarifs\ndu port"}, "A04", "subject", "une seule ligne"),
        ({"subject": "Fête 🎉"}, "A04", "subject", "🎉"),
        ({"nature": 9}, "A05", "nature", "Choisissez"),
        ({"nature": None}, "A05", "nature", "Choisissez"),
        ({"matter": "7"}, "A06", "matter", "deux niveaux"),
        ({"matter": "7.99"}, "A06", "matter", "18/04/2019"),
        ({"matter": "subventions"}, "A06", "matter", "deux niveaux"),
        ({"classification_date": "2018-11-28"}, "A07", "matter", "28/11/2018"),
    ],
)
def test_a_fact_that_would_be_refused_is_named(channel, tmp_path, facts, rule, field, says):
    (problem,) = channel.check(a_parcel(tmp_path, facts=facts))
    assert (problem.key, problem.field) == (rule, field)
    assert says in problem.sentence
    assert problem.sentence.endswith(".")


def test_an_act_without_subject_takes_the_title_and_without_title_is_refused(channel, tmp_path):
    assert channel.check(a_parcel(tmp_path, facts={"subject": ""})) == []
    assert rules(channel.check(a_parcel(tmp_path, facts={"subject": ""}, title=" "))) == {("A04", "subject")}


def test_the_subject_is_counted_as_it_will_be_sent(channel, tmp_path):
    assert channel.check(a_parcel(tmp_path, facts={"subject": "a" * 499})) == []
    assert rules(channel.check(a_parcel(tmp_path, facts={"subject": "a" * 498 + "œ"}))) == {
        ("A04", "subject")
    }


@pytest.mark.parametrize(
    ("files", "rule", "says"),
    [
        ([], "A08", "n’a pas d’acte"),
        ([("main", "a.pdf", PDF, None), ("main", "b.pdf", PDF + b"b", None)], "A08", "2 actes"),
        ([("main", "vide.pdf", b"", None)], "A08", "vide"),
        ([("main", "faux.pdf", b"PK\x03\x04", None)], "A08", "quel que soit son nom"),
        ([("main", "image.pdf", PNG, None)], "A08", "PDF"),
        ([("main", "budget.xml", XML, None)], "A08", "nature 5"),
        (
            [("main", "a.pdf", PDF, None), ("attachment", "b.docx", b"PK\x03\x04", None)],
            "A09",
            "Convertissez-la",
        ),
        ([("main", "a.pdf", PDF, None), ("attachment", "b.pdf", b"", None)], "A09", "vide"),
        ([("main", "a.pdf", PDF, "11_AE")], "A10", "11_AE"),
        ([("main", "a.pdf", PDF, "DE")], "A10", "n’est pas permis"),
        (
            [("main", "a.pdf", PDF, None), ("attachment", "b.pdf", PDF, None)],
            "A10",
            "Le type de l’annexe « b.pdf » manque",
        ),
        ([("main", "a.pdf", PDF + b"\0" * 1024 * 1024, None)], "A11", "1 Mio"),
    ],
)
def test_a_file_that_would_be_refused_is_named(channel, tmp_path, files, rule, says):
    made = tuple(a_file(tmp_path, role, name, content, type_code=code) for role, name, content, code in files)
    problems = channel.check(a_parcel(tmp_path, files=made))
    assert [problem.key for problem in problems if problem.key == rule]
    assert any(says in problem.sentence for problem in problems)


@pytest.mark.law("BUD-03")
def test_a_budget_in_xml_goes_with_its_deliberation_in_pdf(channel, tmp_path):
    budget = a_file(tmp_path, "main", "budget.xml", SEALED)
    facts = {"nature": 5, "matter": "7.1.1", "decision_date": "2026-11-12"}
    alone = channel.check(a_parcel(tmp_path, facts=facts, files=(budget,)))
    assert rules(alone) == {("A09", "")}
    with_image = (budget, a_file(tmp_path, "attachment", "p.png", PNG, type_code="70_DE"))
    assert {problem.key for problem in channel.check(a_parcel(tmp_path, facts=facts, files=with_image))} == {
        "A09"
    }
    whole = (budget, a_file(tmp_path, "attachment", "d.pdf", PDF, type_code="70_DE"))
    assert channel.check(a_parcel(tmp_path, facts=facts, files=whole)) == []


@pytest.mark.law("BUD-03")
def test_a_budget_whose_seal_is_broken_or_that_is_none_does_not_leave(channel, tmp_path):
    facts = {"nature": 5, "matter": "7.1.1"}
    deliberation = a_file(tmp_path, "attachment", "d.pdf", PDF, type_code="70_DE")

    def said(content):
        files = (a_file(tmp_path, "main", "budget.xml", content), deliberation)
        (problem,) = channel.check(a_parcel(tmp_path, facts=facts, files=files))
        return problem.key, problem.sentence

    assert said(SEALED.replace(b"12000.00", b"12500.00"))[0] == "A13"
    assert "a changé après le scellement" in said(SEALED.replace(b"12000.00", b"12500.00"))[1]
    assert said(XML)[0] == "A13"
    assert "ni un compte financier unique" in said(XML)[1]
    assert said(SEALED[:-20])[0] == "X01"


def test_a_pdf_that_does_not_open_or_whose_signature_is_broken_does_not_leave(channel, tmp_path):
    def said(content):
        files = (a_file(tmp_path, "main", "acte.pdf", content),)
        return [(one.key, one.sentence) for one in channel.check(a_parcel(tmp_path, files=files))]

    ((rule, sentence),) = said(b"%PDF-1.7\n% coupe")
    assert (rule, "abîmé" in sentence) == ("A12", True)
    ((rule, sentence),) = said(make_signed.tampered())
    assert (rule, "Armel Kervadec" in sentence) == ("A12", True)
    assert said(make_signed.signed()) == []


def test_a_number_that_served_is_refused_with_the_next_one_proposed(channel, tmp_path):
    first = a_parcel(tmp_path)
    channel.send(first, channel.package(first, tmp_path))
    assert channel.check(first) == []
    (problem,) = channel.check(replace(first, key="dossier-58-tour-1", folder_id=58))
    assert (problem.key, problem.field) == ("A02", "number")
    assert "2026_112_1" in problem.sentence


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"siren": "21290999"}, "siren"),
        ({"department": "29"}, "department"),
        ({"district": "12"}, "district"),
        ({"nature": "3"}, "nature"),
        ({"email": "mairie+actes@kerlann.example.org"}, "email"),
        ({"email": "mairie@kerlann.bretagne"}, "email"),
        ({"settings": {"actes_return_email": "x"}}, "email"),
    ],
)
def test_a_collectivity_that_the_prefecture_would_not_know_is_refused(channel, tmp_path, changes, field):
    parcel = a_parcel(tmp_path)
    problems = channel.check(replace(parcel, sender=replace(parcel.sender, **changes)))
    assert rules(problems) == {("E03", field)}


def test_without_an_address_for_the_prefecture_nothing_leaves_and_the_remedy_is_said(channel, tmp_path):
    parcel = a_parcel(tmp_path)
    nowhere = replace(parcel, sender=replace(parcel.sender, email=""))
    (problem,) = channel.check(nowhere)
    assert (problem.key, problem.field) == ("E03", "email")
    assert "aucune adresse de courriel à donner à la préfecture" in problem.sentence
    assert "« Administration › Réglages »" in problem.sentence
    with pytest.raises(Rejected, match="aucune adresse de courriel"):
        channel.package(nowhere, tmp_path)


def test_nothing_is_packed_while_a_rule_is_broken(channel, tmp_path):
    with pytest.raises(Rejected, match="deux niveaux"):
        channel.package(a_parcel(tmp_path, facts={"matter": "7"}), tmp_path)
    with pytest.raises(Rejected, match="schéma"):
        channel.package(a_parcel(tmp_path, facts={"previous_act": "l’ancien"}), tmp_path)


@pytest.mark.law("SIG-10")
def test_a_file_whose_bytes_changed_since_it_was_signed_never_leaves(channel, tmp_path):
    parcel = a_parcel(tmp_path / "store")
    parcel.files[0].path.write_bytes(PDF + b"altered")
    with pytest.raises(Rejected, match="empreinte"):
        channel.package(parcel, tmp_path)
    assert list(tmp_path.glob("*.tar.gz")) == []
