"""The personas that ship: who the avatar is, one YAML file each."""
