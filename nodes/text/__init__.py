"""The text room: from an agent's tokens to clean sentences to speak, with cues."""
