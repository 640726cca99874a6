"""A folder taken along to be read without a connection: the parcel that one browser is given, and the list of them."""
