"""Images for ONNX models that see: one module for each family of architectures."""
