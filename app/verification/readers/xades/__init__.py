"""XML signatures (XAdES): what each covers, whether its hashes are right, and what it says."""
