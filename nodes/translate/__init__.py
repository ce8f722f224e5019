"""The translation room: what is shown in one language is spoken in another."""
