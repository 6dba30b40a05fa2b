"""Measuring weights on this machine, format by format: what `sllm tune` and the benchmarks do."""
