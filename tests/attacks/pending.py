"""Forgeries that are still believed: each leaves this list with the change that stops it."""

PENDING = frozenset(
    (
        "Certificats: made for TLS client",
        "Certificats: made for TLS server and client",
        "Horodatages: by a certificate made for it and for something else",
        "XAdES: cheating signer: the file's reference is to nothing",
        "XAdES: signed properties of another signature",
    )
)
