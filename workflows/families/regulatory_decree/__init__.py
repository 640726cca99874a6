"""Regulatory orders of the mayor (arrêtés réglementaires), published, and transmitted unless the law exempts them."""
