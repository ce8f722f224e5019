"""Voice activity: where the user speaks."""
