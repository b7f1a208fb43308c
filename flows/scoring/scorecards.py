def write_scorecards(connection, settings): pass
