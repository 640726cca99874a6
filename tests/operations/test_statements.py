"""The public pages on accessibility and personal data: completed by the collectivity, escaped, and never claiming what nobody checked."""

from datetime import timedelta
from typing import Any

import pytest

from app.core import db
from app.core.clock import today
from app.core.refusals import Refusal
from app.journal.chain import verify
from app.operations.statements import record
from tests.builders.house import House, token_in
from tests.operations.test_commune import a_new_commune

pytestmark = pytest.mark.in_turn

OFFICE = "/administration/pages-publiques"
ACCESS, PRIVACY = "/accessibilite", "/donnees-personnelles"
ADMIN = "k.morizur"


def text_of(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ").split())


def written(house: House, login: str = ADMIN, **typed: str) -> Any:
    client = house.client(login)
    page = client.get(OFFICE).get_data(as_text=True)
    seen = page.partition('name="seen" value="')[2][:16]
    data = {"csrf_token": token_in(page), "seen": seen, "state": "unknown", **typed}
    return client.post(OFFICE, data=data, follow_redirects=True)


def test_nothing_is_claimed_until_the_collectivity_says_it_with_a_day(house: House) -> None:
    stranger = house.client()
    page = text_of(stranger.get(ACCESS))
    assert "Non évalué" in page
    assert "Kerlann-sur-Mer" in page
    assert "n’a pas encore complété cette page" in page
    assert "conforme" not in page.lower().replace("conformité", "")
    day = today().isoformat()
    for typed in (
        {"state": "wholly"},
        {"state": "wholly", "evaluated_on": day},
        {"state": "wholly", "evaluator": "Un bureau d’étude"},
        {
            "state": "wholly",
            "evaluated_on": (today() + timedelta(days=1)).isoformat(),
            "evaluator": "Un bureau",
        },
        {"state": "wholly", "evaluated_on": "1999-01-01", "evaluator": "Un bureau"},
        {"state": "parfait", "evaluated_on": day, "evaluator": "Un bureau"},
    ):
        refused = written(house, **typed)
        assert refused.status_code == 422
        assert "la date de l’évaluation" in text_of(refused)
    assert "Non évalué" in text_of(stranger.get(ACCESS))
    done = written(house, state="partly", evaluated_on=day, evaluator="Un bureau d’étude")
    assert "disent ce texte" in text_of(done)
    page = text_of(stranger.get(ACCESS))
    assert "Partiellement conforme" in page
    assert "par Un bureau d’étude" in page
    written(house)  # and it is taken back
    assert "Non évalué" in text_of(stranger.get(ACCESS))
    assert "Un bureau d’étude" not in text_of(stranger.get(ACCESS))


def test_what_is_written_is_shown_to_all_as_text(house: House) -> None:
    typed = {
        "access_contact": "accueil@kerlann.example",
        "access_text": "Un <script>alert(1)</script> paragraphe.\r\n\r\nUn autre, {{ 7 * 7 }}.",
        "privacy_contact": "dpo@kerlann.example",
        "privacy_text": "Le responsable est le maire.",
    }
    assert written(house, **typed).status_code == 200
    access, privacy = house.client().get(ACCESS).get_data(as_text=True), text_of(house.client().get(PRIVACY))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; paragraphe.</p>" in access
    assert "{{ 7 * 7 }}" in access
    assert "accueil@kerlann.example" in access
    assert "dpo@kerlann.example" in privacy
    assert "Le responsable est le maire." in privacy
    assert "365 jours, puis elle est effacée" in privacy
    again = written(house, **typed)
    assert "c’était déjà ainsi" in text_of(again)
    here = house.actor(ADMIN).collectivity_id
    with db.reading() as base:
        assert verify(base, here)[1] is None
    assert "Pages publiques complétées" in text_of(house.client(ADMIN).get("/administration/journal"))


def test_each_collectivity_has_its_own_and_where_there_are_several_none_is_named(house: House) -> None:
    a_new_commune()
    written(house, privacy_contact="dpo@kerlann.example")
    written(house, "y.ledantec", privacy_contact="dpo@tregavan.example")
    stranger = house.client()
    numbers = [house.actor(login).collectivity_id for login in (ADMIN, "y.ledantec")]
    here, there = map(record.mark_of, numbers)
    assert "dpo@kerlann.example" in text_of(stranger.get(f"{PRIVACY}/{here}"))
    own = text_of(stranger.get(f"{PRIVACY}/{there}"))
    assert "dpo@tregavan.example" in own
    assert "Trégavan" in own
    for path in (ACCESS, PRIVACY):
        shared = text_of(stranger.get(path))
        assert "Trégavan" not in shared
        assert "Kerlann" not in shared
        assert "chacune a sa page" in shared
        assert "n’a pas encore complété" not in shared
        # No number leads to a name: the address of each is told by whoever it is
        for guess in (*numbers, 999, "212909998", there[:-1], f"{there[:-1]}é"):
            assert stranger.get(f"{path}/{guess}").status_code == 404
    assert "Non évalué" not in text_of(stranger.get(ACCESS))
    # Whoever is logged in is led to his own, and reads it at the address without a mark too
    assert "dpo@tregavan.example" in text_of(house.client("y.ledantec").get(PRIVACY))
    assert f'href="{ACCESS}/{there}"' in text_of(house.client("y.ledantec").get("/compte"))
    assert f'href="{ACCESS}"' in text_of(stranger.get("/login"))
    assert house.client("a.kervadec").get(OFFICE).status_code == 403


def test_of_two_administrators_the_second_is_told(house: House) -> None:
    actor = house.actor(ADMIN)
    with db.reading(actor.collectivity_id) as base:
        seen = record.of(base, actor.collectivity_id).mark
    assert record.complete(actor, record.Statements(privacy_contact="un"), shown=seen)
    with pytest.raises(Refusal, match="statement-moved"):
        record.complete(actor, record.Statements(privacy_contact="deux"), shown=seen)
    with pytest.raises(Refusal, match="statement-long"):
        record.complete(actor, record.Statements(privacy_text="x" * 5001), shown=seen)
    with pytest.raises(Refusal, match="statement-long"):
        record.complete(actor, record.Statements(access_contact="a\u202eb"), shown=seen)
