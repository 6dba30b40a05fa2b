"""`sllm bench`: how quick weights are on this machine, and how much memory they take."""
