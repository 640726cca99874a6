"""Who hears what: letters without content, one for each recipient, each with a Message-ID that never changes."""
