"""What SQL cannot do on the small tables: intervals, p and q values, shrinkage."""
