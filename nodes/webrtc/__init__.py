"""The ends of a call: microphone in, reply out, data channel both ways."""
