"""Chat platforms as sources: what the audience of a stream writes."""
