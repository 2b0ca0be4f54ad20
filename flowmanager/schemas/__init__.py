"""The forms of what comes in and goes out."""
