"""The image of a person's handwritten signature: a decoration of a real signature, and nothing by itself (SIG-01)."""
