"""The voice room: what changes a voice into another."""
