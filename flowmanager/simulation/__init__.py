"""Flows tried without a phone: the real engine and executors on a virtual clock, without broker and database."""
