"""Images from outside, as they are told apart, decoded, kept and fetched."""
