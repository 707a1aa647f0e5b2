"""The published language as documents: JSON Schemas, AsyncAPI, the table of events, and the check against the last release.

A package of its own, because it must see both ``contracts`` (what is said) and ``services`` (who says and who listens),
which neither of them may. Nothing at run time imports it, and it is not in the wheel.
"""
