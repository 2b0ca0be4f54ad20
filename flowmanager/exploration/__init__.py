"""Walks every branch of a flow that it can find, by simulations that decide differently each time."""
