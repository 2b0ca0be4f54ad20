"""What happens to flows and activeflows: decided by the core, committed by the store, told to peers."""
