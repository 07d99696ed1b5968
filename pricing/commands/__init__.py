"""Commands of the command line, a module for each house of questions."""
