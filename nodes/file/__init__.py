"""Sound files as the ends of a graph."""
