"""Help says, on each page, what the page is for, three gestures and its words, each word once and of the glossary."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from app.core.http import PUBLIC
from app.operations.guidance.contents import GENERAL, HERE, topic_of, topics
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).resolve().parents[2]
ADMIN = "k.morizur"
GENERAL_FOR = {
    "folders.carried_whole": "answers nothing",
    "folders.view_counts": "a part of a list, asked once the list is there",
    "operations.guidance.first_signature": "help itself",
    "operations.guidance.first_signed": "help itself",
    "operations.guidance.index": "help itself",
    "operations.guidance.topic": "help itself",
}
"""Views that answer a text and have no help of their own, and why."""


def text_of(page: str) -> str:
    return " ".join(page.replace("\u00a0", " ").replace("\u202f", " ").split())


def answers_of(view: Callable[..., Any]) -> Iterator[Any]:
    """What a view may answer, each alone."""
    answer = get_type_hints(view)["return"]
    yield from get_args(answer) if isinstance(answer, UnionType) else (answer,)


def test_each_topic_says_what_for_three_gestures_and_words_of_the_glossary() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    french = " ".join(re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE))
    used = set()
    for topic in topics().values():
        assert topic.purpose.endswith(".")
        assert len(topic.gestures) == 3, topic.key
        assert 1 <= len(topic.definitions) <= 6
        assert all(one.endswith(".") for one in topic.gestures)
        used |= {word for word, _ in topic.definitions}
    assert not [word for word in used if word not in french]
    written = re.findall(r"^([^#\n:]+):", (HERE / "words.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(used) == sorted(written)  # none explained for nobody


def test_every_page_that_a_person_reaches_has_its_own_topic(house: House) -> None:
    """Those that a form answers with too: each view that may answer a text, which a file or a way to another page is not."""
    general = {
        endpoint
        for endpoint, view in house.app.view_functions.items()
        if getattr(view, "__guard__", PUBLIC) != PUBLIC
        and not endpoint.partition(".")[0].endswith("_api")
        and {str, tuple[str, int]} & {*answers_of(view)}
        and topic_of(endpoint).key == GENERAL
    }
    assert general == set(GENERAL_FOR)


def test_a_topic_is_of_pages_that_are_there(house: House) -> None:
    known = set(house.app.view_functions)
    for topic in topics().values():
        for place in topic.at:
            assert place in known or any(place.endswith(".") and one.startswith(place) for one in known), (
                place
            )


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        ("folders.inbox", "a-traiter"),
        ("operations.circuits.rehearse", "essai-a-blanc"),
        ("operations.circuits.edit", "circuits"),
        ("people.office.rotate", "applications"),
        ("people.factors.office", "connexions"),
        ("people.factors.mine", "protection"),
        ("folders.figures", "chiffres"),
        ("folders.all_views", "vues"),
        ("folders.new_view", "vues"),
        ("folders.find", "rechercher"),
        ("folders.together_page", "plusieurs-dossiers"),
        ("notices.letters", "courriels"),
        ("notices.agenda.mine", "agenda"),
        ("", GENERAL),
    ],
)
def test_the_nearest_topic_is_shown(endpoint: str, key: str) -> None:
    assert topic_of(endpoint).key == key


def test_the_help_of_a_page_is_in_it_and_on_a_page_of_its_own(house: House) -> None:
    client = house.client(ADMIN)
    desks = text_of(client.get("/administration/bureaux").get_data(as_text=True))
    assert 'href="/aide/bureaux"' in desks
    dialog = desks[desks.index('<dialog class="dlg" id="help"') :]
    for words in (
        "Aide : Bureaux",
        "Trois gestes",
        "Cochez les droits de chaque titulaire.",
        "Les mots",
        "Raccourcis clavier",
    ):
        assert words in dialog
    alone = text_of(client.get("/aide/bureaux").get_data(as_text=True))
    main = alone[alone.index("<main") : alone.index("</main")]
    for words in (
        "Aide : Bureaux",
        "Cochez les droits de chaque titulaire.",
        "Raccourcis clavier",
        "L’aide de chaque page",
    ):
        assert words in main
    assert client.get("/aide").status_code == 200
    assert client.get("/aide/nulle-part").status_code == 404
    assert house.client().get("/aide").status_code == 302
