"""Tests of how many threads compute."""
