"""``python -m motionary`` is ``motionary``."""

from motionary.cli import main

if __name__ == "__main__":
    main()
