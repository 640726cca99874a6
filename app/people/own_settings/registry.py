"""Every setting that a collectivity may have as its own, declared by the room where it serves, and read in this one way.

A value of its own lies in `collectivity.settings`, under the setting's name; a secret lies there sealed (`app/core/sealed.py`).
Where it has none, the installation's serves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from app.core.db import Db
from app.core.grammar import milliers
from app.core.refusals import Refusal
from app.core.sealed import unseal
from app.people.models import Collectivity
from config import ConfigurationRefused
from workflows.vocabulary import Worded

Own = Mapping[str, Any]
"""What `collectivity.settings` holds."""


class Kind(Worded):
    """What a setting may be."""

    TEXT = "text", "Texte"
    LINES = "lines", "Lignes de texte"
    ADDRESS = "address", "Adresse de courriel"
    URL = "url", "Adresse https"
    NUMBER = "number", "Nombre"
    CHOICE = "choice", "Choix"
    SEALED = "sealed", "Secret"
    FILE = "file", "Fichier secret"
    IMAGE = "image", "Image"


GIVEN = frozenset({Kind.FILE, Kind.IMAGE})
"""What is given by a file, and never typed."""


class Source(Worded):
    """Where a value comes from."""

    LAW = "law", "La loi"
    INSTALLATION = "installation", "L’installation"
    COLLECTIVITY = "collectivity", "La collectivité"


@dataclass(frozen=True)
class Value:
    """The value in force, and where it comes from; of a secret, what lies in the database: sealed, or empty."""

    value: Any
    source: Source


@dataclass(frozen=True)
class Result:
    """What a trial found, in a sentence; `read`: the mark of the settings of its group as they were before (`group_mark`)."""

    fine: bool
    sentence: str
    read: str = ""


@dataclass(frozen=True)
class Beside:
    """What is typed with a file: `name` in `texts` and in the form; `hidden` as a password is, and never shown again."""

    name: str
    label: str
    help: str
    hidden: bool = False


PHRASE = Beside(
    "secret", "Phrase de passe du fichier", "Vide s’il n’en a pas. Elle n’est pas gardée.", hidden=True
)
"""The passphrase of a file, by a name that no page which asks who one is carries."""


@dataclass(frozen=True)
class SecretFile:
    """How the file of a setting is taken: it is read, tried for real, and only then lies sealed, in place of the former.

    `read`: the text to seal, of the bytes and of what was typed with them; refuses what cannot serve. `summary`: what anybody
    who administers may read of that text. `tried`: whether it opens what it is for, asked with the number of the
    collectivity outside of any transaction. `accept`: names of files that a browser offers; `most` bytes.
    """

    read: Callable[[bytes, Mapping[str, str]], str]
    summary: Callable[[str], str]
    tried: Callable[[int, str], Result]
    beside: tuple[Beside, ...] = ()
    accept: str = ""
    most: int = 65_536


@dataclass(frozen=True)
class Picture:
    """How the image of a setting is taken: made again (`clean`), then kept beside the settings, which say only that it is there.

    `clean`: the bytes to keep of those that were sent, and what the settings say of them; refuses what is no image.
    `keep`: writes these bytes, or None, in the transaction of the change. `accept`: names of files that a browser offers.
    """

    clean: Callable[[bytes], tuple[bytes, str]]
    keep: Callable[[Collectivity, bytes | None], None]
    summary: Callable[[str], str]
    accept: str = ""
    most: int = 2 * 1024 * 1024


@dataclass(frozen=True)
class Setting:
    """A setting: its name, what is said of it, what it may be, and what serves where a collectivity has none of its own.

    `serves`: where it counts, in words. `least`, `most`: bounds of a number, or signs of a text. `stricter`: a number which
    the installation's bounds from above. `choices`: what a choice may be, each with its words. `usual`: gives a text its
    usual form, or refuses it. `file`, `picture`: how a secret file, or an image, is taken. `beside`: the setting with which
    it is changed and taken back, as a secret is with the address that it signs for. `check`: of the one that leads, refuses
    what its values may not be together.
    `tried`: whether what its values would be serves, asked outside of any transaction before they are kept. `optional`: a
    secret that the other side may ask, drawn by nobody, bound to the value that it was typed for.
    `host`: who holds the installation alone sets it, unless he says otherwise.
    `default`: what to say where nothing is set at all. `stored`: its name among those settings, when it is another.
    `plainly`: how what is kept, and stands in a file, is written on a page, where that is otherwise.
    `nought`: the word that a number takes in place of 0, beside its bounds.
    """

    name: str
    group: str
    label: str
    help: str
    serves: str
    kind: Kind
    installation: Callable[[], Any]
    least: int = 0
    most: int = 0
    unit: str = ""
    stricter: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    usual: Callable[[str], str] | None = None
    beside: str = ""
    check: Callable[[Own], None] | None = None
    tried: "Callable[[int, Own], Result] | None" = None
    optional: bool = False
    file: SecretFile | None = None
    picture: Picture | None = None
    default: str = "aucun"
    stored: str = ""
    host: bool = False
    plainly: Callable[[str], str] | None = None
    nought: str = ""

    @property
    def place(self) -> str:
        """Its name among the settings of a collectivity."""
        return self.stored or self.name

    def bounds(self) -> tuple[int, int]:
        """The least and the most that a collectivity may choose; the most is no more than the installation's when stricter."""
        limit = self.installation() if self.stricter else None
        return self.least, min(self.most, int(limit)) if limit else self.most

    def wording(self, value: Any, source: Source) -> str:
        """A value as it is told to the people of a collectivity, with its unit; what is said where nothing is set.

        Of an address that the installation chose, its server alone: the rest of it may be a secret. Of a secret file of
        its own, what `installation` says, which is words already.
        """
        if value in (None, "", 0):
            return self.default
        if self.file is not None and source is Source.COLLECTIVITY:
            return _summary(self.file, str(value))
        plainly = self.plainly if self.picture is None else self.picture.summary
        if plainly is not None:
            return plainly(str(value))
        if self.kind is Kind.CHOICE:
            return dict(self.choices).get(str(value), str(value))
        if self.kind is Kind.URL and source is not Source.COLLECTIVITY:
            return f"celle de l’installation, sur {urlsplit(str(value)).hostname or 'un serveur'}"
        return f"{milliers(value) if isinstance(value, int) else value} {self.unit}".strip()


def _summary(file: SecretFile, sealed: str) -> str:
    try:
        return file.summary(unseal(sealed))
    except Refusal:
        return "illisible, la clé de l’installation ayant changé : donnez-le de nouveau"


_declared: dict[str, Setting] = {}


def declare(*settings: Setting) -> None:
    """Add settings, once for the process; a second application of the process declares its own in their place."""
    _declared.update({setting.name: setting for setting in settings})


def declared() -> Mapping[str, Setting]:
    """Every setting by its name, in the order of the page: by group, as they were declared."""
    groups = list(dict.fromkeys(setting.group for setting in _declared.values()))
    every = sorted(_declared.values(), key=lambda setting: groups.index(setting.group))
    return {setting.name: setting for setting in every}


def leading() -> list[Setting]:
    """The settings that are changed by themselves."""
    return [setting for setting in declared().values() if not setting.beside]


def written() -> list[Setting]:
    """Those whose value a file of settings may say: what is a file itself is given apart."""
    return [setting for setting in leading() if setting.kind not in GIVEN]


def beside(name: str) -> list[Setting]:
    """Those that are changed with this one."""
    return [setting for setting in declared().values() if setting.beside == name]


def known(name: str) -> Setting:
    """The setting of this name, one that is changed by itself; refuses `setting-unknown`."""
    setting = _declared.get(name)
    if setting is None or setting.beside:
        raise Refusal("setting-unknown", name=name[:60], names=", ".join(each.name for each in leading()))
    return setting


def own_value(own: Own, place: str) -> Any:
    """What a collectivity has of its own at this place; None where it has nothing."""
    return own.get(place) or None


def mark_of(own: Own, name: str) -> str:
    """What tells this value from any other that the collectivity may have at this setting, secrets that go with it included."""
    places = [part.place for part in (_declared[name], *beside(name))]
    return sha256(repr([own_value(own, place) for place in places]).encode()).hexdigest()[:16]


HIDDEN = "?…"
"""What stands in an address, where it is shown or written down, in the place of what may be a key."""


def masked(setting: Setting, value: Any) -> Any:
    """A value as others read it: what follows « ? » in an address may be a key."""
    if setting.kind is Kind.URL and isinstance(value, str) and "?" in value:
        return f"{value.partition('?')[0]}{HIDDEN}"
    return value


def group_mark(own: Own, group: str) -> str:
    """What tells these settings of a group from any others: what was tried under others says nothing of these."""
    values = [(each.place, own_value(own, each.place)) for each in _declared.values() if each.group == group]
    return sha256(repr(sorted(values)).encode()).hexdigest()[:16]


def value_in(own: Own, name: str) -> Value:
    """The value in force for whoever has these settings, and where it comes from."""
    setting = _declared[name]
    mine, shared = own_value(own, setting.place), setting.installation()
    if mine is None or (setting.stricter and shared and shared < mine):
        return Value(shared, Source.INSTALLATION)
    return Value(mine, Source.COLLECTIVITY)


def setting(db: Db, collectivity_id: int, name: str) -> Value:
    """The value in force for a collectivity, and where it comes from."""
    row = db.get(Collectivity, collectivity_id)
    return value_in(row.settings if row is not None else {}, name)


_opened: set[str] = set()
_installation = {"mark": ""}


def under(mark: str) -> None:
    """Say what tells the settings of this installation (`settings_mark`): a trial made under others says nothing of these."""
    _installation["mark"] = mark


def installation_mark() -> str:
    """What tells the settings of this installation from any others."""
    return _installation["mark"]


NOBODY = ("aucun",)


def open_to_administrators(names: tuple[str, ...]) -> None:
    """Say which settings the administrators of a collectivity set themselves: these, or by default all but those of the host.

    `NOBODY` leaves them none. Refuses to start on a name that is no setting.
    """
    every = {setting.name: setting.host for setting in leading()}
    if not names:
        names = tuple(name for name, host in every.items() if not host)
    elif names == NOBODY:
        names = ()
    if strange := sorted(set(names) - every.keys()):
        known_names = ", ".join(every)
        refused = ", ".join(f"« {name} »" for name in strange)
        ill = "ne sont pas des réglages" if len(strange) > 1 else "n’est pas un réglage"
        raise ConfigurationRefused(
            "Paraphe ne démarre pas : la configuration est à corriger.\n"
            f"- PARAPHE_COLLECTIVITY_SETTINGS : {refused} {ill} d’une collectivité ; il y a : {known_names}"
        )
    _opened.clear()
    _opened.update(names)


def opened(setting: Setting) -> bool:
    """Whether an administrator of a collectivity may set it; else the host alone does, by command."""
    return setting.name in _opened


@dataclass(frozen=True)
class Asker:
    """Who asks for a trial: his collectivity, and the account to which a letter may go."""

    collectivity_id: int
    user_id: int | None


@dataclass(frozen=True)
class Trial:
    """A real trial of what a group of settings says: a call or a letter, to who asks and to nobody else.

    `missing`: why there is nothing to try, in a sentence; empty when there is. `run` is called outside of any transaction.
    """

    name: str
    group: str
    label: str
    missing: Callable[[Own], str]
    run: Callable[[Asker], Result]


_trials: dict[str, Trial] = {}


def offer(trial: Trial) -> None:
    """Add a trial, once for the process."""
    _trials[trial.name] = trial


def trials() -> Mapping[str, Trial]:
    """Every trial by its name."""
    return _trials


def trial_named(name: str) -> Trial:
    """The trial of this name; refuses `setting-trial`."""
    if name not in _trials:
        raise Refusal("setting-trial", name=name[:60], names=", ".join(_trials))
    return _trials[name]
