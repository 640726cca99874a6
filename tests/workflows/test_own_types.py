"""A type of a collectivity is stricter than its family, whatever an administrator writes: never weaker."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workflows.family import ASSURANCES, SIGNATURE_LEVELS, Family, families, family, normalised, problems
from workflows.fields import Field, parse
from workflows.own_types import (
    KINDS,
    OWN,
    Column,
    Definition,
    OwnField,
    faults,
    joined,
    law_days,
    merged,
    slug,
)

NAMES = sorted(families())
INVOICE, FLOW, PAY = family("invoice"), family("pes"), family("pes_payroll")
DAY = date(2026, 11, 27)

own_fields = st.builds(
    OwnField,
    key=st.one_of(
        st.sampled_from([f"{OWN}{name}" for name in ("batiment", "point", "annee")]),
        st.sampled_from(["total_ttc", "number", "matter", "decision_date"]),
    ),
    label=st.sampled_from(["Bâtiment", "Point de livraison", "Montant TTC", "Objet", ""]),
    kind=st.sampled_from([*KINDS, "matter"]),
    required=st.booleans(),
    choices=st.sampled_from([(), (("a", "A"), ("b", "B"))]),
    help=st.sampled_from(["", "Sur la facture, en haut à droite."]),
    listed=st.booleans(),
    columns=st.lists(
        st.builds(
            Column,
            key=st.sampled_from(["lieu", "quantite", "Quantité"]),
            label=st.sampled_from(["Lieu", "Quantité", ""]),
            kind=st.sampled_from(["text", "integer", "iban"]),
            required=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
)
definitions = st.builds(
    Definition,
    label=st.sampled_from(["Facture d’énergie", "Courrier sortant", ""]),
    help=st.sampled_from(["", "Électricité, gaz et bois."]),
    fields=st.lists(own_fields, max_size=3).map(tuple),
    deposited_by=st.lists(st.sampled_from(["paye", "finances", "maire"]), max_size=3).map(tuple),
    minimum_signature=st.sampled_from([None, *ASSURANCES, "none"]),
    signature_level=st.sampled_from([None, *SIGNATURE_LEVELS]),
    days=st.one_of(st.none(), st.integers(-5, 400)),
    retention_years=st.one_of(st.none(), st.integers(-1, 120)),
    escalation=st.one_of(st.none(), st.integers(-1, 70)),
    formats=st.lists(st.sampled_from(["pdf", "xml", "image", "office"]), max_size=4).map(tuple),
    attachments_least=st.one_of(st.none(), st.integers(-1, 60)),
    attachments_most=st.one_of(st.none(), st.integers(-1, 60)),
    visibility=st.sampled_from([None, "desks", "restricted", "all", "open"]),
    seen_at=st.lists(st.sampled_from(["paye", "finances"]), max_size=2).map(tuple),
    icon=st.sampled_from([None, "sun", "moon"]),
    signature_place=st.sampled_from([None, "first:top-left", "middle:top-left"]),
    register=st.sampled_from([None, "COUR-{year}-{rank}", "COUR-{rank}", "{rank}", "cour-{rank}"]),
)


def weaker(law: Family, made: Family) -> list[str]:
    """All in which a family in force would let through what its family of law holds back, told by name."""
    same = (
        "rules",
        "stages",
        "circuit_rules",
        "circuit",
        "restricted_to",
        "transmit_within",
        "sign_when",
        "signature",
    )
    found = [name for name in same if getattr(made, name) != getattr(law, name)]
    if made.fields[: len(law.fields)] != law.fields or any(
        law.field(one.key) for one in made.fields[len(law.fields) :]
    ):
        found.append("fields")
    if not made.formats or not set(made.formats) <= set(law.formats):
        found.append("formats")
    if ASSURANCES.index(made.minimum_signature) < ASSURANCES.index(law.minimum_signature):
        found.append("minimum_signature")
    if law.signature_level and SIGNATURE_LEVELS.index(made.signature_level or "B-B") < SIGNATURE_LEVELS.index(
        law.signature_level
    ):
        found.append("signature_level")
    if law.discreet and (made.open_to_all or not made.discreet):
        found.append("discreet")
    if law.due_rule is not None:
        facts = {law.due_rule.start: DAY.isoformat()}
        ends = law.due(facts, DAY), made.due(facts, DAY)
        if (ends[1] or date.max) > (ends[0] or date.max):
            found.append("days")
    return found


@given(name=st.sampled_from(NAMES), definition=definitions)
def test_no_type_is_weaker_than_its_family(name: str, definition: Definition) -> None:
    law = family(name)
    if not faults(law, definition):
        assert weaker(law, joined(law, "a-type", 1, definition)) == []


@given(
    name=st.sampled_from(NAMES),
    definition=definitions,
    facts=st.sampled_from([{}, {"total_ttc": "12"}, {"matter": "7.5"}]),
)
def test_what_stops_a_folder_of_the_family_stops_one_of_its_type(
    name: str, definition: Definition, facts: dict[str, Any]
) -> None:
    law = family(name)
    if not faults(law, definition):
        made = joined(law, "a-type", 1, definition)
        assert set(problems(law, facts, today=DAY)) <= set(problems(made, facts, today=DAY))


@given(name=st.sampled_from(NAMES), definition=definitions)
def test_a_definition_is_kept_as_it_is(name: str, definition: Definition) -> None:
    assert name
    assert Definition.from_data(definition.to_data()) == definition


@given(base=definitions, drawn=definitions)
def test_a_draft_takes_what_was_published_meanwhile_and_loses_nothing_of_its_own(
    base: Definition, drawn: Definition
) -> None:
    keys = [[one.key for one in kind.fields] for kind in (base, drawn)]
    assume(all(len(set(one)) == len(one) for one in keys))
    assert merged(base, base, drawn) == (drawn, ())
    assert merged(base, drawn, base) == (drawn, ())
    assert merged(base, drawn, drawn) == (drawn, ())


def test_a_field_added_by_each_side_is_kept_and_what_both_changed_is_named() -> None:
    lot, site, meter = (OwnField(f"{OWN}{one}", one, "text") for one in ("lot", "site", "compteur"))
    base = Definition("Note", days=20, fields=(lot,))
    mine = replace(base, days=10, help="Écrite.", fields=(lot, meter))
    theirs = replace(base, days=15, icon="sun", fields=(replace(lot, required=True), site))
    made, both = merged(base, mine, theirs)
    assert (made.days, made.help, made.icon) == (10, "Écrite.", "sun")
    assert made.fields == (replace(lot, required=True), meter, site)
    assert both == ("days",)
    gone, both = merged(base, replace(base, fields=()), replace(base, fields=(replace(lot, required=True),)))
    assert (gone.fields, both) == ((replace(lot, required=True),), (lot.key,))


@pytest.mark.parametrize(
    ("law", "definition", "field", "sentence"),
    [
        (INVOICE, Definition("A", icon="../x"), "icon", "pictogramme dans la liste"),
        (
            FLOW,
            Definition("A", signature_place="first:top-left"),
            "signature_place",
            "ne montre pas de signature",
        ),
        (INVOICE, Definition("A", signature_place="middle:top"), "signature_place", "la page et le coin"),
        (INVOICE, Definition("A", register="É-{rank}"), "register", "capitales sans accent"),
        (INVOICE, Definition("A", register="{0}-{rank}"), "register", "capitales sans accent"),
        (INVOICE, Definition("A", register="2026-{rank}"), "register", "commence par une lettre"),
        (INVOICE, Definition("A", register="1COUR-{year}-{rank}"), "register", "commence par une lettre"),
        (INVOICE, Definition("A", register="AR2026-{rank}"), "register", "ne finit pas par une année"),
        (family("deliberation"), Definition("A", register="DEL-{rank}"), "register", "que la loi demande"),
    ],
)
def test_a_look_or_a_register_that_cannot_be_is_refused_on_its_field(
    law: Family, definition: Definition, field: str, sentence: str
) -> None:
    (found,) = faults(law, definition)
    assert (found.field, sentence in found.sentence) == (field, True)


@pytest.mark.parametrize("register", ["COUR-{year}-{rank}", "C-{rank}", "SERVICE2-{rank}"])
def test_a_register_begins_with_a_letter_and_may_have_figures(register: str) -> None:
    assert list(faults(INVOICE, Definition("A", register=register))) == []


def test_a_version_published_before_tables_and_help_is_read_as_it_was() -> None:
    data = Definition("Note", fields=(OwnField(f"{OWN}lot", "Lot", "text"),)).to_data()
    (field,) = data["fields"]
    former = {
        **data,
        "fields": [{name: field[name] for name in ("key", "label", "kind", "required", "choices")}],
    }
    assert Definition.from_data(former) == Definition.from_data(data)


def test_a_family_that_came_to_ask_more_stands_over_a_version_published_before() -> None:
    definition = Definition(
        "Note", minimum_signature="advanced", signature_level="B-T", formats=("pdf", "xml")
    )
    stricter = replace(
        INVOICE, minimum_signature="qualified", signature_level="B-LTA", formats=("image",), signature="page"
    )
    assert weaker(stricter, joined(stricter, "note", 1, definition)) == []


@pytest.mark.parametrize(
    ("law", "definition", "field", "sentence"),
    [
        (
            INVOICE,
            Definition("A", days=21),
            "days",
            "La loi laisse 20 jours au plus (décret 2013-269, art. 12).",
        ),
        (INVOICE, Definition("A", formats=("office",)), "formats", "n’accepte pas ce format"),
        (FLOW, Definition("A", signature_level="B-LT"), "signature_level", "ne se règle pas"),
        (PAY, Definition("A", deposited_by=("finances",)), "deposited_by", "à accès restreint"),
        (INVOICE, Definition("A", signature_level="B-B"), "signature_level", "plus haut"),
        (
            replace(INVOICE, minimum_signature="qualified"),
            Definition("A", minimum_signature="advanced"),
            "minimum_signature",
            "plus exigeante",
        ),
        (
            INVOICE,
            Definition("A", attachments_least=3, attachments_most=2),
            "attachments_most",
            "sous le plus petit",
        ),
        (
            INVOICE,
            Definition("A", fields=(OwnField("total_ttc", "Montant du lot", "amount"),)),
            "fields.0.label",
            "clé",
        ),
        (
            INVOICE,
            Definition("A", fields=(OwnField(f"{OWN}montant_ttc", "montant ttc", "amount"),)),
            "fields.0.label",
            "déjà un champ de la famille",
        ),
        (
            INVOICE,
            Definition(
                "A", fields=(OwnField(f"{OWN}b", "Bâtiment", "choice", choices=(("a", "A"), ("a", "à"))),)
            ),
            "fields.0.choices",
            "pareils",
        ),
    ],
)
def test_each_weaker_value_is_refused_on_its_field(
    law: Family, definition: Definition, field: str, sentence: str
) -> None:
    found = {one.field: one.sentence for one in faults(law, definition)}
    assert list(found) == [field]
    assert sentence in found[field]


def test_the_days_of_a_type_run_from_the_start_of_the_law_and_never_past_its_end() -> None:
    start = {"received_on": "2026-11-02", "total_ttc": "12"}
    assert law_days(INVOICE) == 20
    shorter = joined(INVOICE, "a", 1, Definition("A", days=15))
    assert shorter.due(start, DAY) == date(2026, 11, 17)
    assert replace(shorter, days=45).due(start, DAY) == INVOICE.due(start) == date(2026, 11, 22)
    assert shorter.due({**start, "type_code": "381"}, DAY) is None  # a credit note is not paid: no clock runs
    other = joined(family("other"), "a", 1, Definition("A", days=15))
    assert other.due({}, DAY) == DAY + timedelta(days=15)
    assert other.due({}) is None


def test_no_family_has_a_field_that_a_type_could_take() -> None:
    assert not [one.key for law in families().values() for one in law.fields if one.key.startswith(OWN)]


def test_own_fields_are_asked_as_the_family_s_are() -> None:
    fields = (
        OwnField(f"{OWN}compte", "Compte", "iban", required=True),
        OwnField(f"{OWN}urgent", "Urgent", "yesno"),
    )
    made = joined(family("other"), "a", 1, Definition("A", fields=fields))
    wanted = {"subject": "Plan"}
    assert [one.field for one in problems(made, wanted, today=DAY)] == [f"{OWN}compte"]
    right = {**wanted, f"{OWN}compte": "fr76 3000 6000 0112 3456 7890 189", f"{OWN}urgent": "oui"}
    assert problems(made, right, today=DAY) == []
    assert [one.key for one in problems(made, {**right, f"{OWN}urgent": "peut-être"}, today=DAY)] == [
        "choice-invalid"
    ]


LOTS = OwnField(
    f"{OWN}lots",
    "Lots",
    "lines",
    required=True,
    columns=(
        Column("lieu", "Lieu", "choice", True, (("mairie", "Mairie"), ("ecole", "École"))),
        Column("quantite", "Quantité", "integer"),
        Column("montant", "Montant", "amount", True),
        Column("livre_le", "Livré le", "date"),
    ),
)


def test_a_table_is_kept_line_by_line_without_what_is_blank() -> None:
    made = joined(family("other"), "a", 1, Definition("A", fields=(LOTS,)))
    typed = [
        {"lieu": "ecole", "quantite": " 3 ", "montant": "1 234,5", "livre_le": "2/11/2026"},
        {"lieu": "", "montant": " "},
        {"lieu": "mairie", "montant": "12"},
    ]
    kept = normalised(made, {"subject": "Plan", LOTS.key: typed})[LOTS.key]
    assert kept == [
        {"lieu": "ecole", "quantite": 3, "montant": "1234.50", "livre_le": "2026-11-02"},
        {"lieu": "mairie", "montant": "12.00"},
    ]
    assert normalised(made, {"subject": "Plan", LOTS.key: kept})[LOTS.key] == kept
    assert LOTS.key not in normalised(made, {LOTS.key: [{"lieu": ""}]})
    assert [one.key for one in problems(made, {"subject": "Plan"}, today=DAY)] == ["required"]


@pytest.mark.parametrize(
    ("lines", "sentences"),
    [
        ([{"lieu": "ecole"}], ["« Lots », ligne 1 : « Montant » reste à renseigner."]),
        (
            [{"lieu": "ecole", "montant": "1"}, {"lieu": "stade", "montant": "un"}],
            ["ligne 2 : « Lieu » n’est pas l’un des choix", "ligne 2 : « Montant » n’est pas un montant"],
        ),
        ([{"lieu": "ecole", "montant": "1", "prix": "2"}], ["« prix » n’est pas une colonne"]),
        ([{"lieu": "ecole", "montant": "1"}] * 51, ["a 51 lignes, 50 au plus"]),
        ([{"lieu": "stade", "montant": "1"}] * 7, ["ligne 5", "Et 2 autres."]),
        ("trois", ["donnez une liste de lignes"]),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_its_line_and_its_column(
    lines: Any, sentences: list[str]
) -> None:
    made = joined(family("other"), "a", 1, Definition("A", fields=(LOTS,)))
    (found,) = problems(made, {"subject": "Plan", LOTS.key: lines}, today=DAY)
    assert (found.key, found.field) == ("lines-invalid", LOTS.key)
    assert all(one in found.sentence for one in sentences)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ([replace(LOTS, columns=())], "fields.0.columns", "de 1 à 8 colonnes"),
        ([replace(LOTS, columns=LOTS.columns * 3)], "fields.0.columns", "de 1 à 8 colonnes"),
        ([replace(LOTS, columns=(Column("a", "A", "iban"),))], "fields.0.columns.0", "nature de la colonne"),
        ([replace(LOTS, columns=(Column("a", "A", "choice"),))], "fields.0.columns.0", "de 2 à 50 choix"),
        ([replace(LOTS, columns=(Column("", "!", "text"),))], "fields.0.columns.0", "ne donne pas de clé"),
        (
            [replace(LOTS, columns=(Column("a", "A", "text"), Column("b", "a", "text")))],
            "fields.0.columns",
            "même nom",
        ),
        ([replace(LOTS, listed=True)], "fields.0.listed", "ne se montre pas"),
        ([OwnField(f"{OWN}a", "Un", "text", columns=LOTS.columns)], "fields.0.columns", "Seul un tableau"),
        ([OwnField(f"{OWN}a", "Un", "text", help="deux\nlignes")], "fields.0.help", "sur une ligne"),
        (
            [replace(LOTS, key=f"{OWN}{n}", label=f"Lots {n}") for n in range(3)],
            "fields.2.kind",
            "2 tableaux au plus",
        ),
        (
            [OwnField(f"{OWN}{n}", f"Champ {n}", "text", listed=True) for n in range(4)],
            "fields.3.listed",
            "montrent 3 champs",
        ),
    ],
)
def test_a_table_that_could_not_be_typed_or_shown_is_refused_on_its_field(
    fields: list[OwnField], field: str, sentence: str
) -> None:
    found = faults(family("other"), Definition("A", fields=tuple(fields)))
    assert (field, True) in [(one.field, sentence in one.sentence) for one in found]


@pytest.mark.parametrize(
    "text", ["FR76 3000 6000 0112 3456 7890 188", "FR76", "", "12", "FR7630006000011234567890é9"]
)
def test_what_is_no_iban_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="n’est pas un IBAN"):
        parse(Field("a", "Compte", "iban"), text)


def test_an_iban_is_kept_without_its_spaces() -> None:
    assert (
        parse(Field("a", "Compte", "iban"), "fr76 3000 6000 0112 3456 7890 189")
        == "FR7630006000011234567890189"
    )


def test_words_make_a_key() -> None:
    assert slug("Facture d’énergie", "-") == "facture-d-energie"
    assert slug("  É !", "_") == "e"
    assert slug("…", "-") == ""
