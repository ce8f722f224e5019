"""Word tables are written as text, for they are read more than they are run."""


def row(text: str) -> tuple[str, ...]:
    """The words of `text` in order."""
    return tuple(text.split())


def words(text: str) -> frozenset[str]:
    """The set of the words in `text`."""
    return frozenset(text.split())
