"""Random small faults in the models and the scoring: how many of those that change anything do the tests notice?"""
