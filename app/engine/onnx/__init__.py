"""Continuous batching over plain onnxruntime: graph, slots, batch, sampling, text in and out."""
