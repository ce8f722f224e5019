"""The agent room: what the user said in, the reply out as it is made."""
