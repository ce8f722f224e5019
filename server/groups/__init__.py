"""Rooms in which several people and their characters talk with each other."""
