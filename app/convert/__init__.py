"""`sllm convert`: GGUF or safetensors to ONNX. Needs the extra `convert`; the server never does."""
