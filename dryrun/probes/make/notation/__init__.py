"""How answers are written: in LaTeX, with a decimal comma, as an expression."""
