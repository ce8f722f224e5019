"""The end of a graph whose client plays whole sentences by itself (the ancestor's protocol)."""
