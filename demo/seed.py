"""Fill an empty installation with Kerlann-sur-Mer, by the same verbs as everybody."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from app.arrivals import routing
from app.arrivals.routing import Destination, Routing
from app.chorus import own, rounds
from app.chorus.wire import NAME as NAME_OF_CHORUS
from app.core.clock import now, today
from app.core.db import reading
from app.folders import decide, deposit, sending
from app.folders.keep import Incoming
from app.folders.models import Folder
from app.invoices import account_file
from app.invoices.enclosed import data_in
from app.people import desks
from app.people.actor import Actor, system
from app.people.login import of_user
from app.people.mandates import Wanted, open_mandate
from app.people.models import Collectivity, User
from app.people.own_settings.changing import change_setting
from app.purchasing import billing, deliveries, drawn
from app.signing import sign
from app.signing.enrol import Proof, enrol
from app.signing.enrolling.possession import statement_of
from app.signing.keys.browser import BrowserKey
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.placing.plan import Chosen, place
from app.signing.ports import Box
from app.transmission.channels import simulator
from app.trust.algorithms import check_signature
from app.trust.algorithms import of as algorithm_of
from app.trust.certificates import facts
from config import settings
from demo import papers
from demo.cast import (
    ACCOUNTS,
    DEPUTY,
    DESKS,
    EVERYBODY,
    NAME,
    PASSWORD,
    POSTAL_CODE,
    SECRETARY,
    SIREN,
    Account,
)
from demo.chorus import deposits
from demo.chorus.state import CLIENT, LOGIN, SECRET
from demo.chorus.state import PASSWORD as ACCOUNT_WORD
from demo.pki import TestPki
from workflows.mandates import Kind
from workflows.vocabulary import Right

ACT = "acts/deliberation-2026-057-subvention.pdf"
MAYOR_S_BOX, SECRETARY_S_BOX = Box(1, 150, 708, 290, 760), Box(1, 378, 708, 518, 760)
"""In the two boxes that the act draws for those who sign it, beside their names."""
FLOWS = ("pes/kerlann_depenses.xml", "pes/kerlann_paye.xml")
SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "assets"


def is_seeded() -> bool:
    """Whether the commune is already there."""
    with reading() as db:
        return db.scalar(sa.select(Collectivity.id).where(Collectivity.siren == SIREN)) is not None


def seed(pki: TestPki) -> None:
    """Create the commune, its people with their certificates and mandates, and a few folders on their way.

    The test authority answers meanwhile: an order is signed.
    """
    people(EVERYBODY)
    for account in EVERYBODY:
        if account.certificate:
            enrolled(actor_of(account.login), Pkcs12Key.load(pki.p12(account.certificate), pki.passphrase))
    mandates()
    accounts()
    folders()
    order(Pkcs12Key.load(pki.p12("a_kervadec"), pki.passphrase))
    chorus()


def accounts() -> None:
    """The accounts that the finance software knows of the suppliers of the demonstration: another one is told."""
    lines = (
        f"{supplier.name};{supplier.siret};{deposits.iban_of(supplier)}"
        for supplier in (papers.HEATING, papers.JOINERY)
    )
    account_file.bring_in(actor_of("k.morizur"), "\n".join(("Fournisseur;SIRET;IBAN", *lines)).encode())


def chorus() -> None:
    """A technical account on the simulated Chorus Pro, where a few invoices wait, and the desk that sorts what arrives."""
    administrator = actor_of("k.morizur")
    for name, value, key in ((own.APPLICATION, CLIENT, SECRET), (own.ACCOUNT, LOGIN, ACCOUNT_WORD)):
        keys = {own.APPLICATION: own.APPLICATION_KEY, own.ACCOUNT: own.ACCOUNT_KEY}
        change_setting(administrator, name, {name: value, keys[name]: key})
    routing.choose(administrator, Routing(otherwise=Destination("comptabilite", "", service="technique")))
    simulated = simulator(NAME_OF_CHORUS)
    if simulated is not None:
        for days, kind in enumerate((deposits.PDF, deposits.DATA, deposits.WORKS, deposits.FACTURX)):
            deposits.deposit(simulated(settings()), kind, now() - timedelta(days=9 - 2 * days))
    rounds.ask(system(administrator.collectivity_id))


def enrolled(actor: Actor, key: Pkcs12Key) -> None:
    """Enrol a certificate as its holder does: its key signs the sentence. No authority answers yet, so none is asked."""
    der = key.certificate
    statement = statement_of(facts(der), actor).encode()
    check_signature(der, key.sign(statement), statement, algorithm_of(der).digest)
    enrol(actor, actor.user_id or 0, facts(der), der, proof=Proof.CHALLENGE)


def people(accounts: Sequence[Account] = ACCOUNTS) -> int:
    """The commune, its desks, these accounts and who holds what; returns the commune's number."""
    commune_id = desks.create_collectivity(
        SIREN, NAME, department="029", district="1", nature="31", settings={}
    )
    desks.place(SIREN, NAME, POSTAL_CODE)
    for key, name, parent in DESKS:
        desks.create_desk(commune_id, key, name, parent=parent)
    for account in accounts:
        desks.create_user(
            commune_id,
            account.login,
            email=account.email,
            first_name=account.first_name,
            last_name=account.last_name,
            capacity=account.capacity,
            password=PASSWORD,
            administrator=account.administrator,
        )
        for desk, rights in account.seats:
            desks.seat(commune_id, desk, account.login, [Right(right) for right in rights.split(",")])
        met(account.login)
    return commune_id


def met(login: str) -> None:
    """Let somebody of the commune be one who has worked here before: neither welcomed, nor guided."""
    user_id = actor_of(login).user_id or 0
    desks.note_arrival(user_id)
    desks.show_guide(user_id, shown=False)


def mandates() -> None:
    """The mayor's office, and what he delegates to his deputy."""
    administrator, day = actor_of("k.morizur"), timedelta(days=1)
    mayor = Wanted(actor_of("a.kervadec").user_id or 0, Kind.MAYOR, "le maire", today() - 240 * day)
    delegation = Wanted(
        actor_of(DEPUTY.login).user_id or 0,
        Kind.FUNCTION,
        "l’adjointe aux finances",
        today() - 230 * day,
        order_number="ARR-2026-031",
        order_date=today() - 233 * day,
        families=("invoice",),
        ceiling_cents=10_000_00,
        elected=True,
    )
    for mandate in (mayor, delegation):
        open_mandate(administrator, mandate)


def actor_of(login: str) -> Actor:
    """A person of the commune, as a verb sees him or her."""
    with reading() as db:
        user = db.scalars(sa.select(User).where(User.login == login)).one()
        return of_user(db, user, NAME)


def folders() -> None:
    """Some folders where a visitor finds them: to approve, to sign, to complete."""
    accountant, technician, finance = (
        actor_of(login) for login in ("g.trehorel", "r.pellenec", "n.abgrallec")
    )
    heating = "Entretien de la chaudière de l’école du Port"
    first = _invoice(accountant, papers.HEATING, "RA-2026-118", heating, Decimal(640), 3)
    second = _invoice(
        accountant, papers.JOINERY, "F26-11-005", "Fenêtres de la médiathèque", Decimal(2400), 18
    )
    for folder_id, steps in ((first, ()), (second, (technician, finance))):
        for who in steps:
            decide.approve(who, folder_id, version=_version(folder_id), comment="")
    flow = _deposit(accountant, "pes", FLOWS[0])
    sending.send(accountant, flow, version=_version(flow))
    decide.approve(finance, flow, version=_version(flow), comment="")
    payroll = actor_of("m.kerzerho")
    pay = _deposit(payroll, "pes_payroll", FLOWS[1])
    sending.send(payroll, pay, version=_version(pay))
    secretary, signatory = actor_of("k.morizur"), actor_of(SECRETARY.login).user_id
    act = _deposit(secretary, "deliberation", ACT)
    typed = {
        "number": "2026-057",
        "decision_date": "2026-09-24",
        "subject": "Subvention de fonctionnement au Cercle nautique de Porz-Izel, convention d’objectifs 2026-2027",
        "nature": "1",
        "matter": "7.5.2",
        "sitting_secretary": str(signatory),
    }
    version = deposit.save(secretary, act, version=_version(act), title=None, facts=typed)
    version = place(secretary, act, version=version, boxes=stamps(signatory))
    sending.send(secretary, act, version=version)


def stamps(secretary: int | None) -> Chosen:
    """Where the mayor and this secretary of the sitting sign the act: each in the box that bears his name."""
    return {
        ("signatures", "desk:maire"): MAYOR_S_BOX,
        ("signatures", f"person:{secretary}"): SECRETARY_S_BOX,
    }


def order(key: Pkcs12Key) -> None:
    """An order that the mayor signed, delivered in part, and the invoice of all of it, which waits for the service."""
    technician, mayor = actor_of("r.pellenec"), actor_of("a.kervadec")
    work = "Remplacement des volets de l’école du Port"
    lines = [
        {"designation": work, "quantity": "1", "price": "1980.00", "vat": "20"},
        {"designation": papers.VISITS, "quantity": "3", "price": f"{papers.VISIT}", "vat": "20"},
    ]
    supplier = papers.JOINERY
    billed = (
        (billing.BILLED_TO, papers.SIRET),
        (billing.ADDRESS, f"1 place de la Mairie\n{POSTAL_CODE} {NAME}"),
    )
    for name, value in billed:
        change_setting(actor_of("k.morizur"), name, {name: value})
    facts = {
        "object": "Volets de l’école du Port",
        "seller": supplier.name,
        "seller_siret": supplier.siret,
        "seller_email": "commandes@menuiserie-arzel-huon.example",
        "engagement": "2026-E-0398",
        "budget_line": "011 / 615221",
        "delivery_place": "École du Port",
        "lines": lines,
    }
    number = drawn.begin_order(technician)
    deposit.save(technician, number, version=_version(number), title=None, facts=facts)
    drawn.put(technician, number)
    sending.send(technician, number, version=_version(number))
    decide.approve(actor_of("n.abgrallec"), number, version=_version(number), comment="")
    external = BrowserKey(key.certificate, tuple(key.chain))
    ready = sign.prepare(mayor, number, version=_version(number), key=external)
    sign.complete(mayor, ready.session, [key.sign(part.attributes) for part in ready.prepared])
    came = deliveries.Arrived(today(), {0: "1", 1: "2"}, "Un volet reste à régler.")
    deliveries.deliver(technician, number, version=_version(number), arrived=came)
    with reading() as db:
        reference = db.get_one(Folder, number).number
    _invoice(actor_of("g.trehorel"), supplier, "F26-11-019", work, Decimal(1980), 1, order_ref=reference)


def _invoice(
    actor: Actor,
    supplier: papers.Supplier,
    number: str,
    work: str,
    price: Decimal,
    days: int,
    **more: str,
) -> int:
    """An invoice received so many days ago, sent two days before."""
    sample = data_in(SAMPLES / "invoices" / "fx-basic-fr-ok.pdf")[1]
    with TemporaryDirectory(prefix="paraphe-demo-") as room:
        path = Path(room) / f"{number}.xml"
        papers.invoice(sample, path, supplier, number, today() - timedelta(days=days + 2), work, price)
        folder_id = deposit.deposit(actor, "invoice", [Incoming(path, path.name)]).folder_id
    day = (today() - timedelta(days=days)).isoformat()
    received = {"received_on": day, "proof_of_service": "technique", **more}
    version = deposit.save(actor, folder_id, version=_version(folder_id), title=None, facts=received)
    sending.send(actor, folder_id, version=version)
    return folder_id


def _deposit(actor: Actor, family: str, name: str) -> int:
    with TemporaryDirectory(prefix="paraphe-demo-") as room:
        path = Path(room) / Path(name).name
        sample = (SAMPLES / name).read_bytes()
        path.write_bytes(papers.flow(sample) if path.suffix == ".xml" else sample)
        return deposit.deposit(actor, family, [Incoming(path, path.name)]).folder_id


def _version(folder_id: int) -> int:
    with reading() as db:
        return db.scalars(sa.select(Folder.version).where(Folder.id == folder_id)).one()
