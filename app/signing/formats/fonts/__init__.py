"""The font that the visible stamp is drawn with."""
