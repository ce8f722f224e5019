"""What a user asked for cannot be done."""


class Wrong(Exception):
    """One sentence for the user; ends the command with exit code 2."""
