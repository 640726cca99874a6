"""What in a flow does not hold together: counts, sums, attachments, duplicates, accents; a sentence each for its signatory.

None of it stops a deposit: the accountant rejects a mandat or a bordereau, and the signatory decides. Sources: the Treasury's
return codes ERREUR_DOUBLON_BORDEREAU, ERREUR_CUMUL_MONTANTS and ERREUR_PJ, and schema 5.17.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from app.core.french import euros
from app.core.grammar import et_autres
from app.core.refusals import Refusal
from app.pes.attachment import look
from app.pes.flow import Finding, Flow, Slip, masked
from app.pes.reading import read_flow

NAMED = 5
"""How many creditors are named where they share an account."""
SHOWN = 20
"""How many findings of one kind are told one by one."""


def read(path: Path) -> Flow:
    """The flow in a file, with what does not hold together in it; refuses `flow-unreadable`."""
    with path.open("rb") as stream:
        flow = read_flow(stream)
        if flow is None:
            raise Refusal("flow-unreadable")
        flow.findings = findings(flow, _unopened(stream, flow))
    return flow


def findings(flow: Flow, unopened: Iterable[Finding] = ()) -> list[Finding]:
    """What does not hold together, in the order of the screen; beyond `SHOWN` of a kind, the rest is counted.

    `unopened`: the attachments that were opened and do not read.
    """
    shown: list[Finding] = []
    checks = (_garbled, _shared, _slips, _twice, _unread, _absent, _repeated)
    for findings_of in (*(check(flow) for check in checks), unopened):
        several = list(findings_of)
        shown += several[:SHOWN]
        if len(several) > SHOWN:
            rest = several[SHOWN]
            more = len(several) - SHOWN
            same = f"du même genre : « {rest.title} »"
            sentence = f"{more} autres anomalies {same}, etc." if more > 1 else f"Une autre anomalie {same}."
            shown.append(
                Finding(rest.key, "Et d’autres" if more > 1 else "Et une autre", sentence, rest.page)
            )
    return shown


def _garbled(flow: Flow) -> Iterator[Finding]:
    if flow.garbled:
        sentence = (
            f"On lit par exemple « {flow.garbled[:80]} » : le flux annonce ISO-8859-1 et contient autre chose. "
            "Le logiciel de finances doit l’exporter de nouveau, sinon il sera signé ainsi."
        )
        yield Finding("garbled", "Accents abîmés", sentence, 1)


def _shared(flow: Flow) -> Iterator[Finding]:
    """Several creditors on one account: the sign of an invented creditor, or of one that was paid in another's place."""
    for iban, names in flow.payees.items():
        if len(names) < 2:
            continue
        (piece, page), *_ = names.values()
        more = et_autres(len(names) - NAMED)
        sentence = (
            f"{', '.join(list(names)[:NAMED])}{more} sont payés sur le compte {masked(iban)} (pièce {piece} la première). "
            "Faites confirmer par chacun, à un numéro que vous connaissez déjà."
        )
        yield Finding("shared-account", f"Même IBAN pour {len(names)} tiers", sentence, page)


def _slips(flow: Flow) -> Iterator[Finding]:
    for slip in flow.slips:
        yield from _of_slip(slip)


def _of_slip(slip: Slip) -> Iterator[Finding]:
    name, many = f"bordereau {slip.number}", f"{slip.pieces} {slip.what}{'s' if slip.pieces > 1 else ''}"
    if slip.announced != slip.pieces:
        announcement = (
            "n’annonce pas son nombre de pièces"
            if slip.announced is None
            else f"annonce {slip.announced} pièces"
        )
        yield Finding(
            "count", f"Nombre de pièces, {name}", f"Il {announcement} et contient {many}.", slip.page
        )
    if slip.total is None:
        yield Finding("total", f"Total absent, {name}", "Il ne déclare aucun total lisible.", slip.page)
    elif slip.total != slip.lines_total:
        sentence = f"Il déclare {euros(slip.total)} hors taxes, ses lignes font {euros(slip.lines_total)}."
        yield Finding("sum", f"Somme fausse, {name}", sentence, slip.page)
    if slip.vat is not None and slip.vat != slip.lines_vat:
        sentence = f"Il déclare {euros(slip.vat)} de TVA, ses lignes font {euros(slip.lines_vat)}."
        yield Finding("vat", f"TVA fausse, {name}", sentence, slip.page)
    if not slip.running:
        sentence = "Le cumul annuel (MtCumulAnnuel) manque ; il est obligatoire dans un flux signé."
        yield Finding("running", f"Cumul absent, {name}", sentence, slip.page)


def _twice(flow: Flow) -> Iterator[Finding]:
    counted = Counter(key_of(slip) for slip in flow.slips)
    keys: set[str] = set()
    for slip in flow.slips:
        key = key_of(slip)
        if key in keys:
            sentence = f"Il figure {counted[key]} fois dans ce flux : le comptable rejettera le second."
            yield Finding("twice", f"Bordereau {slip.number} en double", sentence, slip.page)
        keys.add(key)


def _unread(flow: Flow) -> Iterator[Finding]:
    for number, page in flow.unread:
        sentence = "Un de ses montants n’est pas un nombre : il est compté pour zéro."
        yield Finding("unread", f"Montant illisible, pièce {number}", sentence, page)


def _absent(flow: Flow) -> Iterator[Finding]:
    contained = {attachment.unique_id for attachment in flow.attachments}
    for unique_id, (number, page) in flow.announced.items():
        if unique_id not in contained:
            sentence = (
                f"La pièce {unique_id} est annoncée et n’est pas dans le flux. Le comptable peut rejeter ce mandat ou ce "
                "titre, si elle n’est pas partie dans un autre flux."
            )
            yield Finding("absent", f"Pièce jointe absente, pièce {number}", sentence, page)


def _repeated(flow: Flow) -> Iterator[Finding]:
    for unique_id, count in Counter(attachment.unique_id for attachment in flow.attachments).items():
        if count > 1:
            sentence = f"L’identifiant {unique_id} sert {count} fois dans ce flux : le comptable rejettera la seconde."
            yield Finding("repeated", "Pièce jointe en double", sentence)


def _unopened(stream: IO[bytes], flow: Flow) -> Iterator[Finding]:
    for attachment, why in look(stream, flow.attachments):
        sentence = (
            f"{attachment.name or attachment.unique_id} : {why}. Le comptable peut la rejeter (ERREUR_PJ). "
            "Joignez-la de nouveau dans le logiciel de finances, puis exportez le flux."
        )
        yield Finding("unopened", "Pièce jointe à vérifier", sentence)


def key_of(slip: Slip) -> str:
    """What makes a bordereau unique in a flow, which is of one budget (ERREUR_DOUBLON_BORDEREAU)."""
    return f"{slip.domain} {slip.year} {slip.kind} {slip.number}"
