"""The secret of a collectivity's webhook is sealed; recovery codes of before, of 60 bits, are kept stretched under a salt."""

import os
from typing import Any

import sqlalchemy as sa
from alembic import op
from argon2.low_level import Type, hash_secret_raw
from sqlalchemy.dialects.postgresql import JSONB

from app.core.refusals import Refusal
from app.core.sealed import seal, unseal

revision, down_revision = "0050_sealed_and_salted", "0049_returned_clients"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
SECRET = "handover_webhook_secret"  # noqa: S105 (its key, not the secret)
_town = sa.table("collectivity", sa.column("id", sa.Integer), sa.column("settings", _JSON))
_code = sa.table(
    "recovery_code",
    sa.column("id", sa.Integer),
    sa.column("user_id", sa.Integer),
    sa.column("code_hash", sa.String),
    sa.column("salt", sa.String),
    sa.column("used_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.add_column("recovery_code", sa.Column("salt", sa.String()))
    here = op.get_bind()
    for number, settings in _secrets(here):
        _keep(here, number, {**settings, SECRET: seal(settings[SECRET])})
    salts: dict[int, bytes] = {}
    waiting = sa.select(_code.c.id, _code.c.user_id, _code.c.code_hash).where(_code.c.used_at.is_(None))
    for number, user, kept in here.execute(waiting).all():
        salt = salts.setdefault(user, os.urandom(16))
        stretched = hash_secret_raw(kept.encode(), salt, 3, 65536, 4, 32, Type.ID).hex()
        here.execute(
            sa.update(_code).where(_code.c.id == number).values(code_hash=stretched, salt=salt.hex())
        )


def downgrade() -> None:
    # What was stretched does not come back, and the former version knows no longer codes: none is said to be left
    here = op.get_bind()
    here.execute(sa.delete(_code).where(_code.c.used_at.is_(None)))
    for number, settings in _secrets(here):
        try:
            _keep(here, number, {**settings, SECRET: unseal(settings[SECRET])})
        except Refusal:  # of a key that is lost: it stays as it is, and signs nothing
            continue
    op.drop_column("recovery_code", "salt")


def _secrets(here: sa.Connection) -> list[tuple[int, dict[str, Any]]]:
    rows = here.execute(sa.select(_town.c.id, _town.c.settings)).all()
    return [(row.id, row.settings) for row in rows if (row.settings or {}).get(SECRET)]


def _keep(here: sa.Connection, number: int, settings: dict[str, Any]) -> None:
    here.execute(sa.update(_town).where(_town.c.id == number).values(settings=settings))
