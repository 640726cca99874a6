"""The second factor: passkeys, applications of codes, recovery codes; who must have one, and who takes a lost one off."""
