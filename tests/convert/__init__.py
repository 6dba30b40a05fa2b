"""Tests of `sllm convert`."""
