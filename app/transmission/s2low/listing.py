"""Every transaction that S2LOW lists since a day, status after status and page after page."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from app.transmission.s2low.answers import transactions_of
from app.transmission.s2low.client import Client

PAGE: Final = 100


def transactions(
    client: Client, path: str, statuses: tuple[int, ...], **more: object
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each transaction with its status, once; what is asked of each meanwhile shares the connection of the list."""
    ids: set[str] = set()
    with client.together():
        for status in statuses:
            offset = 0
            while True:
                query: dict[str, object] = {"status_id": status, "offset": offset, "limit": PAGE, **more}
                page = transactions_of(client.get(path, **query))
                for transaction in page:
                    if str(transaction.get("id")) not in ids:
                        ids.add(str(transaction.get("id")))
                        yield status, transaction
                if len(page) < PAGE:
                    break
                offset += PAGE


def day(moment: date) -> str:
    """A day as S2LOW reads it."""
    return moment.isoformat()
