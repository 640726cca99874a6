"""The documented calls, answered in their shapes and with the oddities that the real ones were seen to have.

Sources: AIFE, Swagger of « Factures »; CPPFacturePivot_V2_02.xsd.
"""

import io
import re
import sqlite3
import zipfile
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from app.core.clock import PARIS
from demo.chorus.state import Invoice, invoice_of, invoices, pass_to

Said = dict[str, Any]
FINE: Final = {"codeRetour": 0, "libelle": "TRA_MSG_00.000"}
ODD: Final = {"codeRetour": 0, "libelle": "CODE PAR DEFAUT"}
UNKNOWN: Final = {"codeRetour": 20000, "libelle": "GDP_MSG_11.008"}
NO_RIGHT: Final = {"codeRetour": 20001, "libelle": "GDP_MSG_11.005"}
INCOHERENT: Final = {
    "codeRetour": 20002,
    "libelle": "Incohérence au niveau du statut d'origine ou de destination de la facture.",
}
NO_MOTIVE: Final = {"codeRetour": 20003, "libelle": "Le motif est obligatoire pour ce statut."}
OURS: Final = ("REJETEE", "SUSPENDUE", "SERVICE_FAIT", "MANDATEE")
THEIRS: Final = ("MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT")
MATRIX: Final = {
    "MISE_A_DISPOSITION": {*OURS, "A_RECYCLER", *THEIRS},
    "COMPLETEE": {*OURS, "A_RECYCLER", *THEIRS},
    "SERVICE_FAIT": {"REJETEE", "SUSPENDUE", "MANDATEE", "A_RECYCLER", *THEIRS},
    "MANDATEE": {"REJETEE", *THEIRS},
    "MISE_A_DISPOSITION_COMPTABLE": {"REJETEE", *THEIRS},
    "SUSPENDUE": {"REJETEE"},
}
MOST_PER_PAGE: Final = 1000
MARK: Final = "FACTICE, du simulateur de Paraphe"


def respond(
    line: sqlite3.Connection, path: str, question: Said, account: tuple[int, str, str, str], moment: datetime
) -> Said | None:
    """What a call answers; None for a path that does not exist. `account`: structure, SIRET, name, end of the password."""
    answer = _CALLS.get(path)
    return None if answer is None else answer(line, question, account, moment)


def _rates(_line: sqlite3.Connection, _question: Said, _account: Any, _moment: datetime) -> Said:
    rate = {"codeTauxTva": "TVA1", "libelleTauxTva": "Art 293B(FranchiseEnBase)", "valeurTauxTva": 0}
    return {**FINE, "listeTauxTva": [rate]}


def _structures(_line: sqlite3.Connection, _question: Said, account: Any, _moment: datetime) -> Said:
    structure, siret, name, _ends = account
    listed = {"idStructureCPP": structure, "identifiant": siret, "designationStructure": name}
    return {**FINE, "listeStructures": [listed]}


def _structure(_line: sqlite3.Connection, question: Said, account: Any, _moment: datetime) -> Said:
    structure, siret, name, ends = account
    if question.get("idStructure") != structure:
        return NO_RIGHT
    general = {
        "identifiantStructure": siret,
        "designationStructure": name,
        "dateExpirationMotPasseCompteTech": ends or None,
    }
    parameters = {"codeServiceDoitEtreRenseigne": False, "numeroEJDoitEtreRenseigne": False}
    return {**FINE, "informationGenerales": general, "parametres": parameters}


def _services(line: sqlite3.Connection, question: Said, account: Any, _moment: datetime) -> Said:
    if question.get("idStructure") != account[0]:
        return NO_RIGHT
    rows = line.execute("SELECT id, code, name FROM service WHERE structure = ? ORDER BY code", (account[0],))
    services = [
        {"idService": str(number), "codeService": code, "libelleService": name, "estActif": True}
        for number, code, name in rows
    ]
    place = {"pageCourante": 1, "pages": 1, "nbResultatsParPage": 1000, "total": len(services)}
    return {**FINE, "parametresRetour": place, "listeServices": services}


def _search(line: sqlite3.Connection, question: Said, account: Any, _moment: datetime) -> Said:
    if question.get("idDestinataire") != account[0]:
        return NO_RIGHT
    where, values = "structure = ? AND kind = ?", [account[0], question.get("typeDemandePaiement", "FACTURE")]
    if (number := question.get("idServiceExecutant")) is not None:
        service = line.execute(
            "SELECT code, barred FROM service WHERE id = ? AND structure = ?", (number, account[0])
        ).fetchone()
        if service is None or service[1]:
            return NO_RIGHT
        where, values = f"{where} AND data ->> '$.service' = ?", [*values, service[0]]
    if since := question.get("periodeDateHeureEtatCourantDu"):
        where, values = f"{where} AND since >= ?", [*values, _aware(since)]
    if until := question.get("periodeDateHeureEtatCourantAu"):
        where, values = f"{where} AND since <= ?", [*values, _aware(until)]
    if (taken := question.get("factureTelechargeeParDestinataire")) is not None:
        where, values = f"{where} AND taken = ?", [*values, int(bool(taken))]
    (total,) = line.execute(f"SELECT count(*) FROM invoice WHERE {where}", values).fetchone()
    if not total:
        places = dict.fromkeys(("pageCourante", "pages", "nbResultatsParPage", "total"))
        return {"codeRetour": 20000, "libelle": "TRA_MSG_00.015", **places, "listeFactures": []}
    wanted = question.get("paramRecherche") or {}
    page, size = int(wanted.get("pageResultatDemandee") or 1), int(wanted.get("nbResultatsParPage") or 10)
    size = min(size, MOST_PER_PAGE)
    rows = invoices(line, f"{where} ORDER BY id LIMIT ? OFFSET ?", (*values, size, (page - 1) * size))
    pages = -(-total // size)
    if page > pages:
        return {"codeRetour": 20000, "libelle": "TRA_MSG_00.015", "listeFactures": None}
    place = {"pageCourante": page, "pages": pages, "nbResultatsParPage": size, "total": total}
    return {**FINE, **place, "listeFactures": [_listed(row, account, odd=page % 2 == 1) for row in rows]}


def _listed(invoice: Invoice, account: Any, *, odd: bool) -> Said:
    data = invoice.data
    return {
        "idFacture": str(invoice.id) if odd else invoice.id,
        "devise": "EUR",
        "typeDemandePaiement": invoice.kind,
        "codeFournisseur": data["seller_siret"],
        "typeIdentifiantFournisseur": "SIRET",
        "designationFournisseur": data["seller"],
        "idDestinataire": invoice.structure,
        "codeDestinataire": account[1],
        "designationDestinataire": account[2],
        "idServiceExecutant": None,
        "codeServiceExecutant": data["service"] or None,
        "nomServiceExecutant": data["service_name"] or None,
        "typeFacture": "AVOIR" if data["type_code"] == "381" else "FACTURE",
        "numeroFacture": data["number"],
        "dateFacture": data["issue_date"],
        "dateDepot": data["deposited"],
        "montantHT": float(data["total_ht"]),
        "montantTTC": float(data["total_ttc"]),
        "montantAPayer": float(data["total_ttc"]),
        "statut": invoice.status,
        "numeroBonCommande": data["order_ref"] or None,
        "factureTelechargeeParDestinataire": invoice.taken,
        "dateHeureEtatCourant": datetime.fromisoformat(invoice.since)
        .astimezone(PARIS)
        .isoformat(timespec="milliseconds"),
    }


def _history(line: sqlite3.Connection, question: Said, account: Any, _moment: datetime) -> Said:
    invoice = _mine(line, question.get("idFacture"), account)
    if invoice is None:
        return UNKNOWN
    rows = line.execute(
        "SELECT id, status, at, comment, who FROM passed WHERE invoice = ? ORDER BY id DESC", (invoice.id,)
    ).fetchall()
    passed = [
        {
            "histoStatutId": 8548000 + row[0],
            "histoStatutCode": row[1],
            "histoStatutDatePassage": _minutes(row[2]),
            "histoStatutCommentaire": row[3],
            "histoStatutUtilisateurNom": row[4],
            "histoStatutUtilisateurPrenom": "",
        }
        for row in rows[: int(question.get("nbResultatsMaximum") or 10)]
    ]
    statuses = {
        "histoStatut": passed,
        "pageCouranteHistoStatut": 1,
        "pagesHistoStatut": 1,
        "totalHistoStatut": len(rows),
    }
    return {
        "codeRetour": 0,
        "libelle": "GCU_MSG_01_000",
        "idFacture": invoice.id,
        "numeroFacture": invoice.data["number"],
        "modeDepot": "DEPOT_PDF_API",
        "statutCourantCode": invoice.status,
        "historiquesDesStatuts": statuses,
        "historiquesDesActionsUtilisateurs": {"histoAction": [], "totalHistoAction": 0},
    }


def _download(line: sqlite3.Connection, question: Said, account: Any, _moment: datetime) -> Said:
    wanted = [_mine(line, row.get("idFacture"), account) for row in question.get("listeFacture") or []]
    units = [invoice for invoice in wanted if invoice is not None]
    if not units or len(units) < len(wanted):
        return UNKNOWN
    if question.get("format") != "PIVOT":
        return {"codeRetour": 20003, "libelle": "Le format demandé n'est pas pris en charge."}
    for unit in units:
        line.execute("UPDATE invoice SET taken = 1 WHERE id = ?", (unit.id,))
    return {**ODD, "fichierResultat": b64encode(_pivot(line, units, account)).decode()}


def _targets(_line: sqlite3.Connection, question: Said, _account: Any, _moment: datetime) -> Said:
    possible = sorted(MATRIX.get(question.get("statutCourant", ""), ()))
    return {
        **FINE,
        "listeStatutsPossiblesPourTraitement": [
            {"statutPossiblePourTraitement": status} for status in possible
        ],
    }


def _treat(line: sqlite3.Connection, question: Said, account: Any, moment: datetime) -> Said:
    invoice, status = _mine(line, question.get("idFacture"), account), question.get("nouveauStatut", "")
    if invoice is None:
        return UNKNOWN
    if status not in MATRIX.get(invoice.status, ()):
        return INCOHERENT
    if status in {"REJETEE", "SUSPENDUE"} and not question.get("motif"):
        return NO_MOTIVE
    pass_to(line, invoice.id, status, moment, str(question.get("motif") or "")[:255], "PARAPHE")
    if question.get("numeroDPMandat"):
        line.execute("UPDATE invoice SET mandate = ? WHERE id = ?", (question["numeroDPMandat"], invoice.id))
    return {
        "codeRetour": 0,
        "libelle": "GCU_MSG_01_000",
        "idFacture": invoice.id,
        "numeroFacture": invoice.data["number"],
        "dateTraitement": f"{moment.astimezone(PARIS):%Y-%m-%d}",
        "nouveauStatut": status,
    }


_CALLS: Final[dict[str, Callable[[sqlite3.Connection, Said, Any, datetime], Said]]] = {
    "transverses/v1/recuperer/tauxtva": _rates,
    "transverses/v1/recuperer/structures/actives/destinataire": _structures,
    "transverses/v1/recuperer/etats/traitement": _targets,
    "structures/v1/consulter": _structure,
    "structures/v1/rechercher/services": _services,
    "factures/v1/rechercher/recipiendaire": _search,
    "factures/v1/consulter/historique": _history,
    "factures/v1/telecharger/groupe": _download,
    "factures/v1/traiter/recue": _treat,
}


def _mine(line: sqlite3.Connection, number: Any, account: Any) -> Invoice | None:
    """An invoice of the structure of whoever asks."""
    text = str(number)
    invoice = invoice_of(line, int(text)) if re.fullmatch(r"\d{1,18}", text) else None
    return invoice if invoice is not None and invoice.structure == account[0] else None


def _aware(text: str) -> str:
    """A moment of a question, in the form in which moments are kept here."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=PARIS)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _minutes(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(PARIS):%Y-%m-%d %H:%M}"


def _pivot(line: sqlite3.Connection, units: list[Invoice], account: Any) -> bytes:
    """The pivot of these invoices."""
    parts = [_unit(line, rank, unit, account) for rank, unit in enumerate(units, 1)]
    text = (
        "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
        f"<!-- {MARK} -->\n"
        '<CPPFacturePivot xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'Version="V2_02">'
        '<Enveloppe><EnveloppeUnitaire NumOrdre="1"><Parametres><ParametreIndiv NumOrdre="0001"><Code>DtPrd</Code>'
        "<Valeurparametre>2026-11-16</Valeurparametre></ParametreIndiv>"
        '<ParametreIndiv NumOrdre="0002"><Code>IdFlx</Code><Valeurparametre>CPP0020036000000000000004</Valeurparametre>'
        "</ParametreIndiv></Parametres><Partenaires><Recepteur><Id>KER001</Id><Libelle>KER001</Libelle></Recepteur>"
        "<Emetteur><Id>CPP001</Id><Libelle>CPP</Libelle></Emetteur></Partenaires></EnveloppeUnitaire></Enveloppe>"
        f'<CPPFactures Compteur="{len(units)}">{"".join(parts)}</CPPFactures></CPPFacturePivot>'
    )
    return text.encode()


def _unit(line: sqlite3.Connection, rank: int, invoice: Invoice, account: Any) -> str:
    data = invoice.data

    def e(name: str) -> str:
        return escape(str(data[name]))

    files = line.execute(
        "SELECT rank, name, category, type, zipped, data FROM piece WHERE invoice = ? ORDER BY rank",
        (invoice.id,),
    ).fetchall()
    service = (
        f"<CodeService>{e('service')}</CodeService><NomService>{e('service_name')}</NomService>"
        if data["service"]
        else ""
    )
    order = (
        f"<Engagement><NumeroEngagement>{e('order_ref')}</NumeroEngagement></Engagement>"
        if data["order_ref"]
        else ""
    )
    # Some real files say the type of their texts
    return (
        f'<CPPFacturePivotUnitaire NumOrdre="{rank}"><Fournisseur><TypeIdentifiant>1</TypeIdentifiant>'
        f'<Identifiant xsi:type="xs:string">{e("seller_siret")}</Identifiant>'
        f'<RaisonSociale xsi:type="xs:string">{e("seller")}</RaisonSociale><CodePays>FR</CodePays>'
        f'<ReferenceBancaire Type="IBAN"><Compte>{e("iban")}</Compte></ReferenceBancaire><ModeEmission>PDF</ModeEmission>'
        f"</Fournisseur><Debiteur><TypeIdentifiant>1</TypeIdentifiant><Identifiant>"
        f"{escape(data.get('buyer_siret') or account[1])}</Identifiant>"
        f"<Nom>{escape(data.get('buyer') or account[2])}</Nom>{service}</Debiteur>"
        f"<DonneesFacture><Id>{e('number')}</Id><IdCPRO>{invoice.id}</IdCPRO><Renvoi>{invoice.again}</Renvoi>"
        f"<Type>{e('type_code')}</Type><Cadre>{e('frame')}</Cadre><DateEmissionFacture>{e('issue_date')}"
        f"</DateEmissionFacture><ModePaiement><Code>{'48' if data['frame'] == 'A2' else '30'}</Code></ModePaiement>"
        f"<DateReception>{e('deposited')}</DateReception><Devise>EUR</Devise><Montants>"
        f"<MontantHT>{data['total_ht']}0000</MontantHT><MontantTTC>{data['total_ttc']}0000</MontantTTC>"
        f"<MontantNetAPayer>{data['total_ttc']}0000</MontantNetAPayer></Montants>"
        f"<TVAs><TVA><Taux>20.00</Taux><BaseHt>{data['total_ht']}0000</BaseHt><MontantTVA>{data['total_vat']}0000</MontantTVA>"
        f"</TVA></TVAs>{order}</DonneesFacture>{''.join(map(_file, files))}</CPPFacturePivotUnitaire>"
    )


def _file(row: tuple[Any, ...]) -> str:
    rank, name, category, kind, zipped, data = row
    content = b64encode(_zip(name, data) if zipped else data).decode()
    origin = f"<NomPJOrigine>{escape(name)}</NomPJOrigine>" if kind == "02" else ""
    return (
        f'<PJ NumOrdre="{rank}"><Contenu>{content}</Contenu><NomPJ>{escape(name)}</NomPJ>{origin}'
        f"<CategoriePJ>{escape(category)}</CategoriePJ><TypePJ>{kind}</TypePJ></PJ>"
    )


def _zip(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 11, 16, 9, 12, 0)), data)
    return packed.getvalue()
