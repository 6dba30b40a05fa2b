"""Examples that were really run: what is asked, how it is recorded, and how it is kept."""
