"""Reports: the scorecard and the status on a terminal, a run's page, and the weekly digest."""
