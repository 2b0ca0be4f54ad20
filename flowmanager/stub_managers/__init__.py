"""Stand-ins for the other managers: they speak the contract, emit the events, and misbehave on demand."""
