"""What acquits said of flows, part by part, and what the Treasury took once: it is never sent again unseen.

What was taken is remembered whatever becomes of its folder (given up, corrected, sent again): Hélios answers the second
with ERREUR_DOUBLON_BORDEREAU, _PIECE or _PJ, once people have signed.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import jour
from app.core.questions import ask
from app.folders.models import Document, DocumentVersion, Folder
from app.pes.index import ANSWERED, deposited, slips_of
from app.pes.models import FlowAnswer, FlowAttachment, FlowIndex, FlowSlip
from app.transmission.channels import open_channel
from app.transmission.models import Transmission
from app.transmission.ports import Answer
from workflows.circuit import Phase
from workflows.flows.keys import same_number

CHANNEL = "helios"
NAMED = 5
"""How many attachments or pieces are named before « et N autres »."""
REMEDY = "Retirez-le de ce flux dans le logiciel de finances, puis déposez le nouveau fichier."


def keep(db: Db, folder: Folder, row: Transmission, answer: Answer, later: bool) -> None:
    """Keep what an acquit says of each part of the flow that was sent, in the transaction that acts on it.

    `later`: it came after another one; the folder may hold a newer flow by then.
    """
    sha256 = _sent(db, folder, row)
    day = answer.received_on or now().astimezone(PARIS).date()
    for part in answer.parts:
        db.add(
            FlowAnswer(
                collectivity_id=folder.collectivity_id,
                folder_id=folder.id,
                round=row.round,
                sha256=sha256,
                kind=part.kind,
                series=part.series,
                number=part.number,
                accepted=part.accepted,
                pieces=list(part.pieces),
                faults=[[fault.piece, fault.line, fault.text] for fault in part.faults],
                simulated=answer.simulated,
                later=later,
                answered_on=day,
            )
        )


def _sent(db: Db, folder: Folder, row: Transmission) -> str:
    """The reading of the flow that this sending took; of one made before versions were kept, that of the folder."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(DocumentVersion.id.in_(row.versions or ()), Document.role == "main")
    )
    sent = db.scalar(query)
    if sent is not None:
        return deposited(db, sent).sha256
    index = db.get(FlowIndex, folder.id)
    return index.sha256 if index is not None else ""


@dataclass(frozen=True)
class Repeated:
    """What a flow brings that an acquit accepted already: bordereaux, pieces of others, and attachments.

    Each with the acquit that took it; `pages` are those of the sheet where these bordereaux begin.
    """

    slips: Sequence[tuple[FlowSlip, FlowAnswer]] = ()
    pieces: Sequence[tuple[FlowSlip, FlowAnswer, Sequence[str]]] = ()
    attachments: Sequence[tuple[str, FlowAnswer]] = ()

    @property
    def pages(self) -> frozenset[int]:
        """Where the bordereaux that were taken begin."""
        return frozenset(slip.page for slip, _ in self.slips)

    @property
    def folders(self) -> frozenset[int]:
        """The folders whose acquits took what is here."""
        slips, pieces = [taken for _, taken in self.slips], [taken for _, taken, _ in self.pieces]
        return frozenset(
            answer.folder_id for answer in (*slips, *pieces, *(taken for _, taken in self.attachments))
        )

    def notices(self, folder: Folder, named: Collection[int] | None = None) -> Iterator[tuple[str, str, int]]:
        """A title, a sentence and a page for each, the bordereaux first; attachments in one.

        `named`: the folders that the reader may know of; None names all but those of pay, as the name of each point does.
        """
        for slip, taken in self.slips:
            sentence = f"Le comptable public l’a pris en charge ({_acquit(taken, folder, named)}). {REMEDY}"
            yield f"Bordereau {slip.number} déjà pris en charge", sentence, slip.page
        for slip, taken, numbers in self.pieces:
            what = "titre" if " recettes " in slip.key else "mandat"
            many = len(numbers) > 1
            title = f"{what.capitalize()}{'s' if many else ''} {named_first(numbers)} déjà pris en charge"
            sentence = (
                f"Dans le bordereau {taken.number} ({_acquit(taken, folder, named)}), et de nouveau dans le bordereau "
                f"{slip.number} de ce flux : le comptable rejetterait ce bordereau. "
            )
            yield (
                title,
                sentence + REMEDY.replace("Retirez-le", "Retirez-les" if many else "Retirez-le"),
                slip.page,
            )
        if self.attachments:
            count = len(self.attachments)
            taken = self.attachments[-1][1]
            title = (
                "Pièce jointe déjà prise en charge"
                if count == 1
                else f"{count} pièces jointes déjà prises en charge"
            )
            sentence = (
                f"{named_first([unique_id for unique_id, _ in self.attachments])} ({_acquit(taken, folder, named)}) : "
                "le comptable rejetterait la seconde. Le logiciel de finances doit citer une pièce déjà reçue par son "
                "identifiant, sans la joindre de nouveau."
            )
            yield title, sentence, 0


def marks(db: Db, folder: Folder, index: FlowIndex) -> list[FlowAnswer]:
    """What the acquits of the last sending of the flow that the folder holds said of its bordereaux, oldest first."""
    answers = [
        row for (row,) in ask(db, ANSWERED, folder.id) if row.sha256 == index.sha256 and row.kind == "slip"
    ]
    last = max((answer.round for answer in answers), default=0)
    return [answer for answer in answers if answer.round == last]


def attachments_taken(db: Db, folder: Folder, unique_ids: Collection[str]) -> frozenset[str]:
    """Those of these attachments that an acquit accepted, whatever folder brought them."""
    if not unique_ids:
        return frozenset()
    query = sa.select(FlowAnswer.number).where(
        FlowAnswer.collectivity_id == folder.collectivity_id,
        FlowAnswer.series == "",
        FlowAnswer.number.in_(unique_ids),
        FlowAnswer.accepted.is_(True),
        FlowAnswer.simulated == open_channel(CHANNEL).simulated,
    )
    return frozenset(db.scalars(query))


def taken_again(db: Db, folder: Folder) -> Repeated:
    """What this flow brings that was taken already, by this folder in a former round or by any other."""
    slips = slips_of(db, folder.id)
    earlier: dict[str, list[FlowAnswer]] = {}
    attachments: dict[str, FlowAnswer] = {}
    for answer in db.scalars(_taken(folder, {slip.series for slip in slips})):
        if answer.kind == "slip":
            earlier.setdefault(answer.series, []).append(answer)
        else:
            attachments[answer.number] = answer
    whole: list[tuple[FlowSlip, FlowAnswer]] = []
    parts: list[tuple[FlowSlip, FlowAnswer, Sequence[str]]] = []
    for slip in slips:
        answers = earlier.get(slip.series, [])
        same = next((answer for answer in answers if same_number(answer.number, slip.number)), None)
        if same is not None:
            whole.append((slip, same))
            continue
        left = list(slip.pieces or ())  # each is noticed once, for the first acquit that took it
        for answer in answers:
            known = set(answer.pieces)
            if numbers := [number for number in left if number in known]:
                parts.append((slip, answer, numbers))
                left = [number for number in left if number not in known]
    return Repeated(whole, parts, list(attachments.items()))


def _taken(folder: Folder, series: Collection[str]) -> sa.Select[FlowAnswer]:
    """What acquits accepted of these series and of the attachments of a folder, the oldest first.

    Not the very sending that stands acknowledged on this folder. Each part is found by its own index.
    """
    in_collectivity = FlowAnswer.collectivity_id == folder.collectivity_id
    ids = (
        sa.select(FlowAnswer.id).where(
            in_collectivity, FlowAnswer.series.in_(series), FlowAnswer.kind == "slip"
        ),
        sa.select(FlowAnswer.id)
        .join(FlowAttachment, FlowAttachment.unique_id == FlowAnswer.number)
        .where(
            in_collectivity,
            FlowAnswer.series == "",
            FlowAnswer.kind == "attachment",
            FlowAttachment.folder_id == folder.id,
        ),
    )
    query = sa.select(FlowAnswer).where(
        in_collectivity,
        FlowAnswer.id.in_(sa.union_all(*ids)),
        FlowAnswer.accepted.is_(True),
        FlowAnswer.simulated == open_channel(CHANNEL).simulated,
    )
    if folder.phase != Phase.REJECTED:
        query = query.where(sa.or_(FlowAnswer.folder_id != folder.id, FlowAnswer.round != folder.round))
    return query.order_by(FlowAnswer.id)


def _acquit(answer: FlowAnswer, folder: Folder, named: Collection[int] | None) -> str:
    """The acquit that took it, and the folder where who reads may read it."""
    day = f"acquit du {jour(answer.answered_on)}"
    if answer.folder_id == folder.id or (named is None and folder.read_as.discreet):
        return day
    if named is not None and answer.folder_id not in named:
        return f"{day}, d’un autre dossier, que vous ne pouvez pas lire"
    return f"{day}, dossier n° {answer.folder_id}"


def named_first(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" et {more} autre{'s' if more > 1 else ''}" if more > 0 else "")
