"""What went wrong with another machine, said in French: the faults of Python that an administrator meets."""

_WORDS = {
    "ConnectionRefusedError": "la connexion est refusée : le service est arrêté, ou n’est pas à cette adresse",
    "ConnectionError": "la connexion a été coupée",
    "SSLCertVerificationError": "le certificat du serveur n’est pas reconnu",
    "SSLError": "la liaison chiffrée n’a pas pu s’établir",
    "TimeoutError": "aucune réponse dans le délai",
    "gaierror": "aucune machine de ce nom n’est connue ici",
    "PermissionError": "l’accès au fichier est refusé",
    "FileNotFoundError": "le fichier n’existe pas",
}
"""By the name of the fault or of what it is a kind of: only one room calls addresses, and it alone imports their modules."""
_OF_PYTHON = {"builtins", "socket", "ssl"}
"""Libraries call faults of their own by the same names, which say less than what caused them."""


def words_of(fault: BaseException) -> str | None:
    """The fault in French words, or that which caused it; None of one that has none here."""
    met: BaseException | None = fault
    while met is not None:
        for kind in type(met).__mro__:
            if kind.__module__ in _OF_PYTHON and kind.__name__ in _WORDS:
                return _WORDS[kind.__name__]
        met = met.__cause__ or met.__context__
    return None
