"""`python -m pricing`: the command line."""

from pricing.cli import main

if __name__ == "__main__":
    main()
