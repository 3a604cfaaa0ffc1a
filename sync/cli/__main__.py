"""`python -m sync.cli`, as the supervisor starts its children."""

from sync.cli import main

if __name__ == "__main__":
    main()
