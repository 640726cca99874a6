"""Forgeries that are still believed: each leaves this list with the change that stops it."""

PENDING: frozenset[str] = frozenset(
    (
        "Lectures: drawing: an end of stream within",
        "Lectures: drawing: filter twice",
        "Lectures: drawing: blank after inflating, rubbish after it",
        "Lectures: objects: page twice in an object stream, the genuine one first and named",
        "Lectures: table: two lines for the page, the genuine last",
        "Lectures: table: places of nine bytes, another page hidden in the signed part",
        "Lectures: table: places of forty bytes, another page hidden in the signed part",
        "Lectures: table: four widths, another page hidden in the signed part",
        "Lectures: trailer: size that is too small, another page hidden in the signed part",
    )
)
