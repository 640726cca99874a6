"""The cancellation of an act that the Préfecture acknowledged, with its reason and its own approvals."""
