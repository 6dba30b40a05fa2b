"""`sllm convert --vision`: checkpoints of models that see to ONNX, in the layout of the hubs."""
