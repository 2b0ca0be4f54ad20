"""The contract with other programs, written from the code: an AsyncAPI document, and pages for people."""
