"""`sllm doctor`: what is wrong with this set-up, and the command that mends it."""
