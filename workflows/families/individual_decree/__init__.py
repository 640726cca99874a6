"""Individual orders of the mayor (arrêtés individuels), notified to the person concerned."""
