"""What a collectivity has written of its circuits, its rules and its types: read together for a page, each alone elsewhere."""

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.circuits.models import (
    CircuitDraft,
    CircuitVersion,
    FolderType,
    FolderTypeVersion,
    NamedCircuit,
    RuleTableDraft,
    RuleTableVersion,
)
from app.core.db import Db
from app.core.questions import OF, Question, ask_together

JOINT = "+"
"""Between the names of circuits that folders in dispute follow together, in the name of the versions of that circuit."""
_circuit, _rules, _type = aliased(CircuitVersion), aliased(RuleTableVersion), aliased(FolderTypeVersion)
_last_of_circuit = (
    sa.select(sa.func.max(_circuit.number))
    .where(_circuit.collectivity_id == OF, _circuit.family == CircuitVersion.family)
    .correlate(CircuitVersion)
    .scalar_subquery()
)
_last_of_rules = (
    sa.select(sa.func.max(_rules.number))
    .where(_rules.collectivity_id == OF, _rules.kind == RuleTableVersion.kind)
    .correlate(RuleTableVersion)
    .scalar_subquery()
)
_last_of_type = (
    sa.select(sa.func.max(_type.number))
    .where(_type.type_id == FolderType.id)
    .correlate(FolderType)
    .scalar_subquery()
)
CIRCUITS = Question(
    (CircuitVersion,),
    sa.and_(
        CircuitVersion.collectivity_id == OF,
        CircuitVersion.number > 0,
        CircuitVersion.number == _last_of_circuit,
        CircuitVersion.family.not_like(f"%{JOINT}%"),
    ),
)
"""The last version of each circuit; those that disputes joined, and those that one folder follows, are none of them."""
NAMED = Question((NamedCircuit,), NamedCircuit.collectivity_id == OF)
DRAFTS = Question((CircuitDraft,), CircuitDraft.collectivity_id == OF)
RULES = Question(
    (RuleTableVersion,),
    sa.and_(RuleTableVersion.collectivity_id == OF, RuleTableVersion.number == _last_of_rules),
)
"""The last version of each table of rules."""
RULE_DRAFTS = Question((RuleTableDraft,), RuleTableDraft.collectivity_id == OF, order=lambda row: row[0].kind)
TYPES = Question(
    (FolderType, FolderTypeVersion),
    FolderType.collectivity_id == OF,
    (
        (
            FolderTypeVersion,
            sa.and_(FolderTypeVersion.type_id == FolderType.id, FolderTypeVersion.number == _last_of_type),
        ),
    ),
)
"""Each type beside its last version, None of one that was never published."""


def read_ahead(db: Db, collectivity_id: int, *beside: Question) -> None:
    """Read all of it in one statement for the page that is being made, and what else the page asks of the collectivity."""
    ask_together(db, (CIRCUITS, NAMED, DRAFTS, RULES, RULE_DRAFTS, TYPES, *beside), collectivity_id)
