"""proof holder: the name that the certificate of a signature bears, where it is not written as the account is."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0030_proof_holder", "0029_prepared_copies"


def upgrade() -> None:
    op.add_column("signature_proof", sa.Column("holder", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("signature_proof", "holder")
