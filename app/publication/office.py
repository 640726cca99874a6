"""What the council chose for the publicity of acts: one page of the administrator, one verb, one line in the journal."""

from datetime import date

from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, RadioField, StringField
from wtforms.fields.choices import SelectChoice

from app.core.clock import today
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.security import token_hash
from app.core.transaction import use_case
from app.folders.publicity import CHOSEN, SETTING, Choice, Means, choice_of
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from app.people.models import Collectivity
from app.people.own_settings.population import THRESHOLD, population_in
from workflows.vocabulary import Right

LONGEST = 100


class _Inhabitants(IntegerField):  # type: ignore[misc]
    """A number, also with spaces between its thousands (« 3 012 »)."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(["".join(typed.split()) for typed in valuelist])


class ChoiceForm(FlaskForm):  # type: ignore[misc]
    """How acts are published; what the law asks is checked by the verb."""

    means = RadioField(
        "Mode de publicité",
        choices=[SelectChoice(means.value, means.label) for means in CHOSEN],
        validate_choice=False,
    )
    deliberation = StringField(
        "Numéro de la délibération",
        description="Celle par laquelle le conseil a choisi l’affichage ou le papier.",
        render_kw={"maxlength": str(LONGEST)},
    )
    decided_on = DateField("Date de la délibération")
    population = _Inhabitants(
        "Nombre d’habitants",
        description="Moins de 3 500 : au-delà, la loi n’admet que la publication en ligne.",
        render_kw={"inputmode": "numeric"},
    )

    def wanted(self) -> Choice:
        """What was written, as the verb takes it; refuses what is no means (`bad-request`)."""
        try:
            means = Means(str(self.means.data))
        except ValueError:
            raise Refusal("means-missing") from None
        if means is Means.ONLINE:
            return Choice(means)
        number = (self.deliberation.data or "").strip()
        return Choice(means, number, self.decided_on.data, self.population.data)


@use_case
def choose(db: Db, actor: Actor, wanted: Choice, *, shown: str | None = None) -> None:
    """Keep what the council chose; acts published before keep the way that theirs was.

    `shown`: the `mark_of` the choice on the page; when somebody made another since, nothing is written (`means-moved`).
    Refuses `means-population` (3,500 inhabitants or more, by what is typed or by the collectivity's setting, or no
    number), and `means-deliberation` (no number, no day, or a day to come). Source: CGCT L2131-1, IV.
    """
    require(actor, Right.ADMINISTER)
    if wanted.means not in CHOSEN:
        raise Refusal("means-missing")
    locked = {"key_share": True}
    row = db.get_one(Collectivity, actor.collectivity_id, with_for_update=locked, populate_existing=True)
    choice = None
    if wanted.means is not Means.ONLINE:
        choice = _sound(wanted, population_in(row.settings), today())
    present = choice_of(row.settings)
    if present == wanted:
        return
    if shown is not None and shown != mark_of(present):
        raise Refusal("means-moved")
    others = {key: value for key, value in row.settings.items() if key != SETTING}
    row.settings = others | ({SETTING: choice} if choice else {})
    facts = choice or {"means": Means.ONLINE.value}
    append(
        db,
        actor.collectivity_id,
        Event(
            "collectivity.publication",
            actor.name,
            actor.user_id,
            None,
            {**facts, "label": wanted.means.label},
        ),
    )


def mark_of(chosen: Choice) -> str:
    """What a page posts back of the choice that it shows."""
    return token_hash(repr(chosen))[:16]


def _sound(wanted: Choice, inhabitants: int | None, now: date) -> dict[str, object]:
    if inhabitants is not None and inhabitants >= THRESHOLD:
        raise Refusal("means-population")
    if wanted.population is None or not 0 < wanted.population < THRESHOLD:
        raise Refusal("means-population")
    day, number = wanted.decided_on, wanted.deliberation
    if not number or len(number) > LONGEST or day is None or day > now:
        raise Refusal("means-deliberation")
    return {
        "means": wanted.means.value,
        "deliberation": number,
        "decided_on": day.isoformat(),
        "population": wanted.population,
    }
