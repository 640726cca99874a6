"""What is asked of several folders at one go, in a session that only reads: the answers that each of them would get."""

import pytest

from app.core.db import reading
from app.core.questions import gather
from app.core.refusals import Refusal
from app.folders.access import authorize, authorize_ahead
from app.folders.move import present, read_present
from tests.builders.house import House
from tests.display.test_folder_page import heard
from tests.folders.test_asking import A, N, S, ask


@pytest.mark.both_databases
def test_what_is_asked_ahead_is_each_one_s_own_and_for_this_person_alone(house: House) -> None:
    mayor, clerk, director = (house.actor(login) for login in (A, N, S))
    folders = [house.a_quick_invoice() for _ in range(3)]
    house.approve(folders[1], N)
    ask(house, N, folders[2], "direction")
    with reading() as db:
        one_by_one = [present(db, authorize(db, mayor, folders[1]))]
        one_by_one += [present(db, authorize(db, clerk, number)) for number in folders]
    assert one_by_one[-1].asked
    with reading() as db:
        gather(db)
        for actor, numbers in ((director, folders), (mayor, folders[1:2]), (clerk, folders)):
            read_present(db, authorize_ahead(db, actor, [*numbers, 999_999]))
        with heard() as asked:
            # The third is read by who was asked for an opinion, and by him alone of those who have no part in them
            for number in (*folders[:2], 999_999):
                with pytest.raises(Refusal, match="not-found"):
                    authorize(db, director, number)
            assert authorize(db, director, folders[2]).id == folders[2]
            at_one_go = [present(db, authorize(db, mayor, folders[1]))]
            at_one_go += [present(db, authorize(db, clerk, number)) for number in folders]
        assert not asked
    assert at_one_go == one_by_one
