"""Tests of the ML service."""
