"""`sllm chat`: a conversation in the terminal, or one question and its answer."""
