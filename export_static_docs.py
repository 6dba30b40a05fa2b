"""Writes api_docs/site; given a folder, all documents there, which then need nothing else."""

from app.docs.site import main

if __name__ == "__main__":
    main()
