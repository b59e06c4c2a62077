"""The version of this package, read without importing the root."""

from __future__ import annotations

__version__ = "0.1.0"
