"""Forms older than the row that they edit: what a page posts back of it, and what it tells once somebody else changed it.

What is typed was typed over the row as the page was opened on it. So the page that comes back after a refusal keeps the mark
that was posted: whoever corrects his entry and posts it again is told what a colleague has written meanwhile, in place of
undoing it. Only the refusal that tells it gives the page a new mark, beside what is in force now.
"""

from collections.abc import Mapping

from flask import request
from flask_wtf import FlaskForm


def mark(field: str, present: object, *, fresh: bool = False) -> str:
    """What the page shows in this hidden field: the mark that was posted, or `present`, that of the row as it is now.

    `fresh`: the page tells that the row has changed, and shows what it has become.
    """
    return str(present) if fresh else request.form.get(field, str(present))


def marks(field: str, present: list[str], *, fresh: bool = False) -> list[str]:
    """The same for a field that is there as many times as the row has parts, none included."""
    return present if fresh or request.method != "POST" else request.form.getlist(field)


def tell(form: FlaskForm, present: Mapping[str, str]) -> None:
    """Say beside each field what is in force, where what was typed is something else; `present` in words, by field."""
    for name, value in present.items():
        sentence = f"En vigueur maintenant : « {value} »." if value else "Vide maintenant."
        form[name].errors = [*form[name].errors, sentence]
