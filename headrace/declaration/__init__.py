"""What a pipeline declares, as plain dataclasses: one module for each kind of file."""
