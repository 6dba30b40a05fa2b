"""Tests of measuring and choosing."""
