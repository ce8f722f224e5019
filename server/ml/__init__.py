"""The ML service: the providers of a pipeline behind HTTP, apart from the calls."""
