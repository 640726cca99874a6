"""A person who works by batches, as the pages see him or her, and what became of each folder."""

import re
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

import sqlalchemy as sa

from app.batches.gesture import mark_of, worded
from app.batches.models import Batch, BatchItem
from app.core.db import reading
from app.people.models import User
from demo.seed import actor_of
from tests.builders.house import House


class Hand:
    """One browser without screen."""

    def __init__(self, house: House, login: str) -> None:
        self.house, self.client = house, house.client(login)
        self.token = house.csrf(self.client)

    def ask(self, path: str, method: str = "GET", data: Mapping[str, Any] | None = None) -> Any:
        """The answer as it comes; a button of a batch is that of its page as it is now, unless its mark is in the path."""
        if method == "POST":
            path = marked(path)
        return self.client.open(path, method=method, data=data, headers={"X-CSRFToken": self.token})

    def text(self, path: str) -> str:
        """A page that must be there, with plain spaces."""
        answer = self.ask(path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return plain(answer.get_data(as_text=True))

    def page(self, number: int) -> str:
        """The page of a batch."""
        return plain_but_amounts(self.ask(f"/lots/{number}").get_data(as_text=True))

    def post(self, path: str, data: Mapping[str, Any] | None = None, *, status: int = 302) -> str:
        """Post a form; what the page then says."""
        answer = self.ask(path, "POST", data)
        assert answer.status_code == status, (answer.status_code, answer.get_data(as_text=True))
        return plain(answer.get_data(as_text=True))

    def propose(self, kind: str, folders: Iterable[int] | Mapping[int, int]) -> int:
        """Tick these folders, in the versions shown (those of now unless said), and post them."""
        shown = (
            dict(folders)
            if isinstance(folders, Mapping)
            else {one: self.house.folder(one).version for one in folders}
        )
        ticked = [f"{folder}-{version}" for folder, version in shown.items()]
        return self.number_of(self.ask("/lots", "POST", {"kind": kind, "d": ticked}))

    @staticmethod
    def number_of(answer: Any) -> int:
        """The batch that an answer leads to."""
        assert answer.status_code == 302, answer.get_data(as_text=True)
        found = re.search(r"/lots/(\d+)", answer.location)
        assert found, answer.location
        return int(found.group(1))


def mark(number: int) -> str:
    """What the page of a batch says that it shows to whose it is."""
    with reading() as db:
        batch, every = db.get(Batch, number), items(number)
        if batch is None:
            return ""
        owner = actor_of(db.get_one(User, batch.user_id).login)
        return mark_of(batch, every, worded(db, owner, batch, every))


def marked(path: str) -> str:
    """The address of a button of a batch, with what its page shows now."""
    button = re.fullmatch(r"/lots/(\d+)/(?:commencer|cle|bureau|retirer-non-lus|abandonner)", path)
    return f"{path}?marque={mark(int(button[1]))}" if button else path


def plain(page: str) -> str:
    """The words of a page with ordinary spaces."""
    return re.sub(r"[\u00a0\u202f\s]+", " ", unescape(page))


def plain_but_amounts(page: str) -> str:
    """The words of a page, amounts kept as they are printed."""
    return re.sub(r"[ \n]+", " ", re.sub(r"\u00a0(?!€)", " ", unescape(page)))


def items(number: int) -> list[BatchItem]:
    """The items of a batch, in the order of its list."""
    with reading() as db:
        query = sa.select(BatchItem).where(BatchItem.batch_id == number).order_by(BatchItem.position)
        return list(db.scalars(query))


def became(number: int, expected: Mapping[int, tuple[str, str]]) -> None:
    """Each folder of a batch is in this state, for a reason that starts with these words."""
    found = {one.folder_id: (one.state, plain(one.reason)) for one in items(number)}
    assert found.keys() == expected.keys()
    for folder_id, (state, words) in expected.items():
        assert found[folder_id][0] == state, (folder_id, found[folder_id])
        assert found[folder_id][1].startswith(words), found[folder_id]
        assert bool(words) == bool(found[folder_id][1]), found[folder_id]
