"""What the pages and the command show of the settings: each value in force, where it comes from, the last trial of a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.db import Db
from app.people.models import Collectivity
from app.people.own_settings.changing import TRIED
from app.people.own_settings.registry import (
    GIVEN,
    Kind,
    Own,
    Setting,
    Source,
    beside,
    group_mark,
    installation_mark,
    leading,
    mark_of,
    masked,
    opened,
    own_value,
    trials,
    value_in,
)


@dataclass(frozen=True)
class SettingLine:
    """A setting as it is shown: `value` in words, `source` where it comes from, `secret` what is said of the one beside it.

    `text`: the collectivity's own value, as a field shows it; `limited`: that value is no longer in force, the installation's
    being stricter. `opened`: the administrator sets it. `mark`: tells this value from what others may make of it meanwhile;
    `own`: the collectivity has a value of its own, in force or not.
    """

    setting: Setting
    value: str
    source: Source
    text: str
    shared: str
    secret: str
    opened: bool
    limited: bool
    mark: str
    own: bool


@dataclass(frozen=True)
class TrialLine:
    """A trial as it is shown: why there is nothing to try, or the last result with its hour."""

    name: str
    label: str
    missing: str
    at: datetime | None
    fine: bool
    sentence: str


@dataclass(frozen=True)
class Group:
    """The settings of one subject, with its trial."""

    title: str
    lines: Sequence[SettingLine]
    trials: Sequence[TrialLine]


def groups(db: Db, collectivity_id: int) -> list[Group]:
    """Every group in its order."""
    own = db.get_one(Collectivity, collectivity_id).settings
    titles = dict.fromkeys(setting.group for setting in leading())
    return [
        Group(
            title,
            [line_of(setting, own) for setting in leading() if setting.group == title],
            [_trial(name, own) for name, trial in trials().items() if trial.group == title],
        )
        for title in titles
    ]


def line_of(setting: Setting, own: Own) -> SettingLine:
    """A setting, for whoever has these."""
    value, mine = value_in(own, setting.name), own_value(own, setting.place)
    secrets = [part for part in beside(setting.name) if part.kind is Kind.SEALED]
    guarded = ""
    if secrets and mine is not None:
        stored = own_value(own, secrets[0].place) is not None
        absent = "" if secrets[0].optional else "Sans secret"
        guarded = "Secret gardé, jamais montré" if stored else absent
    text = "" if mine is None or setting.kind in GIVEN else str(masked(setting, mine))
    return SettingLine(
        setting,
        setting.wording(masked(setting, value.value), value.source),
        value.source,
        setting.plainly(text) if setting.plainly is not None else text,
        setting.wording(masked(setting, setting.installation()), Source.INSTALLATION),
        guarded,
        opened(setting),
        mine is not None and value.source is Source.INSTALLATION,
        mark_of(own, setting.name),
        mine is not None,
    )


def _trial(name: str, own: Own) -> TrialLine:
    trial, last = trials()[name], own.get(TRIED, {}).get(name, {})
    moment = datetime.fromisoformat(last["at"]) if last else None
    sentence, fine = str(last.get("words", "")), bool(last.get("fine"))
    if last and last.get("mark") != installation_mark():
        sentence, fine = (
            f"{sentence} Essayé sous d’autres réglages de l’installation : à essayer de nouveau.",
            False,
        )
    elif last and last.get("read") != group_mark(own, trial.group):
        sentence, fine = f"{sentence} Ces réglages ont pu changer depuis : à essayer de nouveau.", False
    return TrialLine(name, trial.label, trial.missing(own), moment, fine, sentence)
