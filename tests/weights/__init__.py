"""Tests of app/weights."""
