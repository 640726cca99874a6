"""What the files of a folder say of themselves, told to whoever decides on it; the limits of a deposit; folders without issue."""

from jinja2 import Environment

from app.core.outbox import each_round, handles
from app.folders import (
    carried,
    corrections,
    limits,
    opinions,
    orders,
    pause,
    points,
    rows,
    sockets,
    stranded,
    words,
)
from app.people.mandates import orders_from, stopping_by
from app.people.own_settings.registry import declare
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    declare(*limits.settings(settings), carried.settings())
    pause.configure(settings.take_back_seconds)
    each_round("folders.stranded", stranded.Watch())
    for kind in (words.READ, words.NOTED):
        handles(kind, indoors=True, passing=True)(words.read_row)
    stopping_by(stranded.left_without)
    orders_from(orders.orders, orders.executory, orders.numbered)
    sockets.question(*rows.EVERY)
    sockets.caution(corrections.cautions, on_draft=True)
    sockets.tag(corrections.tag)
    sockets.caution(points.doubts_of)
    sockets.listing(points.doubts_in_lists)
    sockets.caution(opinions.cautions)
    sockets.listing(opinions.in_lists, asks=opinions.asks)
    sockets.caution(points.of_folder, on_draft=True)
