"""The people and desks of Kerlann-sur-Mer; every name is fictitious."""

from dataclasses import dataclass

from app.core.texts import key_of

SIREN = "212909998"
NAME = "Kerlann-sur-Mer"
POSTAL_CODE = "29990"
PASSWORD = "kerlann-demo-2026"
"""The password of every demonstration account, shown on its first page; it exists nowhere else."""

DESKS = (
    ("maire", "Bureau du maire", None),
    ("direction", "Direction générale", "maire"),
    ("secretariat", "Secrétariat général", "direction"),
    ("finances", "Direction des finances", "direction"),
    ("comptabilite", "Comptabilité", "finances"),
    ("paye", "Service de la paye", "direction"),
    ("technique", "Services techniques", "direction"),
    ("conseil", "Conseil municipal", "maire"),
)


@dataclass(frozen=True)
class Account:
    """One person: login, names, capacity, what he or she does in the demonstration, desks with rights."""

    login: str
    first_name: str
    last_name: str
    capacity: str
    does: str
    seats: tuple[tuple[str, str], ...]
    administrator: bool = False
    certificate: str | None = None

    @property
    def name(self) -> str:
        """« Gaud Le Bras »."""
        return f"{self.first_name} {self.last_name}"

    @property
    def key_file(self) -> str:
        """How the file of the certificate is called when it is downloaded: « gaud-le-bras.p12 »."""
        return f"{key_of(self.name).replace(' ', '-')}.p12"

    @property
    def email(self) -> str:
        """An address that cannot exist."""
        return f"{self.login}@kerlann-sur-mer.example"


ACCOUNTS = (
    Account(
        "a.kervadec",
        "Armel",
        "Kervadec",
        "Maire",
        "Signe les actes et les bons à payer",
        (("maire", "act,sign"),),
        certificate="a_kervadec",
    ),
    Account(
        "b.cadiou",
        "Bleuenn",
        "Cadiou",
        "Secrétaire de séance",
        "Signe les délibérations avec le maire",
        (("conseil", "sign"),),
        certificate="b_cadiou",
    ),
    Account(
        "s.rivoal",
        "Solenn",
        "Rivoal",
        "Directrice générale des services",
        "Vise les délibérations et les dépenses importantes",
        (("direction", "act,create"),),
    ),
    Account(
        "n.abgrallec",
        "Nolwenn",
        "Abgrallec",
        "Directrice des finances",
        "Vise les factures",
        (("finances", "act,create"),),
    ),
    Account(
        "t.lescoat",
        "Tifenn",
        "Lescoat",
        "Agente des finances",
        "Vise les factures, second titulaire du bureau",
        (("finances", "act"),),
    ),
    Account(
        "g.trehorel",
        "Gwenola",
        "Tréhorel",
        "Gestionnaire comptable",
        "Dépose les factures",
        (("comptabilite", "create,act"),),
    ),
    Account(
        "m.kerzerho",
        "Maïwenn",
        "Kerzerho",
        "Gestionnaire de paye",
        "Dépose les flux de paye, que seul le maire voit avec elle",
        (("paye", "create"),),
    ),
    Account(
        "r.pellenec",
        "Ronan",
        "Pellenec",
        "Services techniques",
        "Atteste le service fait",
        (("technique", "act,create"),),
    ),
    Account(
        "k.morizur",
        "Katell",
        "Morizur",
        "Secrétaire générale",
        "Dépose et publie les délibérations, administre",
        (("secretariat", "create,act,publish,archive"),),
        administrator=True,
    ),
)
DEPUTY = Account(
    "g.lebras",
    "Gaud",
    "Le Bras",
    "Adjointe aux finances",
    "Signe les factures par délégation, jusqu’à 10 000 €",
    (("maire", "act,sign"),),
    certificate="rsa3072",
)
"""At the mayor's desk by a delegation of function: she signs because a mandate says so, not because of her desk."""

SECRETARY = Account(
    "y.kergoffic",
    "Yann",
    "Kergoffic",
    "Secrétaire de séance",
    "Signe les délibérations avec le maire",
    (("conseil", "sign"),),
    certificate="y_kergoffic",
)
"""The secretary of the sitting, whom the deliberation of the demonstration names."""

EVERYBODY = (*(SECRETARY if account.login == "b.cadiou" else account for account in ACCOUNTS), DEPUTY)
