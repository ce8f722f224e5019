"""Live2D models of the user: found on disk, described for the page, served to it. No code of Live2D is here."""
