"""What a certificate may be used for: acts and everything else, accounting flows alone, or the collectivity's seal."""

from workflows.vocabulary import Worded


class Purpose(Worded):
    """What a certificate was enrolled for; its authority's terms say it, no field of the certificate does."""

    ACTS = "acts", "Actes, factures et flux comptables"
    PES = "pes", "Flux comptables seulement"
    SEAL = "seal", "Cachet de la collectivité"

    def suits(self, purpose: str) -> bool:
        """Whether a person may sign with it what a family asks for.

        A certificate of the DGFiP signs accounting flows only, never acts; one for acts signs the flows as well; one
        of the seal signs for nobody (DGFiP signature policy, CGCT D1617-23).
        """
        return self is Purpose.ACTS or (self is Purpose.PES and purpose == Purpose.PES)
