"""transmission identifier: an act is found by what the Préfecture calls it, and not by reading all of them."""

from alembic import op

revision, down_revision = "0025_transmission_identifier", "0024_publication_means"
NAME = "ix_transmission_collectivity_id_identifier"


def upgrade() -> None:
    op.create_index(NAME, "transmission", ["collectivity_id", "identifier"])


def downgrade() -> None:
    op.drop_index(NAME, "transmission")
