"""Property-based fuzzing of the public API from its own OpenAPI document: ``python -m fuzz``."""
