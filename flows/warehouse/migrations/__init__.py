"""Numbered SQL files that bring the warehouse of an earlier version to the newest shape; forward only."""
