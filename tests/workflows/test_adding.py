"""What is added on the way of one folder: an opinion anywhere, a visa before what it decides."""

import pytest

from workflows.adding import DECIDED, refuse_added
from workflows.circuit import Step, StepKind
from workflows.errors import Refusal


@pytest.mark.parametrize("made", sorted(DECIDED))
def test_a_visa_comes_before_whatever_makes_the_act_and_an_opinion_where_one_likes(made: StepKind) -> None:
    asked, decided = Step("a", "Contrôle", StepKind.VISA), Step("b", "Fait", made)
    refuse_added(StepKind.VISA, [asked])
    refuse_added(StepKind.OPINION, [asked, decided])
    with pytest.raises(Refusal, match="visa-too-late") as refused:
        refuse_added(StepKind.VISA, [decided, asked])
    assert refused.value.facts["step"] == "Fait"
