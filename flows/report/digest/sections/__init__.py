"""The sections of a digest, one file a concern; `layout` puts them in order."""
