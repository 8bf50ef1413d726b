"""Make the pages of the reference from the code, one module for each."""
