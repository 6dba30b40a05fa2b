"""The documents are tested: what they show is run, what they name exists."""
