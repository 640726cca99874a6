"""What Chorus Pro tells of an invoice weighs as what its file says: it is not typed over unseen, and keeps what must not be paid."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.chorus import answering, rounds
from app.chorus.models import ChorusInvoice, ChorusRound, ChorusStatus
from app.core import outbox
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import sending
from app.folders.models import Folder
from app.invoices import interrupting
from app.invoices.clock import delay_of
from app.people.actor import system
from demo.chorus import answers, deposits
from demo.chorus.state import File, pass_to
from tests.builders.house import ACT, ASSETS
from tests.chorus.test_fetching import (
    G,
    K,
    N,
    R,
    _no_token,  # noqa: F401 (fixture)
    chorus,  # noqa: F401 (fixture)
    folder_of,
    known,
    look,
    passed,
    sent,
    words,
)

pytestmark = pytest.mark.in_turn
STRUCTURES, SEARCH = (
    "transverses/v1/recuperer/structures/actives/destinataire",
    "factures/v1/rechercher/recipiendaire",
)


def give(chorus, number: int, status: str, ago: timedelta = timedelta()) -> None:  # noqa: F811
    """A status that somebody gives on the portal."""
    with chorus.state.written() as line:
        pass_to(line, number, status, now() - ago)


def states() -> dict[int, str]:
    return {row.cpro_id: row.state for row in known()}


def refused(do) -> str:
    with pytest.raises(Refusal) as refusal:
        do()
    return f"{refusal.value.key} {refusal.value.facts.get('details', '')}"


def test_an_invoice_that_is_not_ours_yet_is_fetched_once_it_is(house, chorus) -> None:  # noqa: F811
    ago = timedelta(hours=3)
    recycled, coming, works = (
        deposits.deposit(chorus, kind, now() - ago) for kind in (deposits.PDF, deposits.DATA, deposits.WORKS)
    )
    over = deposits.deposit(chorus, deposits.PDF, now() - ago)
    for number, status in (
        (recycled, "A_RECYCLER"),
        (coming, "EN_COURS_ACHEMINEMENT"),
        (works, "A_VALIDER_1"),
        (over, "COMPTABILISEE"),
    ):
        give(chorus, number, status, timedelta(hours=2))
    look(house)
    assert states() == {recycled: "seen", coming: "seen", works: "fetched", over: "past"}
    assert words(house.client(K).get("/administration/chorus")).count("attendue, pas encore mise") == 2
    for number in (recycled, coming):
        give(chorus, number, "MISE_A_DISPOSITION")
    look(house)
    assert states() == {recycled: "fetched", coming: "fetched", works: "fetched", over: "past"}


def test_a_structure_that_comes_later_has_its_older_invoices_and_one_refused_stops_no_other(
    house,
    chorus,  # noqa: F811
    monkeypatch,
) -> None:
    look(house)
    late, shut = (25784153, "21290999800022", "CCAS"), (111, "21290999800099", "EAU")
    search = answers._CALLS[SEARCH]

    def structures(_line, _question, account, _moment):
        rows = [shut, tuple(account[:3]), late]
        keys = ("idStructureCPP", "identifiant", "designationStructure")
        return {**answers.FINE, "listeStructures": [dict(zip(keys, row, strict=True)) for row in rows]}

    def searched(line, question, account, moment):
        mine = (*late, "") if question.get("idDestinataire") == late[0] else account
        return search(line, question, mine, moment)

    monkeypatch.setitem(answers._CALLS, STRUCTURES, structures)
    monkeypatch.setitem(answers._CALLS, SEARCH, searched)
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=40), structure=late[0])
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE chorus_account SET structures_at = NULL"))
    look(house)
    assert number in states()
    with reading() as db:
        last = db.scalars(sa.select(ChorusRound).order_by(ChorusRound.id.desc())).first()
    assert "EAU (21290999800099)" in last.fault


def test_what_it_tells_of_a_pdf_is_no_empty_field_to_type_over(house, chorus) -> None:  # noqa: F811
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=25))
    look(house)
    folder = folder_of(number)
    made = folder.fields
    wrong = {
        "number": "X-1",
        "total_ht": "45.50",
        "total_vat": "9.10",
        "total_ttc": "54.60",
        "iban": "FR7630006000011234567890189",
        "received_on": today().isoformat(),
        "frame": "A2",  # paid by card: no delay would run
        "proof_of_service": "technique",
    }
    house.save(folder.id, G, wrong)
    sending.send(house.actor(G), folder.id, version=folder_of(number).version)
    page = words(house.client(R).get(f"/dossiers/{folder.id}"))
    for label, value in (("Numéro de facture", made["number"]), ("Montant TTC", "546,00 €"), ("IBAN", "")):
        assert f"« {label} » corrigé" in page
        assert f"Chorus Pro dit {value}" in page
    # The first of the two days starts the delay, whatever was typed
    assert delay_of(folder_of(number)).clock.day == 25


def test_what_must_not_be_paid_waits_before_the_finances(house, chorus) -> None:  # noqa: F811
    kinds = (deposits.PDF, deposits.PAID, deposits.OTHER, deposits.FACTURX)
    rejected, paid, elsewhere, ours = (
        deposits.deposit(chorus, kind, now() - timedelta(days=3)) for kind in kinds
    )
    look(house)
    other = sa.update(ChorusInvoice).where(ChorusInvoice.cpro_id == ours)
    with engine().begin() as connection:  # its file names us, and Chorus Pro another body
        connection.execute(other.values(buyer_siret="24450001100015"))
    assert "SIRET 24450001100015" in words(house.client(G).get(f"/dossiers/{folder_of(ours).id}/brouillon"))
    for number in (rejected, paid, elsewhere):
        house.approve(sent(house, number).id, R)  # the service is attested all the same
    give(chorus, rejected, "REJETEE")
    look(house)
    for number, told in (
        (rejected, "Elle est rejetée sur Chorus Pro"),
        (paid, "Facture déjà payée par carte d’achat"),
        (elsewhere, "Facture adressée à un autre organisme"),
    ):
        folder = folder_of(number)
        assert told in words(house.client(N).get(f"/dossiers/{folder.id}"))
        assert number == rejected or told in words(house.client(N).get("/a-traiter"))
        assert told in refused(lambda folder=folder: house.approve(folder.id, N))
    for number in (rejected, paid):  # no delay runs of what is not to be paid
        page = words(house.client(G).get(f"/dossiers/{folder_of(number).id}"))
        assert "Mandat à émettre" not in page
        assert delay_of(folder_of(number)) is None
    assert "SIRET 24450001100015" in words(house.client(N).get(f"/dossiers/{folder_of(elsewhere).id}"))
    card = folder_of(paid)
    assert "aucun numéro n’est à donner" in words(house.client(G).get(f"/dossiers/{card.id}/chorus"))
    assert "chorus-unsigned" in refused(
        lambda: answering.mandate(house.actor(G), card.id, version=card.version, number="2026-1")
    )
    assert "chorus-unsigned" in refused(lambda: answering.mandated(house.actor(G), card.id, number="2026-1"))
    act = house.deposit(K, "other", ACT)
    assert "mandate-none" in refused(lambda: answering.mandated(house.actor(K), act, number="2026-1"))


def test_what_was_added_is_an_alert_before_it_came_and_without_an_account_too(house, chorus) -> None:  # noqa: F811
    early, bare = (deposits.deposit(chorus, deposits.PDF, now() - timedelta(hours=5)) for _ in range(2))
    with chorus.state.written() as line:
        (data,) = line.execute("SELECT data FROM invoice WHERE id = ?", (bare,)).fetchone()
        line.execute(
            "UPDATE invoice SET data = ? WHERE id = ?", (json.dumps({**json.loads(data), "iban": ""}), bare)
        )
    give(chorus, early, "SUSPENDUE", timedelta(hours=2))
    deposits.complete(chorus, early, now() - timedelta(hours=1), iban="FR7630006000011234567890189")
    look(house)
    for number in (early, bare):
        house.approve(sent(house, number).id, R)
    deposits.complete(chorus, bare, now())
    look(house)
    for number, told in (
        (early, "Autre compte dans une pièce ajoutée"),
        (bare, "Facture complétée par le fournisseur"),
    ):
        folder = folder_of(number)
        assert told in words(house.client(N).get(f"/dossiers/{folder.id}"))
        assert told in refused(lambda folder=folder: house.approve(folder.id, N))


def test_an_invoice_inside_another_is_a_folder_apart_and_one_rejected_before_it_came_has_no_clock(
    house,
    chorus,  # noqa: F811
) -> None:
    double, rejected = (deposits.deposit(chorus, deposits.PDF, now() - timedelta(hours=5)) for _ in range(2))
    inside = (ASSETS / "invoices" / "fx-extended-de-marchandises.pdf").read_bytes()
    with chorus.state.written() as line:
        deposits._attach(line, double, 9, File("autre facture.pdf", "Autre", inside))
    look(house)
    with reading() as db:
        folders = db.scalars(sa.select(Folder).order_by(Folder.id)).all()
        parked = db.scalars(sa.select(Outbox.last_error).where(Outbox.state == "parked")).all()
    assert (len(folders), parked) == (3, [])
    assert folder_of(double).id != folders[-1].id
    assert delay_of(folder_of(rejected)) is not None
    give(chorus, rejected, "REJETEE")
    look(house)
    assert delay_of(folder_of(rejected)) is None
    early = deposits.deposit(chorus, deposits.PDF, now() - timedelta(hours=5))
    rounds.ask(system(1))
    row = outbox.take_of(rounds.KIND)  # it is listed, and rejected before anybody fetches it
    assert row
    outbox.do(row)
    give(chorus, early, "REJETEE")
    look(house)
    assert delay_of(folder_of(early)) is None


def test_a_suspension_that_is_not_taken_is_told_and_the_delay_stops_once(house, chorus) -> None:  # noqa: F811
    number, other = (
        deposits.deposit(chorus, kind, now() - timedelta(days=12)) for kind in (deposits.PDF, deposits.DATA)
    )
    look(house)
    folder = sent(house, number)
    give(chorus, number, "MANDATEE")

    def interrupt() -> None:
        interrupting.interrupt(
            house.actor(R),
            folder.id,
            version=folder_of(number).version,
            notified=today() - timedelta(days=3),
            reason="Bon de livraison manquant",
        )

    # One that is over before it could be said there is not said: nothing else could be said of the invoice afterwards
    over = sent(house, other)
    notified = today() - timedelta(days=3)
    interrupting.interrupt(
        house.actor(R), over.id, version=over.version, notified=notified, reason="Bon de livraison manquant"
    )
    interrupting.resume(
        house.actor(R), over.id, version=folder_of(other).version, complete=today(), word="Bon reçu"
    )
    house.approve(over.id, R)
    look(house)
    assert passed(chorus, other) == ["SERVICE_FAIT"]
    assert (
        "Suspendue, par Ronan Pellenec : gardé ici « Bon de livraison manquant » Tout ce qui manquait était"
        in words(house.client(R).get(f"/dossiers/{over.id}/chorus"))
    )
    interrupt()
    look(house)
    mine = sa.select(ChorusStatus).join(ChorusInvoice, ChorusInvoice.id == ChorusStatus.invoice_id)
    with reading() as db:
        status = db.scalars(mine.where(ChorusInvoice.cpro_id == number)).one()
    assert (status.status, status.state) == ("SUSPENDUE", "refused")
    assert passed(chorus, number) == []
    assert "la facture n’est pas suspendue sur Chorus Pro" in words(
        house.client(R).get(f"/dossiers/{folder.id}")
    )
    with engine().begin() as connection:  # a day of reception that puts the notice out of the delay
        table = Folder.__table__
        fields = {**folder.fields, "received_on": today().isoformat()}
        connection.execute(sa.update(table).values(fields=fields, sources={**_sources(number), "files": []}))
    assert "delay-interrupted" in refused(interrupt)
    assert "Interrompre le délai…" not in words(house.client(R).get(f"/dossiers/{folder.id}"))


def test_what_an_older_version_left_undone_is_mended_and_another_seller_there_is_told(
    house,
    chorus,  # noqa: F811
) -> None:
    ago = now() - timedelta(days=3)
    untied, works, foreign = (
        deposits.deposit(chorus, kind, ago) for kind in (deposits.PDF, deposits.WORKS, deposits.DATA)
    )
    with chorus.state.written() as line:
        line.execute(
            "UPDATE invoice SET data = json_set(data, '$.seller_siret', '73282932000074') WHERE id = ?",
            (foreign,),
        )
    look(house)
    ids = {number: folder_of(number).id for number in (untied, works, foreign)}
    with engine().begin() as connection:
        folder, invoice = Folder.__table__, ChorusInvoice.__table__
        fields, sources = dict(folder_of(works).fields), dict(folder_of(works).sources)
        assert fields.pop("frame") == "A4"
        sources.pop("files")
        connection.execute(
            sa.update(folder).where(folder.c.id == ids[works]).values(fields=fields, sources=sources)
        )
        connection.execute(
            sa.update(invoice).where(invoice.c.cpro_id == untied).values(folder_id=None, folder_version=0)
        )
        connection.execute(sa.update(invoice).where(invoice.c.cpro_id == works).values(frame=""))
        connection.execute(sa.text("UPDATE chorus_account SET structures_at = NULL"))
    look(house)
    assert folder_of(untied).id == ids[untied]
    assert folder_of(works).fields["frame"] == "A4"
    for number, told in ((untied, "n’y était pas reliée"), (works, "Projet de décompte mensuel")):
        assert told in words(house.client(G).get(f"/dossiers/{ids[number]}?onglet=journal"))
    versions = {number: folder_of(number).version for number in ids}
    look(house)  # once
    assert versions == {number: folder_of(number).version for number in ids}
    page = words(house.client(R).get(f"/dossiers/{sent(house, foreign).id}"))
    assert "Déposée sur Chorus Pro par un autre que son vendeur" in page
    assert "le fournisseur est le SIRET 73282932000074" in page


def _sources(number: int) -> dict:
    return dict(folder_of(number).sources)


def test_a_mandate_that_was_asked_again_is_not_said_under_its_former_number(house, chorus) -> None:  # noqa: F811
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=3))
    look(house)
    sent(house, number)
    with engine().begin() as connection:
        for mandate, state in (("2026-1", "refused"), ("2026-2", "waiting")):
            row = {"status": "MANDATEE", "cause": mandate, "mandate": mandate, "state": state, "motive": ""}
            more = {"who": "G", "asked_at": now(), "trouble": "", "settled_at": None}
            owner = {"collectivity_id": 1, "invoice_id": known()[0].id}
            connection.execute(sa.insert(ChorusStatus.__table__).values(**row, **more, **owner))
    with reading() as db:
        first = db.scalars(sa.select(ChorusStatus).where(ChorusStatus.mandate == "2026-1")).one()
    assert "chorus-settled" in refused(lambda: answering.again(house.actor(K), first.id))
