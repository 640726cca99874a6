"""The signatures of PES v2 flows: the Treasury's profile of XAdES, read by byte offset."""
