"""Adapters that the compiler puts between two audio ports that do not fit."""
