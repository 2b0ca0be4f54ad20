"""Typed clients of the other managers, one file each, all over the one Rpc port."""
