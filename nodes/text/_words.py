"""Word tables are written as text, for they are read more than they are run."""


def words(text: str) -> frozenset[str]:
    """The set of the words in `text`."""
    return frozenset(text.split())
