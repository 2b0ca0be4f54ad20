"""What `flowmanager doctor` looks at, a file for each check; none of them changes anything."""
