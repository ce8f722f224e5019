"""What `/inspector` shows: one WebSocket on which whoever watches a session gets its plan, its meters and its sound."""
