"""Many mixed documents whose words are known, and the questions that must find them: made by a script, the same each time.

A notion is a few written forms of one French word; a document has some of them, and a question asks another form. What a
question must find is known from the notions that were drawn, never from a stemmer.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from fpdf import FPDF

NOTIONS = (
    ("enrobé", "enrobés"), ("goéland", "goélands"), ("délibération", "délibérations"), ("subvention", "subventions"),
    ("école", "écoles"), ("marché", "marchés"), ("toiture", "toitures"), ("chaudière", "chaudières"),
    ("cimetière", "cimetières"), ("assainissement", "assainissements"), ("éclairage", "éclairages"), ("piscine", "piscines"),
    ("mobilier", "mobiliers"), ("fenêtre", "fenêtres"), ("peinture", "peintures"), ("clôture", "clôtures"),
    ("débroussaillage", "débroussaillages"), ("tondeuse", "tondeuses"), ("camion", "camions"), ("gravier", "graviers"),
    ("bibliothèque", "bibliothèques"), ("ordinateur", "ordinateurs"), ("imprimante", "imprimantes"), ("repas", "repas"),
    ("crèche", "crèches"), ("gymnase", "gymnases"), ("vestiaire", "vestiaires"), ("ponton", "pontons"),
    ("bouée", "bouées"), ("phare", "phares"), ("digue", "digues"), ("rempart", "remparts"), ("vitrail", "vitrail"),
    ("orgue", "orgues"), ("fanfare", "fanfares"), ("carrelage", "carrelages"), ("ascenseur", "ascenseurs"),
    ("alarme", "alarmes"), ("pompier", "pompiers"), ("convention", "conventions"),
)  # fmt: skip
SELLERS = (
    "Voirie Arzel-Huon", "Menuiserie Roz-Avel", "Cuisines du Ponant", "Électricité Kersauson", "Jardins de l’Aulne",
    "Plomberie Tanguy", "Imprimerie Goulven", "Transports Bihan", "Nettoyage Armoric", "Bureau d’études Skol",
)  # fmt: skip
FILLER = "Le présent document est établi en deux exemplaires et remis au titulaire contre signature"
MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905


@dataclass
class Known:
    """A folder as it was drawn."""

    rank: int
    ours: bool
    seller: str
    number: str
    cents: int
    day: date
    titled: list[int]
    inside: list[int]
    format: str
    note: list[int] = field(default_factory=list)
    reach: str = ""
    folder_id: int = 0

    @property
    def title(self) -> str:
        """Its title."""
        return f"{self.seller}, {' et '.join(NOTIONS[one][0] for one in self.titled)}"

    def text(self, dice: random.Random) -> str:
        """The text of its document."""
        lines = [f"{FILLER} : {dice.choice(NOTIONS[one])}." for one in self.inside]
        return "\n".join([f"Pièce {self.number} du {self.day:%d/%m/%Y}", *lines, FILLER])


def drawn(many: int) -> list[Known]:
    """So many folders, the same at each run; one in eight is another desk's."""
    dice, found = random.Random(20261130), []
    for rank in range(many):
        every = dice.sample(range(len(NOTIONS)), dice.randint(4, 7))
        one = Known(
            rank,
            rank % 8 != 7,
            dice.choice(SELLERS),
            f"F26-{1000 + rank}",
            dice.randint(1_000, 9_000_000),
            date(2025, 1, 1) + timedelta(days=dice.randrange(600)),
            every[:2],
            every[2:],
            ("pdf", "pdf", "pdf", "xml", "scan")[rank % 5],
        )
        if rank % 6 == 1:
            one.note, one.reach = [dice.randrange(len(NOTIONS))], dice.choice(["all", "alone", "other"])
        found.append(one)
    return found


def pdf_of(text: str) -> bytes:
    """A PDF with this text."""
    page = FPDF()
    page.add_page()
    page.set_font("helvetica", size=11)
    page.multi_cell(0, 7, text.replace("’", "'").encode("latin-1", "ignore").decode("latin-1"))
    return bytes(page.output())


def xml_of(text: str) -> bytes:
    """An XML whose elements carry their values as those of a payment flow do."""
    values = "".join(f'<Libelle V="{line}"/>' for line in text.splitlines())
    return f'<?xml version="1.0" encoding="UTF-8"?><Flux>{values}</Flux>'.encode()


def has(one: Known, notion: int) -> bool:
    """Whether whoever reads the folder finds this notion in it."""
    inside = [] if one.format == "scan" else one.inside
    noted = one.note if one.reach in {"all", "alone"} else []
    return notion in (*one.titled, *inside, *noted)


def questions(known: list[Known]) -> Iterator[tuple[str, set[int]]]:
    """Two hundred questions, each with the ranks of the folders that it must find."""
    dice = random.Random(7)

    def find(test: Callable[[Known], bool]) -> set[int]:
        return {one.rank for one in known if one.ours and test(one)}

    def spelt(notion: int) -> str:
        word = dice.choice(NOTIONS[notion])
        return dice.choice([word, word.upper(), word.capitalize(), plain(word)])

    for notion in range(len(NOTIONS)):
        for _ in range(2):
            yield spelt(notion), find(lambda one, n=notion: has(one, n))
    for _ in range(40):
        pair = dice.sample(range(len(NOTIONS)), 2)
        # Of a note for few, its own words with those of the folder
        yield " ".join(map(spelt, pair)), find(lambda one, p=pair: all(has(one, n) for n in p))
    for _ in range(20):
        notion, least = dice.randrange(len(NOTIONS)), dice.randrange(10_000, 80_000, 500)
        asked = f"{spelt(notion)} > {least:,}".replace(",", " ")
        yield asked, find(lambda one, n=notion, m=least: has(one, n) and one.cents > m * 100)
    for _ in range(10):
        most = dice.randrange(100, 20_000, 50)
        yield f"< {most}", find(lambda one, m=most: one.cents < m * 100)
    for one in dice.sample([one for one in known if one.ours], 20):
        yield dice.choice([one.number, one.number.lower()]), {one.rank}
        euros = f"{one.cents // 100}.{one.cents % 100:02d}"
        yield euros.replace(".", ","), find(lambda other, c=one.cents: other.cents == c)
    for seller in SELLERS:
        word = plain(seller).split()[-1]
        yield word, find(lambda one, s=seller: one.seller == s)


def plain(word: str) -> str:
    """Without accents."""
    return word.translate(str.maketrans("àâéèêëîïôöùûüçÉ’", "aaeeeeiioouuucE'"))
