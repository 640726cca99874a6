"""What another machine did not do is said in French, whatever wraps it."""

import socket

import pytest

from app.core.faults import words_of


def wrapped(cause: BaseException | None) -> OSError:
    fault = OSError("could not reach the service")
    fault.__cause__ = cause
    return fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "la connexion est refusée"),
        (wrapped(ConnectionRefusedError(111, "Connection refused")), "la connexion est refusée"),
        (wrapped(TimeoutError()), "aucune réponse dans le délai"),
        (socket.gaierror(-2, "Name or service not known"), "aucune machine de ce nom"),
        (ConnectionResetError(104, "Connection reset by peer"), "la connexion a été coupée"),
    ],
)
def test_a_fault_is_said_in_french(fault: BaseException, words: str) -> None:
    assert str(words_of(fault)).startswith(words)


def test_a_fault_of_which_nothing_is_known_is_left_as_it_is() -> None:
    assert words_of(wrapped(None)) is None
