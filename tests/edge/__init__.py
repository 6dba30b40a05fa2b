"""The edge, errors, languages and documents, mostly on a small application of their own."""
