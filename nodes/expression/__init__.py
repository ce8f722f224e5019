"""The expression room: what the avatar's face and body do, from cues, text and the sound of the reply."""
