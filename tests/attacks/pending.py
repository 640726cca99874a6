"""Forgeries that are still believed: each leaves this list with the change that stops it."""

PENDING: frozenset[str] = frozenset(
    (
        "Lectures: drawing: an end of stream within",
        "Lectures: drawing: filter twice",
        "Lectures: trailer: Prev twice, the true one first, another page hidden in the signed part",
        "Lectures: trailer: Prev twice, the second by an escaped name, another page hidden in the signed part",
        "Lectures: trailer: Prev in a comment that ends too soon, another page hidden in the signed part",
    )
)
