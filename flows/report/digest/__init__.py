"""The weekly digest: facts from the published file, frozen, then rendered as mail, page, text, Markdown and JSON."""
