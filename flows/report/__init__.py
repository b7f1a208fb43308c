"""What people read: the scorecard on a terminal and on a run's page."""
