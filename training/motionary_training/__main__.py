"""``python -m motionary_training`` is ``motionary-train``; ``torchrun -m motionary_training`` needs it."""

from motionary_training.cli import main

if __name__ == "__main__":
    main()
