"""Texts and names as SQL has them: a statement is built of a vendor's words by these two alone."""


def literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """The name of a column as an identifier of SQL, whatever marks are in it."""
    return '"' + name.replace('"', '""') + '"'
