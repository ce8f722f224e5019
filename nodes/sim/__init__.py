"""Simulated nodes: they follow the script of a scenario (`vaidol scenario`) and need no model and no person."""
