"""Who may be at the other end of an encrypted connection."""

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """The context every connection is made in: certificates and names are checked."""
    return ssl.create_default_context()
