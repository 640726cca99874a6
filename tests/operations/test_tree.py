"""The tree of desks: whole while it is short, folded beyond, unfolded to what is searched; a desk is moved from it."""

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.journal.models import JournalEntry
from app.operations.desks.tree import LISTED, WHOLE, Node, Search, choose, nested
from app.people import accounts, hierarchy
from app.people.places import Place, Places
from tests.builders.house import House
from tests.operations.test_foreseen import asks_the_superior
from tests.operations.test_people_and_desks import DESKS, K, R, desk, sure, user, words

N = "n.abgrallec"


def town(services: int, offices: int) -> Places:
    """A mayor (1), so many services below (100, 200, …), so many offices below each."""
    every = [Place(1, "maire", "Bureau du maire", None, None)]
    for service in range(1, services + 1):
        every.append(Place(service * 100, f"s{service}", f"Service {service:03}", 1, None))
        every += [
            Place(
                service * 100 + rank,
                f"s{service}-{rank}",
                f"Guichet {service}-{rank:02}",
                service * 100,
                None,
            )
            for rank in range(1, offices + 1)
        ]
    return Places({one.id: one for one in every})


def drawn(nodes: tuple[Node, ...]) -> list[object]:
    """Each desk by its number, followed by the list of those that are shown below it."""
    return [part for one in nodes for part in (one.place.id, *([drawn(one.below)] if one.below else []))]


def test_a_short_tree_is_shown_whole() -> None:
    every = town(2, 2)
    shown = choose(every, Search())
    assert (shown.total, shown.pages, shown.folded) == (7, 1, {})
    assert drawn(nested(every, shown)) == [1, [100, [101, 102], 200, [201, 202]]]


def test_a_long_tree_folds_its_branches_and_unfolds_the_one_that_is_asked() -> None:
    every = town(10, 10)
    assert len(every) > WHOLE
    shown = choose(every, Search())
    assert drawn(nested(every, shown)) == [1, [service * 100 for service in range(1, 11)]]
    assert shown.folded == {service * 100: 10 for service in range(1, 11)}
    unfolded = choose(every, Search(opened=300))
    assert 300 not in unfolded.folded
    assert {300 + rank for rank in range(1, 11)} <= set(unfolded.listed)
    below = choose(every, Search(opened=305))
    assert {1, 300, 305} <= set(below.listed)
    assert choose(every, Search(opened=987)) == shown


def test_each_desk_is_listed_or_counted_once_below_the_highest_that_is_folded() -> None:
    chain = {5001: 101, 5002: 5001, 5003: 5002}
    deep = [Place(number, f"d{number}", f"Équipe {number}", upper, None) for number, upper in chain.items()]
    every = Places({**town(10, 10), **{one.id: one for one in deep}})
    shown = choose(every, Search())
    assert shown.folded == {100: 13, **{service * 100: 10 for service in range(2, 11)}}
    unfolded = choose(every, Search(opened=100))
    assert unfolded.folded == {101: 3, **{service * 100: 10 for service in range(2, 11)}}
    assert len(unfolded.listed) + sum(unfolded.folded.values()) == unfolded.total == len(every)


def test_words_unfold_the_way_to_each_desk_that_they_find() -> None:
    every = town(10, 10)
    shown = choose(every, Search("guichet 7-04"))
    assert (shown.total, set(shown.listed)) == (1, {704})
    assert drawn(nested(every, shown)) == [1, [700, [704]]]
    many = choose(every, Search("guichet"))
    assert (many.total, many.pages, len(many.listed)) == (100, 4, LISTED)
    assert choose(every, Search("guichet", page=99)).page == 4


def test_one_long_row_of_desks_is_cut_in_pages_and_opens_at_the_one_that_was_moved() -> None:
    every = town(200, 0)
    shown = choose(every, Search())
    assert (shown.total, shown.page, shown.pages) == (201, 1, 9)
    late = choose(every, Search(opened=15_000))
    assert 15_000 in late.listed
    assert drawn(nested(every, late))[0] == 1  # the one above says where they stand


@pytest.mark.in_turn
def test_a_desk_is_moved_by_its_page_and_by_the_tree_through_one_verb(house: House) -> None:
    client, number = house.client(K), desk("comptabilite").id
    page = f"{DESKS}/{number}/deplacer"
    shown = words(client.get(page))
    assert "Sous Direction des finances" in shown
    form = {
        "csrf_token": house.csrf(client),
        "shown_name": "Comptabilité",
        "shown_parent": str(desk("finances").id),
    }
    below = hierarchy.open_desk(house.actor(K), "Régies", number)
    loop = client.post(page, data={**form, "parent": str(below)})
    assert (loop.status_code, "est rattaché à ce bureau" in words(loop)) == (409, True)
    assert "data-refused" in loop.text
    done = client.post(page, data={**form, "parent": str(desk("direction").id)})
    assert done.location.endswith(f"{DESKS}?ouvert={number}")
    told = words(client.get(done.location))
    assert "« Comptabilité » est maintenant sous « Direction générale »." in told
    assert desk("comptabilite").parent_id == desk("direction").id
    late = client.post(page, data={**form, "parent": str(desk("maire").id)})
    assert (late.status_code, "quelqu’un d’autre vient de modifier" in words(late)) == (409, True)
    assert desk("comptabilite").parent_id == desk("direction").id
    assert client.post(page, data={**form, "parent": "987654"}).status_code == 404
    with reading() as db:
        lines = db.scalars(sa.select(JournalEntry.facts).where(JournalEntry.event == "desk.changed")).all()
    assert len(lines) == 1
    again = {**form, "shown_parent": str(desk("direction").id)}
    top = client.post(page, data={**again, "parent": ""}, follow_redirects=True)
    assert "« Comptabilité » est maintenant au sommet." in words(top)


@pytest.mark.in_turn
def test_a_move_that_would_stop_something_is_asked_about_first(house: House) -> None:
    asks_the_superior(house)
    client, number = house.client(K), desk("comptabilite").id
    page = f"{DESKS}/{number}/deplacer"
    form = {"csrf_token": house.csrf(client), "parent": ""}
    asked = client.post(page, data=form)
    assert (asked.status_code, "n’aurait plus le supérieur" in words(asked)) == (409, True)
    assert "n’aurait plus le supérieur" in words(client.get(f"{page}?vers="))
    assert desk("comptabilite").parent_id == desk("finances").id
    assert client.post(page, data={**form, "sure": "1"}).status_code == 409
    assert desk("comptabilite").parent_id == desk("finances").id
    assert client.post(page, data={**form, "sure": sure(asked)}).status_code == 302
    assert desk("comptabilite").parent_id is None


@pytest.mark.in_turn
def test_who_administers_a_branch_moves_within_it_and_not_the_branch(house: House) -> None:
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    client = house.client(N)
    tree = client.get(DESKS).text
    assert f'href="{DESKS}/{desk("comptabilite").id}/deplacer"' in tree
    assert f"{DESKS}/{desk('finances').id}/deplacer" not in tree
    assert client.get(f"{DESKS}/{desk('finances').id}/deplacer").status_code == 302
    outside = {"csrf_token": house.csrf(client), "parent": str(desk("direction").id)}
    assert client.post(f"{DESKS}/{desk('comptabilite').id}/deplacer", data=outside).status_code == 404
    assert desk("comptabilite").parent_id == desk("finances").id
    assert house.client(R).get(f"{DESKS}/{desk('comptabilite').id}/deplacer").status_code == 403
