"""`python -m riskadj`: the command line."""

from riskadj.cli import main

if __name__ == "__main__":
    main()
