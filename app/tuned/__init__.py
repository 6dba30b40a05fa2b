"""What `sllm tune` has found to be quickest on this machine, as servers read it at their start."""
