"""The verbs of the settings of a collectivity: give it a value of its own, go back to the installation's, write a trial down.

Each change is a line of the journal, with the value before and after; of a secret it says that it changed, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.core import hold
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.sealed import seal
from app.core.transaction import use_case
from app.people.accounts import refuse_former
from app.people.actor import Actor, require
from app.people.desks import write_down
from app.people.models import Collectivity
from app.people.own_settings import typed
from app.people.own_settings.registry import (
    GIVEN,
    HIDDEN,
    Asker,
    Kind,
    Own,
    Result,
    Setting,
    Source,
    beside,
    group_mark,
    installation_mark,
    known,
    leading,
    mark_of,
    masked,
    opened,
    own_value,
    trial_named,
    trials,
    value_in,
)
from workflows.vocabulary import Right

PATIENCE = 30
"""Minutes that a form with a file or a secret may take after its proof: both are looked for meanwhile."""
TRIED = "settings_tried"
"""Among the settings of a collectivity: the last result of each trial, by its name."""
MOVED = "settings_moved"
"""Beside it: when a setting of each group was changed last."""
_HELD = "cette installation est restaurée, et rien n’en part avant « flask --app wsgi resume »"


def change_setting(actor: Actor, name: str, texts: Mapping[str, str], *, shown: str | None = None) -> bool:
    """Give a setting a value of the collectivity's own; False when it has it already, and nothing is written then.

    A setting that says how (`Setting.tried`) is tried first, and keeps the result with its hour.

    `texts`: what was typed for the setting, and for those that go with it; a secret that is not typed stays as it is.
    `shown`: the `mark_of` what the page showed; when somebody changed it since, nothing is written (`setting-moved`).
    Refuses `setting-unknown`, `setting-host`, `identity-needed`, `right-missing`, what `typed.read` and the setting's own
    `check` refuse, and as `try_first`.
    """
    return _change(actor, name, texts, shown=shown, result=try_first(actor, name, texts, shown=shown))


def try_first(
    actor: Actor, name: str, texts: Mapping[str, str], *, shown: str | None = None
) -> Result | None:
    """Try what a setting would be, outside of any transaction; None where it is not one that is tried, or would not change.

    Refuses as `change_setting`, and `setting-failed` with what the trial says, `setting-untried` while a restoration is held.
    """
    with reading(actor.collectivity_id) as db:
        setting = _mine(db, actor, name, sent=True)
        if setting.tried is None:
            return None
        own = db.get_one(Collectivity, actor.collectivity_id).settings
        _refuse_moved(setting, own, shown)
        after, lines = _changes(setting, own, texts)
        read = group_mark(own, setting.group)
        busy = hold.since(db) is not None
    if not lines:
        return None
    if busy:
        raise Refusal("setting-untried", why=_HELD)
    result = setting.tried(actor.collectivity_id, after)
    if not result.fine:
        raise Refusal("setting-failed", label=setting.label, why=result.sentence.rstrip("."))
    return replace(result, read=read)


@use_case
def _change(
    db: Db, actor: Actor, name: str, texts: Mapping[str, str], *, shown: str | None, result: Result | None
) -> bool:
    return write_setting(db, actor, _mine(db, actor, name, sent=True), texts, shown=shown, result=result)


def write_setting(
    db: Db,
    actor: Actor,
    setting: Setting,
    texts: Mapping[str, str],
    *,
    shown: str | None = None,
    result: Result | None = None,
) -> bool:
    """What `change_setting` writes, in the transaction of who has refused who may not; `result`: what it was tried with."""
    row = _locked(db, actor.collectivity_id)
    _refuse_moved(setting, row.settings, shown)
    after, lines = _changes(setting, row.settings, texts)
    if not lines:
        return False
    alone = result is not None and result.read == group_mark(row.settings, setting.group)
    row.settings = _untried(after, setting.group)
    if result is not None:
        # Where the group moved since it was tried, this is no trial of what is written
        mark = group_mark(row.settings, setting.group) if alone else ""
        for trial in (each for each in trials().values() if each.group == setting.group):
            row.settings = _with_trial(row.settings, trial.name, replace(result, read=mark))
    write_down(
        db, actor.collectivity_id, "setting.changed", actor, setting=setting.name, words=" ; ".join(lines)
    )
    return True


def _changes(setting: Setting, own: Own, texts: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The settings with what was typed, and what changed in words, none where nothing did.

    A secret that is optional is the other side's: it is never shown to another address than the one it was typed for
    (`setting-secret-again`).
    """
    if setting.kind in GIVEN:
        raise Refusal("setting-file", label=setting.label)
    before, after, lines = own, dict(own), list[str]()
    for part in (setting, *beside(setting.name)):
        if part.kind is Kind.SEALED:
            if not texts.get(part.name):
                if part.optional and lines and own_value(before, part.place) is not None:
                    raise Refusal("setting-secret-again", label=part.label, other=setting.label)
                continue
            after[part.place] = seal(str(typed.read(part, texts[part.name])))
            lines.append(f"{part.label} : changé")
            continue
        text = texts.get(part.name, "").strip()
        if part.kind is Kind.URL and text.endswith(HIDDEN):
            if text != masked(part, own_value(before, part.place)):
                raise Refusal("setting-hidden", label=part.label)
            continue  # as it was shown: it stays
        value = typed.read(part, texts.get(part.name, ""))
        if own_value(before, part.place) != value:
            after[part.place] = value
            wording = _wording(part, value, Source.COLLECTIVITY)
            lines.append(f"{part.label} : {wording} (avant : {_before(part, before)})")
    if setting.check is not None:
        setting.check(after)
    return after, lines


def give_file(
    actor: Actor, name: str, data: bytes, texts: Mapping[str, str], *, shown: str | None = None
) -> Result:
    """Read the file of a setting and keep it: an image made again; a secret sealed, once what it opens was tried for real.

    `texts`: what was typed with it (`SecretFile.beside`); `shown`: as `change_setting`. Refuses `setting-unknown`,
    `setting-host`, `setting-moved`, `setting-untried` while a restoration is held, `setting-failed` with what the trial
    says, `setting-file-large`, what the setting's own file refuses, `identity-needed` and `right-missing`.
    """
    with reading(actor.collectivity_id) as db:
        setting = _mine(db, actor, name, sent=True)
        if setting.kind not in GIVEN:
            raise Refusal("setting-unknown", name=name[:60], names=", ".join(known_files()))
        _refuse_moved(setting, db.get_one(Collectivity, actor.collectivity_id).settings, shown)
        busy = hold.since(db) is not None
    if not data:
        raise Refusal("setting-empty", label=setting.label)
    if setting.picture is not None:
        _keep_picture(actor, setting, *setting.picture.clean(data), shown)
        return Result(True, "L’image est gardée.")
    if setting.file is None:
        raise Refusal("setting-file", label=setting.label)
    if len(data) > setting.file.most:
        raise Refusal("setting-file-large", label=setting.label, most=setting.file.most // 1024)
    text = setting.file.read(data, texts)
    if busy:
        raise Refusal("setting-untried", why=_HELD)
    result = setting.file.tried(actor.collectivity_id, text)
    if not result.fine:
        raise Refusal("setting-failed", label=setting.label, why=result.sentence)
    _keep_file(actor, setting, text, shown)
    return result


@use_case
def _keep_file(db: Db, actor: Actor, setting: Setting, text: str, shown: str | None) -> None:
    _refuse(db, actor, patience_of(setting))
    row = _locked(db, actor.collectivity_id)
    _refuse_moved(setting, row.settings, shown)
    before, sealed = _before(setting, row.settings), seal(text)
    row.settings = _untried({**row.settings, setting.place: sealed}, setting.group)
    summary = f"{setting.label} : {_wording(setting, sealed, Source.COLLECTIVITY)} (avant : {before})"
    write_down(db, actor.collectivity_id, "setting.changed", actor, setting=setting.name, words=summary)


@use_case
def _keep_picture(db: Db, actor: Actor, setting: Setting, png: bytes, value: str, shown: str | None) -> None:
    _refuse(db, actor, patience_of(setting))
    row = _locked(db, actor.collectivity_id)
    _refuse_moved(setting, row.settings, shown)
    before = _before(setting, row.settings)
    _picture(setting, row, png)
    row.settings = {**row.settings, setting.place: value}
    summary = f"{setting.label} : {_wording(setting, value, Source.COLLECTIVITY)} (avant : {before})"
    write_down(db, actor.collectivity_id, "setting.changed", actor, setting=setting.name, words=summary)


def _picture(setting: Setting, row: Collectivity, png: bytes | None) -> None:
    if setting.picture is not None:
        setting.picture.keep(row, png)


def known_files() -> list[str]:
    """The names of the settings that are given by a file."""
    return [setting.name for setting in leading() if setting.kind in GIVEN]


@use_case
def forget_setting(db: Db, actor: Actor, name: str, *, shown: str | None = None) -> bool:
    """Go back to the installation's value, secrets that go with it included; False when it serves already.

    `shown`: as `change_setting`. Refuses `setting-unknown`, `setting-host`, `setting-moved`, `identity-needed`,
    `right-missing`.
    """
    setting = _mine(db, actor, name)
    row = _locked(db, actor.collectivity_id)
    _refuse_moved(setting, row.settings, shown)
    places = {part.place for part in (setting, *beside(name))}
    if not places & row.settings.keys():
        return False
    before = _before(setting, row.settings)
    _picture(setting, row, None)
    left = {place: value for place, value in row.settings.items() if place not in places}
    row.settings = _untried(left, setting.group)
    summary = f"{setting.label} : {_wording(setting, setting.installation(), Source.INSTALLATION)} (avant : {before})"
    write_down(db, actor.collectivity_id, "setting.forgotten", actor, setting=name, words=summary)
    return True


def try_out(actor: Actor, name: str, to: int | None = None) -> Result:
    """Try for real what the settings say, and keep the result with its hour. `to`: the account a letter goes to.

    Refuses `setting-trial`, `setting-untried` where there is nothing to try, `identity-needed`, `right-missing`.
    """
    trial = trial_named(name)
    with reading(actor.collectivity_id) as db:
        _refuse(db, actor)
        own = db.get_one(Collectivity, actor.collectivity_id).settings
        missing, read = trial.missing(own), group_mark(own, trial.group)
        if hold.since(db) is not None:
            missing = _HELD
    if missing:
        raise Refusal("setting-untried", why=missing)
    result = trial.run(Asker(actor.collectivity_id, actor.user_id or to))
    _keep_trial(actor, name, trial.label, replace(result, read=read))
    return result


@use_case
def _keep_trial(db: Db, actor: Actor, name: str, label: str, result: Result) -> None:
    row = _locked(db, actor.collectivity_id)
    row.settings = _with_trial(row.settings, name, result)
    summary = f"{label} : {'réussi' if result.fine else 'échec'}"
    write_down(db, actor.collectivity_id, "setting.tried", actor, trial=name, words=summary)


def _with_trial(own: Own, name: str, result: Result) -> dict[str, Any]:
    """These settings with the result of a trial, made now of those that it read."""
    entry = {
        "at": now().isoformat(),
        "fine": result.fine,
        "words": result.sentence[:500],
        "mark": installation_mark(),
        "read": result.read,
    }
    return {**own, TRIED: {**own.get(TRIED, {}), name: entry}}


def _untried(own: dict[str, Any], group: str) -> dict[str, Any]:
    """These settings, which have just changed, without what was tried of this group: it was tried as it was before."""
    named = {trial.name for trial in trials().values() if trial.group == group}
    tried = {name: result for name, result in own.get(TRIED, {}).items() if name not in named}
    moved = {**own, MOVED: {**own.get(MOVED, {}), group: now().isoformat()}}
    return {**moved, TRIED: tried} if TRIED in own else moved


def moved_at(own: Own, group: str) -> datetime | None:
    """When a setting of a group was changed last; None where none was since this is kept."""
    moment = own.get(MOVED, {}).get(group)
    return datetime.fromisoformat(moment) if moment is not None else None


def _mine(db: Db, actor: Actor, name: str, *, sent: bool = False) -> Setting:
    """The setting, if whoever asks may set it; the host may set them all. `sent`: its form was posted (`patience_of`)."""
    setting = known(name)
    _refuse(db, actor, patience_of(setting) if sent else 0)
    if actor.kind != "system" and not opened(setting):
        raise Refusal("setting-host", label=setting.label)
    return setting


def _refuse(db: Db, actor: Actor, patience: int = 0) -> None:
    if actor.kind != "system":
        require(actor, Right.ADMINISTER)
        refuse_former(db, actor, patience=patience)


def secret(setting: Setting) -> bool:
    """Whether its form holds what no page keeps while who is there is asked: a file, or a secret."""
    return setting.kind in GIVEN or any(part.kind is Kind.SEALED for part in beside(setting.name))


def patience_of(setting: Setting) -> int:
    """How many minutes its form may take after who is there was asked; 0 where no more than any other."""
    return PATIENCE if secret(setting) else 0


def _locked(db: Db, collectivity_id: int) -> Collectivity:
    """The collectivity, locked: its settings are one value, which others write too."""
    return db.get_one(Collectivity, collectivity_id, with_for_update=True, populate_existing=True)


def _refuse_moved(setting: Setting, own: Mapping[str, Any], shown: str | None) -> None:
    if shown is not None and shown != mark_of(own, setting.name):
        present = value_in(own, setting.name)
        raise Refusal(
            "setting-moved", label=setting.label, value=_wording(setting, present.value, present.source)
        )


def _wording(setting: Setting, value: Any, source: Source) -> str:
    # The journal is read by more people, for ever
    return setting.wording(masked(setting, value), source).replace("\n", " / ")


def _before(setting: Setting, own: Mapping[str, Any]) -> str:
    mine = own_value(own, setting.place)
    if mine is None:
        return f"{_wording(setting, setting.installation(), Source.INSTALLATION)}, de l’installation"
    return _wording(setting, mine, Source.COLLECTIVITY)
