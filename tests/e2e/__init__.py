"""Whole calls: a real server process, a real browser, real models."""
