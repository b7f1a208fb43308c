"""Delivery: an edition goes out by mail, webhook and chat, at most once for each week and channel."""
