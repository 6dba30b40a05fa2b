"""The commands of `sllm`: options, what is printed, exit codes. What they do lives in the layers
below; how they hang together is `app/cli.py`'s.
"""
