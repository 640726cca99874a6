"""Acquits are read per bordereau, piece, line and attachment, and say in French what to correct."""

from pathlib import Path

import pytest

from app.channels.helios.acquit import Verdict, read_acquit, rows_of
from app.channels.helios.anomalies import WORDS
from app.channels.helios.flow import Unreadable, read_flow
from tests.builders.pes import SCHEMAS

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "pes"
FLOW = ASSETS / "depense_2_bordereaux.xml"


def sample(name: str) -> bytes:
    return (ASSETS / f"acquit_{name}.xml").read_bytes()


def test_a_whole_acquit_takes_the_flow():
    acquit = read_acquit(sample("ok"))
    assert acquit.verdict is Verdict.ACCEPTED
    assert acquit.concerns(read_flow(FLOW))
    assert str(acquit.day) == "2025-11-26"


def test_a_refused_line_names_its_mandat_and_what_must_not_be_sent_again():
    acquit = read_acquit(sample("ko_ligne"))
    assert acquit.verdict is Verdict.PARTIAL
    reason = acquit.reason("F1")
    assert "Bordereau 2 de 2025, mandat 2, ligne 1 : 1971 - Compte fonction présent à tort." in reason
    assert "Le bordereau 1 de 2025 est pris en charge : ne le renvoyez pas." in reason
    assert reason.endswith("déposez un nouveau flux sous un autre nom : « F1 » a servi.")
    assert dict(rows_of(acquit))["Mandat 2, ligne 1"] == "1971 - Compte fonction présent à tort"


def test_a_refused_attachment_is_named():
    acquit = read_acquit(sample("ko_pj"))
    assert acquit.verdict is Verdict.PARTIAL
    assert "Pièce jointe 21290000000017D202500000001, cette pièce jointe a déjà été reçue" in acquit.reason(
        "F"
    )
    assert "à ne pas renvoyer : bordereau 1 de 2025, bordereau 2 de 2025." in acquit.reason("F")


def test_a_technical_refusal_refuses_all():
    acquit = read_acquit(sample("ko_technique"))
    assert acquit.verdict is Verdict.REFUSED
    assert (
        "le code collectivité ou le code budget est inconnu du comptable (Budget inconnu)"
        in acquit.reason("F")
    )
    assert "ne le renvoyez pas" not in acquit.reason("F")


def test_a_technical_refusal_beside_accepted_slips_still_refuses_all():
    raw = sample("ok").replace(
        b"<ElementACQUIT>",
        b'<ElementACQUIT><DomaineAck V="2"/><EtatAck V="false"/></ElementACQUIT><ElementACQUIT>',
        1,
    )
    assert read_acquit(raw).verdict is Verdict.REFUSED


def test_true_and_false_are_written_in_two_ways():
    assert (
        read_acquit(sample("ok").replace(b'EtatAck V="1"', b'EtatAck V="true"')).verdict is Verdict.ACCEPTED
    )


def test_the_old_non_acquit_is_a_refusal():
    raw = sample("ok").replace(b"PES_ACQUIT", b"PES_NonAcquit")
    assert read_acquit(raw).verdict is Verdict.REFUSED


def test_an_acquit_that_answers_nothing_decides_nothing():
    raw = sample("ok")
    emptied = raw[: raw.index(b"<ElementACQUIT>")] + b"</ACQUIT></n:PES_ACQUIT>"
    assert read_acquit(emptied).verdict is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"_251125_001", b"_251125_002"),
        (b'CodCol V="123"', b'CodCol V="124"'),
        (b'IdColl V="21290000000017"', b'IdColl V="21290000000025"'),
        (b"<NomFic ", b"<Autre "),
    ],
    ids=["another name", "another code", "another SIRET", "no name"],
)
def test_an_acquit_of_another_flow_does_not_concern_this_one(old, new):
    raw = sample("ok")
    assert old in raw
    assert not read_acquit(raw.replace(old, new)).concerns(read_flow(FLOW))


def test_an_acquit_without_collectivity_code_is_matched_by_its_name():
    raw = sample("ok").replace(b'<CodCol V="123"/>', b"")
    assert read_acquit(raw).concerns(read_flow(FLOW))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>connexion</html>",
        b"%PDF-1.7",
        FLOW.read_bytes(),
        sample("ok")[:900],
        sample("ok").replace(b"<n:PES_ACQUIT", b'<!DOCTYPE a [<!ENTITY x "y">]><n:PES_ACQUIT', 1),
    ],
    ids=["nothing", "html", "pdf", "a flow", "cut", "doctype"],
)
def test_what_is_no_acquit_is_not_taken_for_one(raw):
    assert read_acquit(raw) is None


def test_every_anomaly_of_the_schema_has_its_french():
    schema = (SCHEMAS / "PES_V2" / "CommunAck.xsd").read_text(encoding="utf-8")
    named = {part.split('"')[0] for part in schema.split('value="')[1:] if part.startswith("ERREUR_")}
    assert named - set(WORDS) == {"ERREUR_AUTRE"}  # whose label says it


def test_a_flow_is_read_by_its_header_and_numbers():
    flow = read_flow(FLOW)
    assert (flow.name, flow.code, flow.siret) == (
        "PESALR2_21290000000017_251125_001",
        "123",
        "21290000000017",
    )
    assert [(one.domain, one.number, one.year, one.pieces) for one in flow.slips] == [
        ("5", "1", "2025", ("1", "2")),
        ("5", "2", "2025", ("3", "4")),
    ]
    assert [one.domain for one in read_flow(ASSETS / "recette_1_bordereau.xml").slips] == ["6"]
    assert read_flow(ASSETS / "pj_seule_paye.xml").attachments == ("21290000000017PAYE202511",)


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        b"",
        FLOW.read_bytes()[:2000],
        FLOW.read_bytes().replace(b"<n:PES_Aller", b"<!DOCTYPE a><n:PES_Aller", 1),
        sample("ok"),
    ],
    ids=["another XML", "empty", "cut", "doctype", "acquit"],
)
def test_another_file_is_no_flow(data, tmp_path):
    path = tmp_path / "flow.xml"
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        read_flow(path)
