"""Trains the demo that sees shapes and colours: `python -m training.run`, then `training.finish`.

Not part of the install: it needs torch, transformers and easy-vqa. See README.md here."""
