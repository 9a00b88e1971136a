"""Pictures of functions, losses and training: numbers first, then drawn or told as text."""
