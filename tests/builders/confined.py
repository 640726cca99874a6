"""What the copies that read strangers' files cost, whoever else is at work on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.files.confined import Answer, Confined, Ended, Limits


@contextmanager
def asked() -> Iterator[list[Answer | Ended]]:
    """Within, each answer of a copy with its cost, or how it was ended, in the order of the questions."""
    answers: list[Answer | Ended] = []
    ask = Confined.ask

    def noted(self: Confined, question: dict[str, Any], limits: Limits) -> Answer:
        try:
            answer = ask(self, question, limits)
        except Ended as ended:
            answers.append(ended)
            raise
        answers.append(answer)
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Confined, "ask", noted)
        yield answers
