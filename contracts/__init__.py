"""The published language: every event that crosses a service boundary. Imports the standard library and msgspec only."""
