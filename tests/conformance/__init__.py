"""The same promises, kept by every engine on every kind of weights; the table is at the end."""
