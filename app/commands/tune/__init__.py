"""`sllm tune`: which form and settings of weights are quickest here, at equal quality."""
