"""The signatures of the documents of a folder, as they were judged: for whoever may read them."""
