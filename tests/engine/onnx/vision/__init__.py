"""Tests of models that see."""
