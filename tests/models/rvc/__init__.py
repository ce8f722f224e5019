"""Tests of vaidol.models.rvc."""
