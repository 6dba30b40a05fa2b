"""Tests of `sllm convert --vision`."""
