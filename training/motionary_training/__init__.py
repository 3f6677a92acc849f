"""Training, evaluation and export of Motionary's encoders. The only package that needs torch."""
