"""The text-to-speech room: sentences in, sound out."""
