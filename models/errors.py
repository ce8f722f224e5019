"""What the models room raises, besides ValueError for a wrong argument: each message is one sentence for a person."""


class ModelError(Exception):
    """A model cannot be had, loaded or used."""


class LoadError(ModelError):
    """The file is there, but it cannot be loaded as what it should be."""
