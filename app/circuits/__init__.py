"""The circuits of a collectivity: numbered versions, never changed once published."""
