"""What a base would lose by coming down to an earlier revision: a downgrade is for where it loses nothing.

An empty base of that revision is made beside, and compared: the tables and columns that it has not are those that go.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.core import db, schema

REMADE = frozenset(
    {
        "doctor_finding",
        "doctor_place",
        "doctor_round",
        "doctor_trial",
        "document_words",
        "folder_words",
        "parcel_damage",
        "person",
    }
)
"""Tables that fill again by themselves: what was found of the machine, who enters by an account of his own.

And those that are read again from bytes that are kept, for the search.
"""
LEARNT = frozenset(
    {
        "document_version.blocks",
        "transmission.parcel",
        "user_account.person_id",
        "user_account.arrived",
        "user_account.signing_guide",
        "user_account.search_key",
        "folder_note.stems",
        "factor.person_id",
        "recovery_code.person_id",
        "identity_challenge.person_id",
        "folder.read_by_all",
        "folder.restricted",
        "step_run.restricted",
        "batch_item.wording",
        "batch_item.absent",
        "signature_session.absent",
    }
)
"""Columns that fill again by themselves, from bytes that are kept elsewhere or from the column that takes their place.

Which parcels are not in the store is told by the table that makes them again.

And those that say no more than what help somebody was shown, or in which words a signature was to be made, until it is: the
proof keeps the words in which it was, and the step in whose absence.
"""
_WORDS = "CAST(rights AS TEXT)"
_SAID_SINCE = (
    f"{_WORDS} LIKE '%:%' OR {_WORDS} LIKE '%\"follow\"%' "
    f"OR ({_WORDS} LIKE '%\"publish\"%' AND {_WORDS} NOT LIKE '%\"act\"%')"
)
_VISA_ALONE = f"{_WORDS} LIKE '%\"act\"%' AND {_WORDS} NOT LIKE '%\"publish\"%'"
TAKEN = {
    "0013_signature_formats": (("signature_session", "state <> 'done'", "signatures en cours"),),
    "0076_persons": (
        (
            "user_account",
            "EXISTS (SELECT 1 FROM user_account u WHERE u.id <> user_account.id"
            " AND (u.person_id = user_account.person_id OR u.login = user_account.login))"
            " OR EXISTS (SELECT 1 FROM person p WHERE p.id = user_account.person_id"
            " AND (p.login <> user_account.login OR p.email <> user_account.email))",
            "comptes dont la personne, l’identifiant ou l’adresse de récupération n’est pas à eux seuls",
        ),
    ),
    "0050_sealed_and_salted": (("recovery_code", "used_at IS NULL", "codes de secours qui n’ont pas servi"),),
    "0073_rights_by_type": (
        (
            "holder",
            _SAID_SINCE,
            "droits qui ne se disaient pas avant : pour certains types, de publier seul, de suivre",
        ),
        ("application", _SAID_SINCE, "droits d’applications qui ne se disaient pas avant"),
        ("holder", _VISA_ALONE, "titulaires qui visent sans publier, et qui publieraient"),
        ("application", _VISA_ALONE, "applications qui visent sans publier, et qui publieraient"),
    ),
    "0080_restricted_types": (
        ("folder", "restricted", "dossiers à lecture restreinte, que tout titulaire lirait"),
    ),
    "0136_handed_batches": (("batch", "kind = 'hand'", "lots de dossiers confiés"),),
    "0115_read_by_all": (
        ("folder", "read_by_all", "dossiers lus par toute la collectivité, que leurs bureaux seuls liraient"),
    ),
}
"""Rows that a downgrade takes away from a table that stays: which, and their French name."""
Columns = dict[str, dict[str, str | None]]


def losses(revision: str) -> list[str]:
    """Each thing that the base has and would not have at that revision, in French.

    Only the base is read; a revision is said as `schema.lower` reads it, and refused as there.
    """
    target, chain = schema.lower(revision), schema.below()
    left = _of_an_empty_base(target)
    with db.engine().connect() as connection:
        return list(_lost(connection, left, chain if target == schema.BASE else chain[: chain.index(target)]))


def _lost(connection: sa.Connection, left: Columns, undone: list[str]) -> Iterator[str]:
    for name, columns in _columns(connection).items():
        if name in REMADE:
            continue
        table = sa.table(name, *(sa.column(column) for column in columns))
        if name not in left:
            if count := _count(connection, table):
                yield f"la table {name} ({count} {'lignes' if count > 1 else 'ligne'})"
            continue
        for column in {
            added for added in columns.keys() - left[name].keys() if f"{name}.{added}" not in LEARNT
        }:
            if count := _count(connection, table, _filled(table.c[column], columns[column])):
                yield f"la colonne {name}.{column} ({count} {'valeurs' if count > 1 else 'valeur'})"
    for revision in undone:
        for name, condition, sentence in TAKEN.get(revision, ()):
            if count := _count(connection, sa.table(name), sa.text(condition)):
                yield f"{sentence} ({count})"


def _filled(column: Any, default: str | None) -> Any:
    """Whether a value says more than what the column is given by itself."""
    there = column.is_not(None)
    return there if default is None else sa.and_(there, sa.cast(column, sa.Text) != default)


def _count(connection: sa.Connection, table: Any, *where: Any) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def _columns(connection: sa.Connection) -> Columns:
    """The columns of each table of ours, with the text of what each is given by itself."""
    look = sa.inspect(connection)
    names = [
        table
        for table in look.get_table_names()
        if not table.startswith(("alembic_", "huey", "sqlite_", "fts_"))
    ]
    tables = look.get_multi_columns(filter_names=names) if names else {}
    return {
        str(place[1]): {column["name"]: _plain(column.get("default")) for column in columns}
        for place, columns in tables.items()
    }


def _plain(default: Any) -> str | None:
    """« '0'::character varying » as a value is written: 0."""
    return None if default is None else str(default).partition("::")[0].strip("()").strip("'")


def _of_an_empty_base(revision: str) -> Columns:
    if revision == schema.BASE:
        return {}
    with _beside() as url, db.set_aside(url):
        schema.upgrade(revision)
        with db.engine().connect() as connection:
            return _columns(connection)


@contextmanager
def _beside() -> Iterator[str]:
    with TemporaryDirectory(prefix="paraphe-") as room:
        yield f"sqlite:///{Path(room) / 'base.db'}"
