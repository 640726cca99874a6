"""The command line refuses as the pages do: one French sentence, and no traceback."""

import functools
from typing import Any

import click

from app.core.refusals import Refusal, catalogue

_DONE = "told_in_french"


def in_french(command: click.Command) -> click.Command:
    """Let this command, and those below it, say a refusal in its sentence and exit with 1; what is refused changes nothing.

    So is a file that is closed to the account that types.
    """
    if isinstance(command, click.Group):
        for below in command.commands.values():
            in_french(below)
    elif command.callback is not None and not hasattr(command.callback, _DONE):
        command.callback = _in_french(command.callback)
    return command


def _in_french(run: Any) -> Any:
    @functools.wraps(run)
    def say(*arguments: Any, **options: Any) -> Any:
        try:
            return run(*arguments, **options)
        except PermissionError as fault:
            sentence = (
                "n’est pas ouvert au compte qui tape cette commande : changez ses droits, ou de dossier."
            )
            raise click.ClickException(f"« {fault.filename} » {sentence}") from fault
        except Refusal as refusal:
            raise click.ClickException(catalogue.say(refusal.key, refusal.facts)[1]) from refusal

    setattr(say, _DONE, True)
    return say
