"""What people are told of what leaves, and of what comes back."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "channel-unknown": (422, "Le canal « {channel} » n’existe pas. Corrigez le circuit."),
}
