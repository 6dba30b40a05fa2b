"""What runs the weights: llama.cpp, and a scripted stand-in for quick tests."""
