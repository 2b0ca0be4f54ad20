"""The benchmark: how fast the worker is, on real servers, beside the least that any worker must do."""
