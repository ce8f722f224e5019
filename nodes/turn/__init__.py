"""Turn-taking: when the user's turn is over, and when the user takes the floor back."""
