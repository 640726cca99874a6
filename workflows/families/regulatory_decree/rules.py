"""What must be true of a regulatory order beyond what every act asks."""

from datetime import date

from workflows.family import Facts, Problem

TRAFFIC_POLICE = "6.1"


def exemption_is_of_police(facts: Facts, _today: date) -> Problem | None:
    """Of regulatory acts, the law exempts traffic and parking orders alone (CGCT L2131-2 I, 2° and 3°)."""
    matter = str(facts.get("matter") or "")
    if facts.get("transmitted") != "no" or not matter:
        return None
    if matter == TRAFFIC_POLICE or matter.startswith(f"{TRAFFIC_POLICE}."):
        return None
    return Problem(
        "transmission-due",
        "transmitted",
        "Un arrêté réglementaire se transmet, sauf la police de la circulation et du stationnement (matière 6.1). "
        "Choisissez « À transmettre », ou corrigez la matière.",
    )
