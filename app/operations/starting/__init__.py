"""The ready-made start of a collectivity: desks, their tree and circuits proposed, everything edited before it is created."""
