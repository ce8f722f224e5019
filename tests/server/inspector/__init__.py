"""The inspector's feed and page."""
