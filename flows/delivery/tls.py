"""The TLS context of every connection to a receiver."""

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """The shared TLS context: certificates and host names are checked."""
    return ssl.create_default_context()
