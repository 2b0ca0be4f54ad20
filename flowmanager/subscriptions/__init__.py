"""Events of other managers, one file for each family."""
