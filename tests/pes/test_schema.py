"""Where a flow leaves the Treasury's schema is told by line, in French; whether it may be deposited is a setting."""

from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.pes.plugs import _Reader
from app.pes.schema import MANY, MOST, Compared, Fault, compare
from tests.builders.flows import edited, long_flow
from tests.builders.house import ASSETS, FLOW
from workflows.family import family

CODE = (b'<TypAdr V="1"/>', b'<TypAdr V="7"/>')


def test_each_fault_has_its_line_and_its_sentence(tmp_path: Path) -> None:
    more = (b'<CodCol V="123"/>', b""), (b'<Sigle V="GF TEST"/>', b""), (b'<NbrPce V="2"/>', b"<NbrPce/>")
    code = b'<Support V="%s"/><IdUnique V="21290999800017D202600000001"/>'
    found = compare(edited(tmp_path, (code % b"01", code % b"99"), *more)).faults
    lines = FLOW.read_bytes().splitlines()
    second = next(n for n, line in enumerate(lines, start=1) if b"BD2026-000002" in line)
    assert found[:4] == [
        Fault(3, "« Adresse » n’est pas attendu ici, mais Sigle"),
        Fault(4, "« CodBud » n’est pas attendu ici, mais FinJur ou CodCol"),
        Fault(6, "« NbrPce » n’a pas son attribut obligatoire"),
        Fault(7, "le code « 99 » de « Support » n’est pas admis"),
    ]
    assert {one.line for one in found[4:]} == {second}


@pytest.mark.parametrize(
    "name", ["kerlann_depenses", "recette_1_bordereau", "depense_signature_globale", "pj_seule_paye"]
)
def test_a_sound_flow_has_no_fault(name: str) -> None:
    assert compare(ASSETS / "pes" / f"{name}.xml") == Compared("5.30", [])


def test_a_flow_follows_the_schema_of_its_time_and_a_newer_one_is_a_remark(tmp_path: Path) -> None:
    """Of 5.24 and later: the contract of a line, the tax of an import. Of tomorrow: an element that nobody knows."""
    vat = edited(tmp_path, (b'<TVAIntraCom V="0"/>', b'<TVAIntraCom V="0"/><TVAImportation V="0"/>'))
    assert b"TVAImportation" in vat.read_bytes()
    assert compare(vat) == Compared("5.30", [])
    old = tmp_path / "old.xml"  # kinds of titres that 5.30 dropped
    old.write_bytes(
        (ASSETS / "pes" / "recette_1_bordereau.xml")
        .read_bytes()
        .replace(b'<TypPce V="01"/>', b'<TypPce V="09"/>')
    )
    assert compare(old) == Compared("5.17", [])
    tomorrow = edited(tmp_path, (b'<TVAIntraCom V="0"/>', b'<TVAIntraCom V="0"/><TVADeDemain V="0"/>'))
    assert compare(tomorrow) == Compared("", [], ("l’élément « TVADeDemain »",))
    # and a code or a longer text, in a flow that is right otherwise; an empty code, or one of another form, is a fault
    sigle = b'<Sigle V="GF TEST"/>'
    newer = edited(tmp_path, CODE, (sigle, b'<Sigle V="%s"/>' % (b"G" * 400)), name="newer.xml")
    said = ("un texte plus long de « Sigle »", "le code « 7 » de « TypAdr »")
    assert compare(newer) == Compared("", [], said)
    for path, words in ((tomorrow, ["l’élément « TVADeDemain »"]), (newer, list(said))):
        read = _Reader(family("pes"), strict=True)(path, "application/xml").content
        assert (read.findings, list(read.newer)) == ([], words)
    assert compare(edited(tmp_path, (CODE[0], b'<TypAdr V=""/>'), name="empty.xml")).faults
    assert compare(edited(tmp_path, (b'<CodCol V="123"/>', b'<CodCol V="1234"/>'), name="code.xml")).faults


def test_what_a_newer_schema_may_allow_is_a_remark_but_never_of_what_is_paid(tmp_path: Path) -> None:
    """An attribute, a code, a wider form, a known element at a new place; and the same of an amount, a party, an account."""
    vat, sigle = b'<TVAIntraCom V="0"/>', b'<Sigle V="GF TEST"/>'
    count = b'<NbrPce V="2"/>'
    newer = edited(
        tmp_path,
        (sigle, b'<Sigle V="GF TEST" Edition="2"/>'),
        (count, b'<NbrPce V="0000002000000"/>'),
        (vat, b'<Description V="x"/>' + vat),
    )
    told = (
        "l’élément « Description » dans « InfoLignePce »",
        "l’attribut « Edition » de « Sigle »",
        "un nombre plus long de « NbrPce »",
    )
    assert compare(newer) == Compared("", [], told)
    for strict in (False, True):  # nothing to look at, and nothing refused
        read = _Reader(family("pes"), strict=strict)(newer, "application/xml").content
        assert list(read.newer) == list(told)
        assert not [one for one in read.findings if one.key == "schema"]
    for was, now, words in (
        (
            vat,
            b'<Bloc><IBAN V="FR7630001007941234567890185"/></Bloc>' + vat,
            "« Bloc » n’est pas attendu ici",
        ),
        (vat, b'<MtRemise V="5.00"/>' + vat, "« MtRemise » n’est pas attendu ici"),
        (vat, b'<Nom V="AUTRE"/>' + vat, "« Nom » n’est pas attendu ici"),
        *(
            (vat, f'<{name} V="5"/>'.encode() + vat, f"« {name} » n’est pas attendu ici")
            for name in (
                "Montant",
                "NumeroCompteEtranger",
                "NewIban",
                "RaisonSociale",
                "Siret",
                "PrixUnitaire",
                "CessOpp",
                "Montant-Net",
            )
        ),
        (b"<MtHT V=", b'<MtHT Devise="USD" V=', "« MtHT » ne suit pas le schéma"),
        (b'<CodCol V="123"/>', b'<CodCol V="12-3"/>', "la valeur « 12-3 » de « CodCol » n’est pas admise"),
        (b"<BlocBordereau>", b'<BlocBordereau V="1">', "« BlocBordereau » ne suit pas le schéma"),
        (sigle, b"", "« Adresse » n’est pas attendu ici, mais Sigle"),
        # a code says how, a name to whom
        (b'<ModRegl V="03"/>', b'<ModRegl V="77"/>', "la valeur « 77 » de « ModRegl » n’est pas admise"),
        (b'<TypBord V="01"/>', b'<TypBord V="77"/>', "la valeur « 77 » de « TypBord » n’est pas admise"),
        (b'<NatPce V="01"/>', b'<NatPce V="99"/>', "la valeur « 99 » de « NatPce » n’est pas admise"),
        (b'<Nom V="PAPETERIE', b'<Nom V="%s' % (b"P" * 200), "la valeur « PPP"),
        (b'<TitCpte V="PAPETERIE', b'<TitCpte V="%s' % (b"P" * 200), "la valeur « PPP"),
        # a fault that stands after what is newer is found all the same, at its own line
        (vat, b'<TVADeDemain V="0"/><MtHT V="2"/>' + vat, "« MtHT » n’est pas attendu ici"),
    ):
        path = edited(tmp_path, (was, now), name="paid.xml")
        first = compare(path).faults[0]
        assert first.text.startswith(words), now
        mark, lines = now.split(vat)[0] or b"<Adresse", path.read_bytes().splitlines()
        assert first.line == next(n for n, line in enumerate(lines, start=1) if mark in line)
        with pytest.raises(Refusal, match="flow-schema"):
            _Reader(family("pes"), strict=True)(path, "application/xml")


def test_the_faults_of_a_flow_are_told_up_to_a_limit(tmp_path: Path) -> None:
    path = long_flow(tmp_path, MANY + 1)
    pieces = path.read_bytes().replace(b"<Piece>", b"\n<Piece>")
    path.write_bytes(pieces.replace(b'<NatPce V="01"/>', b"<NatPce/>"))
    assert len(compare(path).faults) == MOST
    path.write_bytes(pieces.replace(b'<Support V="01"/>', b'<Support V="99"/>'))
    assert compare(path) == Compared("", [], ("le code « 99 » de « Support »",), unfinished=True)
    every = _Reader(family("pes"), strict=False)(path, "application/xml").content.findings
    (told,) = [finding for finding in every if finding.key == "schema"]
    assert told.title == "Comparaison au schéma PES arrêtée"
    with pytest.raises(Refusal, match="flow-schema-unfinished"):
        _Reader(family("pes"), strict=True)(path, "application/xml")
    # Elements that nobody knows stop nothing: what comes after each of them is compared
    unknown = tmp_path / "unknown.xml"
    unknown.write_bytes(pieces.replace(b'<NatPce V="01"/>', b'<NatPce V="01"/><PceDeDemain V="0"/>'))
    assert compare(unknown) == Compared("", [], ("l’élément « PceDeDemain »",))
    unknown.write_bytes(unknown.read_bytes()[:-20])  # cut: told as it is, with nothing left out
    assert compare(unknown).faults


def test_a_body_may_refuse_what_leaves_the_schema_or_have_it_told(tmp_path: Path) -> None:
    path, flows = edited(tmp_path, (b'<NbrPce V="2"/>', b"<NbrPce/>")), family("pes")
    read = _Reader(flows, strict=False)(path, "application/xml")
    assert [one.title for one in read.content.findings if one.key == "schema"] == [
        "Hors des schémas PES connus, ligne 6",
        "Hors des schémas PES connus, ligne 9",
    ]
    with pytest.raises(Refusal) as caught:
        _Reader(flows, strict=True)(path, "application/xml")
    assert caught.value.key == "flow-schema"
    assert caught.value.facts["faults"].startswith("Ligne 6 : « NbrPce » n’a pas son attribut obligatoire.")
    assert _Reader(flows, strict=True)(FLOW, "application/xml").content.findings == []
