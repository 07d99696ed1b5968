"""`python -m benchmarks`: every benchmark, one table."""

from benchmarks.run import main

if __name__ == "__main__":
    main()
